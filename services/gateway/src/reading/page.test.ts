import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Envelope } from '@causeway/runtime/bus/envelope';
import type { ReadFrom } from '@causeway/runtime/inbox/inbox';
import type { FetchedPartition, FetchedRecord } from '@causeway/runtime/kafka/broker-client';
import fc from 'fast-check';
import { type Authoriser, type Page, readPage } from './page.ts';

/** What a broker keeps: data, and between it control records and data of transactions that were aborted. */
type Entry = { kind: 'data' | 'control' | 'aborted'; wanted: boolean; size: number; timestamp: number };
type Log = { entries: Entry[]; start: number; stable: number };

const entry: fc.Arbitrary<Entry> = fc.record({
  kind: fc.constantFrom('data', 'data', 'data', 'control', 'aborted'),
  wanted: fc.boolean(),
  size: fc.integer({ min: 1, max: 50 }),
  timestamp: fc.integer({ min: 0, max: 40 }),
});
const log: fc.Arbitrary<Log> = fc
  .record({ entries: fc.array(entry, { maxLength: 40 }), start: fc.nat(1000), unstable: fc.nat(5) })
  .map(({ entries, start, unstable }) => {
    const inOrder = entries.toSorted((a, b) => a.timestamp - b.timestamp);
    return { entries: inOrder, start, stable: start + Math.max(0, entries.length - unstable) };
  });
const logs = fc.array(log, { minLength: 1, maxLength: 6 });

/** As a broker answers: the partitions in turn until the answer is full, at least one batch for the first. */
function readerOf(partitions: readonly Log[], batchEntries: number, answerEntries: number): ReadFrom {
  return async (positions) => {
    let room = answerEntries;
    let first = true;
    return positions.map(({ partition, offset }): FetchedPartition => {
      const { entries, start, stable } = partitions[partition] ?? { entries: [], start: 0, stable: 0 };
      const outOfRange = offset < start || offset > start + entries.length;
      const records: FetchedRecord[] = [];
      let next = offset;
      const count = first ? Math.max(batchEntries, 1) : Math.min(batchEntries, room);
      while (!outOfRange && next < Math.min(stable, offset + count)) {
        const { kind, timestamp, size, wanted } = entries[next - start] as Entry;
        const value = Buffer.alloc(size, wanted ? 'w' : 'x');
        if (kind === 'data') records.push({ offset: next, timestamp, key: null, value, headers: {} });
        next += 1;
      }
      if (next > offset) first = false;
      room -= next - offset;
      return { topic: 'inbox', partition, records, next, endOffset: outOfRange ? -1 : stable, outOfRange };
    });
  };
}

const ABOUT = {} as Envelope;

const wantedOnly: Authoriser = async ({ value, offset }, partition) =>
  value?.[0] === 'w'.charCodeAt(0)
    ? {
        outcome: 'event',
        event: ABOUT,
        json: Buffer.from(JSON.stringify({ at: `${partition}-${offset}`, data: 'd'.repeat(value.length) })),
      }
    : { outcome: 'passed' };

const expected = (partitions: readonly Log[]) =>
  partitions.map(({ entries, start, stable }, partition) =>
    entries.flatMap(({ kind, wanted }, index) =>
      kind === 'data' && wanted && start + index < stable ? [`${partition}-${start + index}`] : [],
    ),
  );

const namesIn = (page: Page): string[] =>
  page.events.map(({ json }) => (JSON.parse(json.toString()) as { at: string }).at);

async function pageOf(...args: Parameters<typeof readPage>): Promise<Page> {
  const page = await readPage(...args);
  assert.ok('events' in page, 'nothing was missed');
  return page;
}

