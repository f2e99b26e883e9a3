import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RetryableError } from '@causeway/runtime/errors';
import { emptyState } from '@causeway/schemas/agreement-log';
import { NO_LOOKS } from '../testing/measured.ts';
import { attention, lagLook, ORGANISATIONS } from '../testing/world.ts';
import type { World } from '../web/world.ts';
import { alertsFor } from './alerts.ts';
import { stoppedParts } from './stopped.ts';

const NOW = Date.parse('2026-10-05T12:00:00Z');
const noDatabase = () => Promise.reject(new RetryableError('database-unavailable', 'not in this test'));
const world = (more: Partial<World>): World => ({
  measured: () => NO_LOOKS,
  lag: () => undefined,
  parts: () => [],
  attention: () => undefined,
  organisations: () => ORGANISATIONS,
  agreements: emptyState,
  ledgers: () => ({ since: NOW, signedAt: NOW, broken: [] }),
  interests: () => undefined,
  store: { query: noDatabase, transaction: noDatabase },
  ...more,
});
const everybody = { subject: 'a', roles: ['operator' as const] };
const council = { ...everybody, organisation: 'westshire-council' };
const titles = (more: Partial<World>, viewer = everybody) =>
  alertsFor(world(more), viewer, NOW).map(({ title }) => title);

test('nothing wrong, nothing said', () => {
  assert.deepEqual(titles({}), []);
});

test('a broken chain and a late checkpoint are said, the chain to its owner only', () => {
  const ledgers = () => ({ since: 0, signedAt: NOW - 600_000, broken: ['ledger.westshire-police/2'] });
  assert.deepEqual(titles({ ledgers }), [
    'The ledger of Westshire Police is not whole',
    'The checkpoint of the ledgers is late',
  ]);
  assert.deepEqual(titles({ ledgers }, council), ['The checkpoint of the ledgers is late']);
});

test('an organisation that knows unusually many people is named, a usual day is not', () => {
  const interests = (today: number) => () => [{ organisation: 'westshire-council', today, usually: 40 }];
  assert.deepEqual(titles({ interests: interests(150) }), []);
  assert.deepEqual(titles({ interests: interests(2_000) }), [
    'Westshire Council says that it knows unusually many people',
  ]);
});

test('a reader that stands still, failures and silence are said to their own organisation', () => {
  const more = { lag: () => lagLook(NOW), attention: () => attention(NOW) };
  assert.equal(titles(more).length, 3);
  assert.deepEqual(titles(more, { ...everybody, organisation: 'westshire-nhs-trust' } as typeof everybody), [
    'nhs-mesh of Westshire Hospitals NHS Trust has been silent for longer than usual',
  ]);
});

test('a stopped part is said as what it is; another organisation’s adapter is not ours to see', () => {
  const parts = () => [
    { name: 'registry', status: 'away' as const, since: NOW, detail: '' },
    {
      name: 'nhs-trust',
      organisation: 'westshire-nhs-trust',
      status: 'not-ready' as const,
      since: NOW,
      detail: 'it waits for database',
    },
    { name: 'gateway', status: 'up' as const, since: NOW, detail: '' },
  ];
  const stopped = (viewer: typeof everybody) =>
    stoppedParts(world({ parts }), viewer, NOW).map(({ title }) => title);
  assert.deepEqual(stopped(everybody), [
    'The schema registry does not answer',
    'The adapter nhs-trust of Westshire Hospitals NHS Trust is not ready',
  ]);
  assert.deepEqual(stopped(council), ['The schema registry does not answer']);
});
