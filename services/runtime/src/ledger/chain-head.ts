import type { TopicPartition } from '../kafka/broker-client.ts';
import { type Reader, readToEnd } from '../kafka/reader.ts';

/**
 * The last committed record of a partition that has a value, or undefined where there is none.
 * @throws RetryableError when Kafka is away
 */
export const lastRecord = async (
  reader: Reader,
  at: TopicPartition,
): Promise<{ offset: number; value: Buffer } | undefined> => {
  const [bounds] = await reader.bounds(at.topic, [at.partition]);
  const { start = 0, end = 0 } = bounds ?? {};
  // Offsets also count transaction markers and aborted records, so a span can hold few records or none.
  for (let span = 8; ; span *= 8) {
    const from = Math.max(start, end - span);
    let last: { offset: number; value: Buffer } | undefined;
    for await (const { offset, value } of readToEnd(reader, at, from)) if (value) last = { offset, value };
    // A slice of its fetch buffer would keep all of that in memory.
    if (last) return { offset: last.offset, value: Buffer.from(last.value) };
    if (from <= start) return undefined;
  }
};
