import { topicsOf } from '@causeway/runtime/bus/topics';
import type { FetchedPartition, FetchedRecord } from '@causeway/runtime/kafka/broker-client';
import type { TransactionalRecord } from '@causeway/runtime/kafka/transactional-producer';
import {
  type DeadLetterRecord,
  type DecisionRecord,
  encodeLedgerRecord,
  type GapRecord,
  headAfter,
  type LedgerRecord,
} from '@causeway/runtime/ledger/ledger-record';
import { isTracing } from '@causeway/runtime/telemetry/tracing';
import type { DraftedDecision } from './decide-record.ts';
import { type PartitionState, RECENT_IDS } from './recover.ts';

/** What one batch is decided by, and how much of it there may be. */
export type Batch = {
  lane: number;
  agreementsOffset: number;
  /** So many ledger records at most. */
  most: number;
  /** What is decided by then is written: the rest waits for the next batch. */
  isLate(): boolean;
  /** @param decidedBefore digest of the value under which an event id was decided recently */
  decide(
    organisation: string,
    record: FetchedRecord,
    decidedBefore: (eventId: string) => string | undefined,
  ): Promise<DraftedDecision>;
};

/** What a partition will be once the transaction is committed. */
export type Draft = {
  state: PartitionState;
  next: number;
  sequence: number;
  head: Buffer;
  recent: Map<string, string>;
  output: TransactionalRecord[];
  ledger: LedgerRecord[];
  /** Events whose trace is told once they are committed. */
  traced: { traceparent: string; event: string; type: string; released: number; startTime: number }[];
};

type Size = { bytes: number; records: number };
type Fetched = { state: PartitionState; partition: FetchedPartition };

const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;

const isFull = ({ most, isLate }: Batch, { records, bytes }: Size): boolean =>
  records >= most || bytes >= MAX_OUTPUT_BYTES || (records > 0 && isLate());

/**
 * Decides what was fetched, one partition after the other, until the batch is full. It writes nothing and changes no state: where the
 * transaction fails, everything is decided again from the same state.
 */
export const draftBatch = async (batch: Batch, fetched: readonly Fetched[]): Promise<Draft[]> => {
  const size: Size = { bytes: 0, records: 0 };
  const drafts: Draft[] = [];
  for (const { state, partition } of fetched)
    if (partition.records.length > 0 || partition.next > state.next || state.gapUntil !== null)
      drafts.push(await draftPartition(batch, size, state, partition));
  return drafts;
};

const draftPartition = async (
  batch: Batch,
  size: Size,
  state: PartitionState,
  fetched: FetchedPartition,
): Promise<Draft> => {
  const { organisation, next, sequence, head, gapUntil } = state;
  const { outbox, ledger } = topicsOf(organisation);
  const draft: Draft = {
    ...{ state, next, sequence, head },
    ...{ recent: new Map(), output: [], ledger: [], traced: [] },
  };
  const decidedBefore = (id: string) => draft.recent.get(id) ?? state.recent.get(id);
  const add = (records: readonly TransactionalRecord[]) => {
    draft.output.push(...records);
    for (const record of records) size.bytes += bytesOf(record);
  };
  const chain = (offset: number, entry: LedgerEntry) => {
    const record: LedgerRecord = {
      sequence: draft.sequence,
      previous: draft.head.toString('base64url'),
      position: { topic: outbox, partition: batch.lane, offset },
      decidedAt: new Date().toISOString(),
      agreementsOffset: batch.agreementsOffset,
      ...entry,
    };
    const value = encodeLedgerRecord(record);
    add([{ topic: ledger, partition: batch.lane, value }]);
    draft.ledger.push(record);
    draft.head = headAfter(draft.head, value);
    draft.sequence += 1;
    size.records += 1;
  };

  if (gapUntil !== null) {
    chain(next, { kind: 'gap', until: gapUntil });
    draft.next = gapUntil;
  }
  for (const record of fetched.records) {
    if (isFull(batch, size)) return draft;
    const verdict = await batch.decide(organisation, record, decidedBefore);
    if (verdict.kind === 'hold') return draft;
    if (verdict.kind === 'dead-letter') {
      const { kind, reason, valueDigest, letter } = verdict;
      add([letter]);
      chain(record.offset, { kind, reason, valueDigest });
    }
    if (verdict.kind === 'decided') {
      add(verdict.releases);
      chain(record.offset, decisionOf(verdict));
      draft.recent.set(verdict.event.id, verdict.valueDigest);
      draft.traced.push(...tracedOf(verdict));
    }
    draft.next = record.offset + 1;
  }
  draft.next = fetched.next;
  return draft;
};

type Chained = 'sequence' | 'previous' | 'position' | 'decidedAt' | 'agreementsOffset';
type LedgerEntry = Omit<DecisionRecord, Chained> | Omit<DeadLetterRecord, Chained> | Omit<GapRecord, Chained>;
type Decided = Extract<DraftedDecision, { kind: 'decided' }>;

const decisionOf = ({ event, valueDigest, decisions }: Decided): LedgerEntry => ({
  kind: 'decision',
  eventId: event.id,
  type: event.type,
  source: event.source,
  tokens: event.tokens,
  otherTokens: event.otherTokens,
  occurredAt: event.time,
  priority: event.priority,
  actBy: event.actBy,
  inResponseTo: event.inResponseTo,
  classification: event.classification,
  valueDigest,
  decisions,
});

const tracedOf = ({ event: { id, type, traceparent }, decisions }: Decided): Draft['traced'] => {
  if (!isTracing() || traceparent === undefined) return [];
  const released = decisions.filter(({ outcome }) => outcome === 'released').length;
  return [{ traceparent, event: id, type, released, startTime: Date.now() }];
};

const bytesOf = (record: TransactionalRecord): number =>
  'encoded' in record ? record.encoded.body.length : (record.value?.length ?? 0);

/** Moves the partition to where the committed draft leaves it. */
export const applyDraft = ({ state, recent, next, sequence, head }: Draft): void => {
  for (const [id, digest] of recent) {
    state.recent.delete(id);
    state.recent.set(id, digest);
  }
  for (const id of state.recent.keys()) {
    if (state.recent.size <= RECENT_IDS) break;
    state.recent.delete(id);
  }
  Object.assign(state, { next, sequence, head, gapUntil: null });
};
