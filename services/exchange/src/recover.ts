import { topicsOf } from '@causeway/runtime/bus/topics';
import type { FetchedRecord } from '@causeway/runtime/kafka/broker-client';
import { type Reader, readToEnd } from '@causeway/runtime/kafka/reader';
import {
  type DecisionRecord,
  GENESIS,
  headAfter,
  type LedgerRecord,
  nextInput,
  parseLedgerRecord,
} from '@causeway/runtime/ledger/ledger-record';

/** Where one partition of an outbox stands. */
export type PartitionState = {
  organisation: string;
  /** Next offset of the outbox to decide. */
  next: number;
  sequence: number;
  head: Buffer;
  /** Event id to value digest of what was decided last, oldest first. */
  recent: Map<string, string>;
  /** Outbox records that are gone without having been read: recorded with the next transaction. */
  gapUntil: number | null;
  /** Why an operator has to look before this partition continues. */
  stopped: string | null;
};

export const RECENT_IDS = 5_000;

/**
 * Reads where a partition stands from its ledger, which is written in the same transaction as the releases:
 * the last committed ledger record has the last input offset, and its value makes the chain head.
 * To be called after the lane's writer was opened, because only then no other instance can still add to it.
 *
 * @throws RetryableError when Kafka is away
 */
export const recoverPartition = async (
  reader: Reader,
  organisation: string,
  lane: number,
  committed: number | undefined,
): Promise<PartitionState> => {
  const { outbox, ledger } = topicsOf(organisation);
  const [[input], [kept], tail] = await Promise.all([
    reader.bounds(outbox, [lane]),
    reader.bounds(ledger, [lane]),
    readTail(reader, ledger, lane),
  ]);
  const wasEmptied = (kept?.start ?? 0) > 0;
  const start = input?.start ?? 0;
  const end = input?.end ?? 0;
  const fresh = {
    organisation,
    next: start,
    sequence: 0,
    head: GENESIS,
    recent: new Map(),
    gapUntil: null,
    stopped: null,
  };
  const last = tail.at(-1);
  if (!last) return committed === undefined && !wasEmptied ? fresh : { ...fresh, stopped: 'ledger-lost' };
  const record = parseLedgerRecord(last);
  const next = nextInput(record);
  const state: PartitionState = {
    ...fresh,
    next,
    sequence: record.sequence + 1,
    head: headAfter(Buffer.from(record.previous, 'base64url'), last),
    recent: recentIds(tail),
  };
  if (next > end) return { ...state, stopped: 'outbox-behind-ledger' };
  // Repeats are decided without a ledger record; the committed offset tells them from records that were lost.
  if (next < start && (committed ?? 0) >= start) return { ...state, next: start };
  if (next < start) return { ...state, gapUntil: start };
  return state;
};

/** Values of the last ledger records: at least enough for the recent ids, where there are as many. */
const readTail = async (reader: Reader, topic: string, partition: number): Promise<Buffer[]> => {
  const [bounds] = await reader.bounds(topic, [partition]);
  const start = bounds?.start ?? 0;
  const end = bounds?.end ?? 0;
  for (let span = 2 * RECENT_IDS; ; span *= 8) {
    const values: Buffer[] = [];
    const from = Math.max(start, end - span);
    for await (const { value } of readToEnd(reader, { topic, partition }, from))
      if (value) values.push(copyOf(value));
    // Offsets also count transaction markers and aborted records, so a span can hold few records or none.
    if (values.length > 0 || from <= start) return values.slice(-RECENT_IDS);
  }
};

/** A value is a slice of its fetch buffer and would keep all of that in memory. */
const copyOf = (value: NonNullable<FetchedRecord['value']>): Buffer => Buffer.from(value);

const recentIds = (values: readonly Buffer[]): Map<string, string> => {
  const decided = values
    .map((value): LedgerRecord => parseLedgerRecord(value))
    .filter((record): record is DecisionRecord => record.kind === 'decision');
  return new Map(decided.map(({ eventId, valueDigest }) => [eventId, valueDigest]));
};