test('paging yields every wanted record exactly once, in order per partition, and ends at the last stable offset', async () => {
  await fc.assert(
    fc.asyncProperty(
      logs,
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 400 }),
      fc.integer({ min: 1, max: 10 }),
      fc.integer({ min: 0, max: 20 }),
      async (partitions, events, bytes, batchEntries, answerEntries) => {
        const read = readerOf(partitions, batchEntries, answerEntries);
        let positions = partitions.map(({ start }) => start);
        const seen: string[] = [];
        for (;;) {
          const page = await pageOf(read, positions, { events, bytes }, wantedOnly);
          assert.ok(page.events.length <= events);
          const size = page.events.reduce((sum, { json }) => sum + json.length, 0);
          assert.ok(page.events.length === 1 || size <= bytes);
          seen.push(...namesIn(page));
          const moved = page.positions.some((offset, partition) => offset > (positions[partition] ?? 0));
          positions = page.positions;
          assert.ok(positions.every((offset, p) => offset <= (partitions[p]?.stable ?? 0)));
          if (!moved) break;
        }
        assert.deepEqual(
          positions,
          partitions.map(({ stable }) => stable),
        );
        const perPartition = partitions.map((_, p) => seen.filter((name) => name.startsWith(`${p}-`)));
        assert.deepEqual(perPartition, expected(partitions));
      },
    ),
    { numRuns: 400 },
  );
});

test('an empty page still moves past everything that is not asked for', async () => {
  const none: Entry = { kind: 'data', wanted: false, size: 1, timestamp: 1 };
  const marker: Entry = { ...none, kind: 'control' };
  const partitions = [{ entries: [none, none, marker], start: 7, stable: 10 }];
  const page = await pageOf(readerOf(partitions, 10, 10), [7], { events: 5, bytes: 1000 }, wantedOnly);
  assert.deepEqual(page, { events: [], positions: [10], ends: [10], blocked: undefined });
});

test('a full page stops right before the next record, past the markers in between', async () => {
  const data: Entry = { kind: 'data', wanted: true, size: 1, timestamp: 1 };
  const marker: Entry = { ...data, kind: 'control' };
  const partitions = [{ entries: [data, marker, marker, data], start: 0, stable: 4 }];
  const page = await pageOf(readerOf(partitions, 10, 10), [0], { events: 1, bytes: 1000 }, wantedOnly);
  assert.deepEqual([namesIn(page), page.positions], [['0-0'], [3]]);
});

test('a busy partition does not keep a quiet one waiting', async () => {
  const at = (timestamp: number): Entry => ({ kind: 'data', wanted: true, size: 10, timestamp });
  const busy = { entries: Array.from({ length: 200 }, (_, index) => at(100 + index)), start: 0, stable: 200 };
  const quiet = { entries: [at(150)], start: 0, stable: 1 };
  let positions = [0, 0];
  for (let pages = 1; positions[1] === 0; pages += 1) {
    assert.ok(pages <= 60);
    const page = await pageOf(
      readerOf([busy, quiet], 5, 5),
      positions,
      { events: 1, bytes: 1000 },
      wantedOnly,
    );
    positions = page.positions;
  }
  assert.deepEqual(positions, [51, 1]);
});

test('a record that cannot be authorised now stops its own partition only', async () => {
  const at = (timestamp: number): Entry => ({ kind: 'data', wanted: true, size: 10, timestamp });
  const partitions = [
    { entries: [at(1), at(2), at(3)], start: 0, stable: 3 },
    { entries: [at(1), at(2)], start: 5, stable: 7 },
  ];
  const error = new Error('the registry does not answer');
  const page = await pageOf(
    readerOf(partitions, 9, 99),
    [0, 5],
    { events: 9, bytes: 1000 },
    async (record, partition) =>
      record.offset === 1 ? { outcome: 'blocked', error } : wantedOnly(record, partition),
  );
  assert.deepEqual([namesIn(page), page.positions, page.blocked], [['0-0', '1-5', '1-6'], [1, 7], error]);
});

test('a position that is no longer in the log is reported with its partition', async () => {
  const data: Entry = { kind: 'data', wanted: true, size: 1, timestamp: 1 };
  const partitions = [
    { entries: [data], start: 0, stable: 1 },
    { entries: [data], start: 50, stable: 51 },
  ];
  const page = await readPage(readerOf(partitions, 9, 9), [0, 49], { events: 9, bytes: 1000 }, wantedOnly);
  assert.deepEqual(page, { missed: [1] });
});
