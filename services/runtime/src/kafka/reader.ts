import type { BrokerClient, FetchedRecord, TopicPartition } from './broker-client.ts';

/** Reads committed records by position, without a consumer group. It has connections of its own. */
export type Reader = Pick<BrokerClient, 'fetch' | 'bounds' | 'atTime' | 'partitionCount' | 'close'>;

/**
 * Yields the committed records of one partition from `from` up to the last stable offset of the moment it is called.
 *
 * @throws RetryableError when Kafka is away
 */
export async function* readToEnd(
  reader: Reader,
  { topic, partition }: TopicPartition,
  from: number,
): AsyncGenerator<FetchedRecord> {
  const [bounds] = await reader.bounds(topic, [partition]);
  const end = bounds?.end ?? 0;
  let offset = Math.max(from, bounds?.start ?? 0);
  while (offset < end) {
    const [fetched] = await reader.fetch([{ topic, partition, offset }], {
      maxWaitMs: 100,
      partitionMaxBytes: 4_194_304,
      maxBytes: 4_194_304,
    });
    if (!fetched) return;
    if (fetched.outOfRange) {
      // Retention took the head of the log while it was read.
      const [now] = await reader.bounds(topic, [partition]);
      if (!now || now.start <= offset) return;
      offset = now.start;
      continue;
    }
    for (const record of fetched.records) if (record.offset < end) yield record;
    // Compaction can remove the end of a log: nothing more will come before `end`.
    if (fetched.next === offset) return;
    offset = fetched.next;
  }
}

/**
 * The same for what lies among the last offsets of a partition, which also count transaction markers and aborted records.
 * @param span how many offsets back to begin
 *
 * @throws RetryableError when Kafka is away
 */
export async function* readLast(
  reader: Reader,
  at: TopicPartition,
  span: number,
): AsyncGenerator<FetchedRecord> {
  const [bounds] = await reader.bounds(at.topic, [at.partition]);
  yield* readToEnd(reader, at, (bounds?.end ?? 0) - span);
}
