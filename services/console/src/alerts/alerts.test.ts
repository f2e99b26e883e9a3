import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyState } from '@causeway/schemas/agreements/log';
import { measuredFlows, NO_LOOKS } from '../testing/measured.ts';
import { ADMISSION, agreementOf, attention, lagLook, ORGANISATIONS, stateOf } from '../testing/world.ts';
import { type AlertReaders, alertsFor } from './alerts.ts';
import { type PartReaders, stoppedParts } from './stopped.ts';

type TestReaders = AlertReaders & PartReaders;
const NOW = Date.parse('2026-10-05T12:00:00Z');
const readers = (more: Partial<TestReaders>): TestReaders => ({
  measured: () => NO_LOOKS,
  lag: () => undefined,
  parts: () => [],
  attention: () => undefined,
  organisations: () => ORGANISATIONS,
  agreements: emptyState,
  ledgers: () => ({ since: NOW, signedAt: NOW, broken: [] }),
  interests: () => undefined,
  ...more,
});
const everybody = { subject: 'a', roles: ['operator' as const] };
const council = { ...everybody, organisation: 'westshire-council' };
const titles = (more: Partial<TestReaders>, viewer = everybody) =>
  alertsFor(readers(more), viewer, NOW).map(({ title }) => title);

test('nothing wrong, nothing said', () => {
  assert.deepEqual(titles({}), []);
});

test('a broken chain and a late checkpoint are said, the chain to its owner only', () => {
  const ledgers = () => ({ since: 0, signedAt: NOW - 600_000, broken: ['ledger.westshire-police/2'] });
  assert.deepEqual(titles({ ledgers }), [
    'The ledger of Westshire Police has a broken chain',
    'The ledger checkpoint is late',
  ]);
  assert.deepEqual(titles({ ledgers }, council), ['The ledger checkpoint is late']);
});

test('an organisation that knows unusually many people is named, a usual day is not', () => {
  const interests = (today: number) => () => [{ organisation: 'westshire-council', today, usually: 40 }];
  assert.deepEqual(titles({ interests: interests(150) }), []);
  assert.deepEqual(titles({ interests: interests(2_000) }), [
    'Westshire Council has registered interest in unusually many people',
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
    stoppedParts(readers({ parts }), viewer, NOW).map(({ title }) => title);
  assert.deepEqual(stopped(everybody), [
    'The schema registry does not answer',
    'The adapter nhs-trust of Westshire Hospitals NHS Trust is not ready',
  ]);
  assert.deepEqual(stopped(council), ['The schema registry does not answer']);
});

test('a lead is led to the interests that are so many, an operator is told only', () => {
  const interests = () => [{ organisation: 'westshire-council', today: 2_000, usually: 40 }];
  const links = (roles: ('operator' | 'information-governance')[]) =>
    alertsFor(readers({ interests }), { ...council, roles }, NOW).map(({ link }) => link?.href);
  assert.deepEqual(links(['operator']), [undefined]);
  assert.deepEqual(links(['information-governance']), [
    '/disclosures/cases?organisation=westshire-council&kind=interest',
  ]);
});

test('events that are not released, or more slowly than they come, are said; while the broker is away its old figures are not', () => {
  const flow = { id: 'westshire-council', name: 'Westshire Council' };
  const stopped = measuredFlows(
    [{ ...flow, perSecond: 5, releasedPerSecond: 5, stoppedForMs: 120_000 }],
    NOW,
  );
  assert.deepEqual(titles({ measured: () => stopped }), [
    'Events of Westshire Council are not being released',
  ]);
  const growing = measuredFlows([{ ...flow, perSecond: 5, releasedPerSecond: 5 }], NOW);
  const samples = growing.samples.map((sample, i) => {
    const one = sample.organisations.get(flow.id);
    if (!one) return sample;
    const waiting = i * 40;
    const oldest = { partition: 0, offset: i * 10, at: sample.at - 60_000 - i * 100 };
    return { ...sample, organisations: new Map([[flow.id, { ...one, waiting, oldest }]]) };
  });
  assert.deepEqual(titles({ measured: () => ({ ...growing, samples }) }), [
    'Events of Westshire Council arrive faster than they are released',
  ]);
  const away = { ...stopped, connection: { status: 'away' as const, since: NOW } };
  assert.deepEqual(titles({ measured: () => away }), []);
});

test('an agreement that ends, ended or is to be reviewed is said to its parties, each with what to do', () => {
  const day = (days: number) => new Date(NOW + days * 86_400_000).toISOString().slice(0, 10);
  const said = (until: number, review: number, viewer = everybody) => {
    const valid = { from: '2026-01-01', until: day(until), review: day(review), graceDays: 30 };
    const release = { [ADMISSION]: { fields: ['admittedAt'], generalise: {}, necessity: {} } };
    const agreements = () => stateOf([agreementOf({ id: 'stay', title: 'Stays', valid, release })]);
    return alertsFor(readers({ agreements }), viewer, NOW).map(({ kind, title }) => `${kind}: ${title}`);
  };
  assert.deepEqual(said(400, 300), []);
  assert.deepEqual(said(400, 20), ['waiting: “Stays” is to be reviewed']);
  assert.deepEqual(said(400, -1), ['warning: “Stays” should have been reviewed']);
  assert.deepEqual(said(29, 20), ['warning: “Stays” ends soon']);
  assert.deepEqual(said(-1, -20), ['stopped: “Stays” is over']);
  const police = { ...everybody, organisation: 'westshire-police' };
  assert.deepEqual(said(-1, -20, police), []);
});
