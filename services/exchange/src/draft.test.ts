import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topicsOf } from '@causeway/runtime/bus/topics';
import type { FetchedPartition, FetchedRecord } from '@causeway/runtime/kafka/broker-client';
import {
  emptyChain,
  encodeLedgerRecord,
  GENESIS,
  verifyRecord,
} from '@causeway/runtime/ledger/ledger-record';
import type { DraftedDecision } from './decide-record.ts';
import { applyDraft, type Batch, type Draft, draftBatch } from './draft.ts';
import { type PartitionState, RECENT_IDS } from './recover.ts';

const LANE = 2;
const { outbox, ledger, inbox, deadLetter } = topicsOf('trust');

const stateAt = (change: Partial<PartitionState> = {}): PartitionState => ({
  organisation: 'trust',
  next: 0,
  sequence: 0,
  head: GENESIS,
  recent: new Map(),
  gapUntil: null,
  stopped: null,
  ...change,
});

/** The value says what is decided about the record. */
const fetched = (from: number, ...says: string[]): FetchedPartition => ({
  topic: outbox,
  partition: LANE,
  records: says.map((text, index): FetchedRecord => {
    return { offset: from + index, timestamp: 0, key: null, value: Buffer.from(text), headers: {} };
  }),
  next: from + says.length,
  endOffset: from + says.length,
  outOfRange: false,
});

const RELEASE_BYTES = 1_000_000;

const verdictOf = (text: string, decidedBefore: (id: string) => string | undefined): DraftedDecision => {
  if (text === 'hold') return { kind: 'hold', code: 'registry-unavailable' };
  if (text === 'poison') {
    const letter = { topic: deadLetter, partition: 0, value: Buffer.from(text) };
    return { kind: 'dead-letter', reason: 'undecodable', valueDigest: 'digest', letter };
  }
  if (decidedBefore(text) !== undefined) return { kind: 'duplicate' };
  const event = {
    id: text,
    source: '/trust/test',
    type: 'a-type',
    time: '2026-10-05T14:20:00+01:00',
    subject: 'a-token',
    tokens: [],
    otherTokens: [],
    classification: 'OFFICIAL' as const,
    handling: [],
    exclude: [],
    replay: false,
    agreement: [],
  };
  const releases = [{ topic: inbox, partition: LANE, value: Buffer.alloc(RELEASE_BYTES) }];
  return { kind: 'decided', event, valueDigest: `digest of ${text}`, decisions: [], releases };
};

const batchOf = (change: Partial<Batch> = {}): Batch => ({
  lane: LANE,
  agreementsOffset: 9,
  most: 500,
  isLate: () => false,
  decide: async (_, { value }, decidedBefore) => verdictOf(String(value), decidedBefore),
  ...change,
});

const draftOne = async (state: PartitionState, partition: FetchedPartition, batch = batchOf()) => {
  const [draft] = await draftBatch(batch, [{ state, partition }]);
  assert.ok(draft);
  return draft;
};
const kinds = (draft: Draft) => draft.ledger.map(({ kind }) => kind);
const topics = (draft: Draft) => draft.output.map((record) => record.topic);

test('releases and dead letters are written with a ledger record each, and the chain holds across batches', async () => {
  const state = stateAt();
  const first = await draftOne(state, fetched(0, 'a', 'poison'));
  assert.deepEqual(topics(first), [inbox, ledger, deadLetter, ledger]);
  assert.deepEqual(state, stateAt(), 'nothing changes before the transaction is committed');
  applyDraft(first);
  const second = await draftOne(state, fetched(2, 'b'));
  applyDraft(second);
  assert.deepEqual([state.next, state.sequence], [3, 3]);
  let chain = emptyChain();
  for (const record of [...first.ledger, ...second.ledger]) {
    const result = verifyRecord(chain, encodeLedgerRecord(record), { topic: ledger, partition: LANE });
    assert.ok('chain' in result, 'problem' in result ? result.problem : '');
    chain = result.chain;
  }
});

test('an event that comes twice, in one batch or in two, is passed without a ledger record', async () => {
  const state = stateAt();
  const first = await draftOne(state, fetched(0, 'a', 'a'));
  assert.deepEqual([kinds(first), first.next], [['decision'], 2]);
  applyDraft(first);
  const second = await draftOne(state, fetched(2, 'a'));
  assert.deepEqual([second.output, second.next], [[], 3]);
});

test('a record that is held keeps what is behind it, and what was decided before it is written', async () => {
  const draft = await draftOne(stateAt(), fetched(0, 'a', 'hold', 'b'));
  assert.deepEqual([kinds(draft), draft.next], [['decision'], 1]);
});

test('records that are gone are a gap in the ledger, also where nothing follows them', async () => {
  const state = stateAt({ next: 3, gapUntil: 7 });
  const draft = await draftOne(state, fetched(7));
  const [gap] = draft.ledger;
  assert.ok(gap?.kind === 'gap');
  assert.deepEqual([gap.position.offset, gap.until, draft.next], [3, 7, 7]);
  applyDraft(draft);
  assert.deepEqual([state.gapUntil, state.next], [null, 7]);
});

test('a batch ends when it has as many records or bytes as it may, or is late, but never empty', async () => {
  const all = fetched(0, 'a', 'b', 'c', 'd', 'e', 'f', 'g');
  const lengthWith = async (change: Partial<Batch>) =>
    (await draftOne(stateAt(), all, batchOf(change))).ledger.length;
  assert.equal(await lengthWith({ most: 2 }), 2);
  assert.equal(await lengthWith({ isLate: () => true }), 1);
  assert.equal(await lengthWith({}), Math.ceil((4 * 1024 * 1024) / RELEASE_BYTES));
});

test('what one partition fills is no longer there for the next, which keeps its position', async () => {
  const [one, other] = [stateAt(), stateAt({ organisation: 'council', next: 5 })];
  const drafts = await draftBatch(batchOf({ most: 2 }), [
    { state: one, partition: fetched(0, 'a', 'b') },
    { state: other, partition: fetched(5, 'c') },
  ]);
  assert.deepEqual(
    drafts.map(({ next, ledger }) => [next, ledger.length]),
    [
      [2, 2],
      [5, 0],
    ],
  );
});

test('a position that moves over offsets without records is drafted, and one that does not move is not', async () => {
  const empty = (next: number) => ({ ...fetched(0), next });
  assert.deepEqual(await draftBatch(batchOf(), [{ state: stateAt(), partition: empty(0) }]), []);
  assert.equal((await draftOne(stateAt(), empty(4))).next, 4);
});

test('so many event ids are remembered, the oldest are forgotten first', async () => {
  const ids = Array.from({ length: RECENT_IDS }, (_, index): [string, string] => [`old-${index}`, 'digest']);
  const state = stateAt({ recent: new Map(ids) });
  applyDraft(await draftOne(state, fetched(0, 'a')));
  assert.deepEqual(
    [state.recent.size, state.recent.has('old-0'), state.recent.has('a')],
    [RECENT_IDS, false, true],
  );
});
