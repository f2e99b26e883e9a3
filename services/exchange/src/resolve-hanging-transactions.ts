import { IDENTITY_LINKS_TOPIC, topicsOf } from '@causeway/runtime/bus/topics';
import type { FetchedRecord, OpenRecords, TopicPartition } from '@causeway/runtime/kafka/broker-client';
import { type Reader, readLast } from '@causeway/runtime/kafka/reader';
import type { TransactionalProducer } from '@causeway/runtime/kafka/transactional-producer';
import { parseLedgerRecord } from '@causeway/runtime/ledger/ledger-record';

/** Every partition that a lane writes to: those of its own, and the two that all lanes share. */
const writtenBy = (lane: number, organisations: readonly string[]): TopicPartition[] => [
  { topic: IDENTITY_LINKS_TOPIC, partition: 0 },
  ...organisations.map(topicsOf).flatMap(({ inbox, ledger, deadLetter }) => [
    { topic: inbox, partition: lane },
    { topic: ledger, partition: lane },
    { topic: deadLetter, partition: 0 },
  ]),
];

/**
 * Ends what earlier writers of the lane left open. Kafka no longer knows how that was to end. Where any part of it can be read, it is
 * committed; where nothing can, no reader has seen it: it is aborted, and its records are decided again.
 *
 * @param where the organisations that the lane may have written for, and every topic that exists
 *
 * @throws RetryableError when Kafka is away
 */
export const resolveHangingTransactions = async (
  writer: TransactionalProducer,
  reader: Reader,
  lane: number,
  where: { organisations: readonly string[]; topics: readonly string[] },
): Promise<'nothing-open' | 'committed' | 'taken-back'> => {
  let seen = false;
  // An organisation can be known before its topics are made.
  const existing = new Set(where.topics);
  const written = writtenBy(lane, where.organisations).filter(({ topic }) => existing.has(topic));
  const open = await writer.settle(written, async (left) => {
    seen = await isSeen(reader, lane, left);
    return seen;
  });
  if (open.length === 0) return 'nothing-open';
  return seen ? 'committed' : 'taken-back';
};

/** Another record of the same transaction: its topic, and what tells it from others there. */
type Trace = { topic: string; mark: string };

/** A transaction has at most a few hundred records in a partition, and a lane's last one is at the end. */
const TAIL = 2_000;

const isSeen = async (reader: Reader, lane: number, open: readonly OpenRecords[]): Promise<boolean> => {
  const own = new Set(open.map(({ topic }) => topic));
  const traces = open
    .flatMap(({ topic, records }) => records.flatMap((record) => tracesOf(topic, record)))
    .filter(({ topic }) => !own.has(topic));
  for (const [topic, same] of Map.groupBy(traces, ({ topic }) => topic)) {
    const marks = await marksAtEnd(reader, { topic, partition: lane });
    if (same.some(({ mark }) => marks.has(mark))) return true;
  }
  return false;
};

const marksAtEnd = async (reader: Reader, { topic, partition }: TopicPartition): Promise<Set<string>> => {
  const marks = new Set<string>();
  for await (const record of readLast(reader, { topic, partition }, TAIL)) marks.add(markOf(topic, record));
  return marks;
};

/** A record in the ledger was committed with everything that was written beside it. */
const tracesOf = (topic: string, { headers, value }: FetchedRecord): Trace[] => {
  const [kind = '', organisation = ''] = topic.split('.');
  if (kind === 'inbox') {
    const source = String(headers.ce_source).split('/')[1] ?? '';
    return [{ topic: topicsOf(source).ledger, mark: String(headers.ce_id) }];
  }
  if (topic === topicsOf(organisation).deadLetter)
    return [{ topic: topicsOf(organisation).ledger, mark: String(headers['dl-origin']) }];
  if (topic !== topicsOf(organisation).ledger || value === null) return [];
  const record = parseLedgerRecord(value);
  if (record.kind !== 'decision') return [];
  return record.decisions
    .filter(({ outcome }) => outcome === 'released')
    .map(({ recipient }) => ({ topic: topicsOf(recipient).inbox, mark: record.eventId }));
};

const markOf = (topic: string, { headers, value }: FetchedRecord): string => {
  if (!topic.startsWith('ledger.')) return String(headers.ce_id);
  const record = parseLedgerRecord(value ?? Buffer.alloc(0));
  if (record.kind === 'decision') return record.eventId;
  const { topic: outbox, partition, offset } = record.position;
  return `${outbox}/${partition}/${offset}`;
};
