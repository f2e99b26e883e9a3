import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WriterSchema } from '@causeway/runtime/avro/codec';
import { encodeHeaders } from '@causeway/runtime/bus/envelope';
import type { Inbox } from '@causeway/runtime/inbox/inbox';
import type { FetchedRecord } from '@causeway/runtime/kafka/broker-client';
import { Problem } from '@causeway/runtime/service/http-server';
import { createLogger } from '@causeway/runtime/telemetry/log';
import type { Agreement, AgreementStatus } from '@causeway/schemas/agreements/agreement';
import {
  type AgreementRecord,
  type AgreementsState,
  applyRecord,
  emptyState,
} from '@causeway/schemas/agreements/log';
import type { EventQuery } from '../http/query.ts';
import type { ReadingParts } from './current-page.ts';
import { createCursors } from './cursor.ts';
import { readEvents } from './read.ts';

const COUNCIL = 'a-council';
const TYPE = 'uk.causeway.nhs.inpatient-admission.recorded.v1';
const query: EventQuery = {
  start: 'oldest',
  limit: 10,
  waitMs: 0,
  type: undefined,
  subject: undefined,
};
const never = new AbortController().signal;

const stateWith = (status: AgreementStatus): AgreementsState => {
  const valid = { from: '2020-01-01', until: '2099-12-31', review: '2099-12-31', graceDays: 0 };
  const marking = { ceiling: 'OFFICIAL-SENSITIVE', handling: [] };
  const gates = { valid, marking, audience: 'all' };
  const agreement = { from: 'a-trust', to: [COUNCIL], ...gates } as unknown as Agreement;
  const signed = { id: 'one', version: 1, by: 'test', at: '2026-01-01T00:00:00Z' };
  const release = { [TYPE]: { leaves: [], generalise: {}, schemaId: 1 } };
  const records: AgreementRecord[] = [
    { kind: 'version', ...signed, agreement, release, digest: '' },
    { kind: 'status', ...signed, status, reason: 'test' },
  ];
  return records.reduce(applyRecord, emptyState());
};

const recordAt = (offset: number): FetchedRecord => {
  const event = {
    id: String(offset).padStart(22, '0'),
    source: '/a-trust/adt',
    type: TYPE,
    time: '2026-11-23T09:00:00Z',
    subject: 's'.repeat(22),
    classification: 'OFFICIAL',
    replay: false,
    agreement: ['one/1'],
  } as const;
  const lists = { tokens: [], otherTokens: [], handling: [], exclude: [] };
  const texts = encodeHeaders({ ...event, ...lists, agreement: ['one/1'] }, 'inbox');
  const headers = Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, Buffer.from(text)]));
  return { offset, timestamp: 0, key: null, value: Buffer.alloc(5), headers };
};

/** Two partitions: the first holds one event at offset 5, the second nothing below 3 any more. */
const inbox: Inbox = {
  partitions: async () => 2,
  oldest: async () => [5, 3],
  ends: async () => [6, 3],
  since: async () => [5, 3],
  beyond: async () => [],
  read: async (positions) =>
    positions.map(({ partition, offset }) => {
      const start = partition === 0 ? 5 : 3;
      const end = partition === 0 ? 6 : 3;
      const records = partition === 0 && offset <= 5 ? [recordAt(5)] : [];
      const common = { topic: 'inbox', partition };
      if (offset < start) return { ...common, records: [], next: offset, endOffset: -1, outOfRange: true };
      return { ...common, records, next: end, endOffset: end, outOfRange: false };
    }),
};

const cursors = createCursors(['a key that is long enough']);

const SCHEMA = { type: 'record' as const, name: 'View', fields: [] };
const WRITER: WriterSchema = {
  id: 1,
  name: 'View',
  schema: SCHEMA,
  check: () => {},
  decode: () => ({}),
  writeJson: (_, output, at) => at + output.write('{}', at),
};

const partsWith = (
  agreements: ReadingParts['agreements'],
  writerOf: ReadingParts['writerOf'] = () => WRITER,
) => {
  let clock = Date.parse('2026-11-23T09:00:00Z');
  const now = () => {
    clock += 500;
    return clock;
  };
  const inboxes: ReadingParts['inboxes'] = { use: (_, task) => task(inbox), close: async () => {} };
  return { inboxes, cursors, writerOf, agreements, log: createLogger('test', 'silent'), now };
};

const refusal = async (asked: Promise<unknown>): Promise<Problem> => {
  const error = await asked.then(
    () => assert.fail('was answered'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Problem);
  return error;
};

test('nothing is handed over while the agreements cannot be followed', async () => {
  const parts = partsWith({ state: () => stateWith('active'), offset: () => 2, freshWithin: () => false });
  const problem = await refusal(readEvents(parts, COUNCIL, query, never));
  assert.deepEqual(
    [problem.status, problem.slug, problem.headers],
    [503, 'agreements-not-current', { 'retry-after': '1' }],
  );
});

test('an empty inbox needs no agreements', async () => {
  const parts = partsWith({ state: emptyState, offset: () => 0, freshWithin: () => false });
  const after = cursors.issue(COUNCIL, [6, 3]);
  const answer = await readEvents(parts, COUNCIL, { ...query, start: { after } }, never);
  assert.deepEqual(answer, { events: [], next: after, withheld: 0, unreadable: 0 });
});

test('an agreement that is suspended while a page is put together is obeyed', async () => {
  let offset = 2;
  const state = () => stateWith(offset === 2 ? 'active' : 'suspended');
  const writerOf = async () => {
    offset = 3;
    return WRITER;
  };
  const parts = partsWith({ state, offset: () => offset, freshWithin: () => true }, writerOf);
  const answer = await readEvents(parts, COUNCIL, query, never);
  assert.deepEqual([answer.events, answer.withheld], [[], 1]);
  assert.deepEqual(cursors.read(answer.next, COUNCIL), [6, 3]);
});

test('a cursor whose next events were deleted is answered with one that leaves out only those', async () => {
  const parts = partsWith({ state: () => stateWith('active'), offset: () => 2, freshWithin: () => true });
  const after = cursors.issue(COUNCIL, [6, 1]);
  const problem = await refusal(readEvents(parts, COUNCIL, { ...query, start: { after } }, never));
  assert.deepEqual([problem.status, problem.slug], [410, 'events-missed']);
  assert.deepEqual(cursors.read(String(problem.extras.oldest), COUNCIL), [6, 3]);
});

test('a cursor at the very first event that is kept has missed nothing', async () => {
  const parts = partsWith({ state: () => stateWith('active'), offset: () => 2, freshWithin: () => true });
  const after = cursors.issue(COUNCIL, [5, 3]);
  const answer = await readEvents(parts, COUNCIL, { ...query, start: { after } }, never);
  assert.equal(answer.events.length, 1);
});
