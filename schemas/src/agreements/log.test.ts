import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { SAMPLE_AGREEMENT } from '../testing/sample-agreement.ts';
import type { Agreement, AgreementStatus } from './agreement.ts';
import {
  type AgreementRecord,
  type AgreementsState,
  applyRecord,
  currentVersions,
  emptyState,
  type StatusRecord,
  type VersionRecord,
} from './log.ts';
import { parseAgreement } from './parse.ts';

const parsed = parseAgreement(SAMPLE_AGREEMENT, 'sample.yaml');
assert.ok('agreement' in parsed);
const agreement: Agreement = parsed.agreement;

const by = 'deployer';
const at = '2026-10-01T09:00:00Z';

function version(number: number, id = 'a', digest = 'x'): VersionRecord {
  return { kind: 'version', id, version: number, agreement, release: {}, digest, by, at };
}

function status(number: number, to: AgreementStatus, id = 'a'): StatusRecord {
  return { kind: 'status', id, version: number, status: to, reason: 'test', by, at };
}

function fold(records: readonly AgreementRecord[]): AgreementsState {
  return records.reduce(applyRecord, emptyState());
}

function active(records: readonly AgreementRecord[]): string[] {
  return currentVersions(fold(records)).map(({ id, version: number }) => `${id}/${number}`);
}

test('a version counts from its activation on, and not after it is suspended or ended', () => {
  assert.deepEqual(active([version(1)]), []);
  assert.deepEqual(active([version(1), status(1, 'active')]), ['a/1']);
  assert.deepEqual(active([version(1), status(1, 'active'), status(1, 'suspended')]), []);
  assert.deepEqual(active([version(1), status(1, 'active'), status(1, 'suspended'), status(1, 'active')]), [
    'a/1',
  ]);
  assert.deepEqual(active([version(1), status(1, 'active'), status(1, 'ended'), status(1, 'active')]), []);
});

test('activating a version supersedes the ones below it', () => {
  const both = [version(1), status(1, 'active'), version(2)];
  assert.deepEqual(active(both), ['a/1']);
  assert.deepEqual(active([...both, status(2, 'active')]), ['a/2']);
});

test('suspending a version never brings an older one back to life', () => {
  const records = [version(1), status(1, 'active'), version(2), status(2, 'active'), status(2, 'suspended')];
  assert.deepEqual(active(records), []);
  assert.deepEqual(active([...records, status(1, 'active')]), []);
  assert.deepEqual(active([...records, status(2, 'ended')]), []);
});

test('a draft above that is withdrawn leaves the version below as it is', () => {
  assert.deepEqual(active([version(1), status(1, 'active'), version(2), status(2, 'ended')]), ['a/1']);
});

test('a version never changes: the first record of it counts', () => {
  const state = fold([version(1, 'a', 'first'), version(1, 'a', 'second')]);
  assert.equal(state.versions.get('a/1')?.record.digest, 'first');
});

test('a status for a version that nobody loaded changes nothing', () => {
  assert.equal(fold([status(7, 'active')]).versions.size, 0);
});

const record: fc.Arbitrary<AgreementRecord> = fc
  .record({
    number: fc.integer({ min: 1, max: 3 }),
    id: fc.constantFrom('a', 'b'),
    to: fc.constantFrom<AgreementStatus | undefined>(
      undefined,
      'draft',
      'active',
      'active',
      'suspended',
      'ended',
    ),
  })
  .map(({ number, id, to }) => (to ? status(number, to, id) : version(number, id)));
const log = fc.array(record, { maxLength: 30 });

test('whatever the log holds, at most one version of each agreement is active', () => {
  fc.assert(
    fc.property(log, (records) => {
      const ids = currentVersions(fold(records)).map(({ id }) => id);
      assert.equal(new Set(ids).size, ids.length);
    }),
    { numRuns: 1000 },
  );
});

test('a record read twice in a row changes nothing the second time', () => {
  fc.assert(
    fc.property(log, (records) => {
      const twice = records.flatMap((one) => [one, one]);
      assert.deepEqual(fold(twice), fold(records));
    }),
  );
});

test('an agreement whose highest counted version is suspended or ended releases nothing', () => {
  fc.assert(
    fc.property(log, (records) => {
      const state = fold(records);
      for (const id of ['a', 'b']) {
        const counted = [...state.versions.values()].filter((one) => one.record.id === id && one.counted);
        const highest = counted.toSorted((x, y) => y.record.version - x.record.version)[0];
        const current = currentVersions(state).find((one) => one.id === id);
        assert.equal(current?.version, highest?.status === 'active' ? highest.record.version : undefined);
      }
    }),
    { numRuns: 1000 },
  );
});

test('the order in which different versions are written does not matter', () => {
  const one = fc.array(fc.constantFrom<AgreementStatus>('active', 'suspended', 'ended'), { maxLength: 3 });
  fc.assert(
    fc.property(one, one, fc.infiniteStream(fc.boolean()), (lower, upper, choices) => {
      const queues = [
        [version(1), ...lower.map((to) => status(1, to))],
        [version(2), ...upper.map((to) => status(2, to))],
      ] as const;
      const mixed: AgreementRecord[] = [];
      const [first, second] = [[...queues[0]], [...queues[1]]];
      for (const choice of choices) {
        const next = (choice ? first.shift() : second.shift()) ?? first.shift() ?? second.shift();
        if (!next) break;
        mixed.push(next);
      }
      assert.deepEqual(active(mixed), active(queues.flat()));
    }),
  );
});

test('applying a record leaves the state before it as it was', () => {
  fc.assert(
    fc.property(log, record, (records, next) => {
      const state = fold(records);
      const before = [...state.versions];
      applyRecord(state, next);
      assert.deepEqual([...state.versions], before);
    }),
  );
});
