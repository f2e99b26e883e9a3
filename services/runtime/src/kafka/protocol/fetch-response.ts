import type { FetchedRecord } from '../broker-client.ts';
import { decodeBatches } from './record-batch-decoder.ts';

/** One partition of a fetch response, its records still as bytes. */
type AnsweredPartition = {
  topic: string;
  partition: number;
  errorCode: number;
  lastStableOffset: number;
  aborted: { producerId: bigint; firstOffset: number }[];
  bytes: Buffer;
};

/**
 * Decodes a fetch response, version 11 (Kafka protocol guide). An error of one partition stays with that
 * partition; the client's own parser throws away the records of all.
 */
export const decodeFetchResponse = (
  payload: Buffer,
): { errorCode: number; partitions: AnsweredPartition[] } => {
  let at = 0;
  const int32 = () => {
    at += 4;
    return payload.readInt32BE(at - 4);
  };
  const int16 = () => {
    at += 2;
    return payload.readInt16BE(at - 2);
  };
  const int64 = () => {
    at += 8;
    return payload.readBigInt64BE(at - 8);
  };
  const bytes = (length: number) => {
    at += Math.max(length, 0);
    return payload.subarray(at - Math.max(length, 0), at);
  };
  // A null array has the length -1.
  const list = <T>(item: () => T): T[] => Array.from({ length: Math.max(int32(), 0) }, item);

  int32(); // throttle time
  const errorCode = int16();
  int32(); // session id
  const topics = list(() => {
    const topic = bytes(int16()).toString('utf8');
    return list((): AnsweredPartition => {
      const partition = int32();
      const partitionError = int16();
      int64(); // high watermark
      const lastStableOffset = Number(int64());
      int64(); // log start offset
      const aborted = list(() => ({ producerId: int64(), firstOffset: Number(int64()) }));
      int32(); // preferred read replica
      return {
        topic,
        partition,
        errorCode: partitionError,
        lastStableOffset,
        aborted,
        bytes: bytes(int32()),
      };
    });
  });
  return { errorCode, partitions: topics.flat() };
};

/**
 * The committed records of an answer from offset `from` on, without control records and records of aborted
 * transactions, and the offset to ask for next. A batch starts before `from` where `from` is in the middle of it.
 *
 * @throws RetryableError `kafka-malformed`
 */
export const committedRecords = async (
  { aborted, bytes }: Pick<AnsweredPartition, 'aborted' | 'bytes'>,
  from: number,
): Promise<{ records: FetchedRecord[]; next: number }> => {
  const starting = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset);
  const open = new Set<bigint>();
  const records: FetchedRecord[] = [];
  let next = from;
  for (const batch of decodeBatches(bytes)) {
    while (starting[0] && starting[0].firstOffset <= batch.lastOffset)
      open.add(starting.shift()?.producerId ?? -1n);
    next = Math.max(next, batch.lastOffset + 1);
    // The marker that ends the aborted transaction; the next one of the same producer may be committed.
    if (batch.control) open.delete(batch.producerId);
    if (batch.control || (batch.transactional && open.has(batch.producerId))) continue;
    for (const record of await batch.records()) if (record.offset >= from) records.push(record);
  }
  return { records, next };
};

/**
 * What of one producer is still open after an answer that was read without regard to markers, and the offset to ask for next.
 * @param before what was open of it before this answer
 *
 * @throws RetryableError `kafka-malformed`
 */
export const openRecordsOf = async (
  bytes: Buffer,
  producerId: bigint,
  before: readonly FetchedRecord[],
  from: number,
): Promise<{ open: FetchedRecord[]; next: number }> => {
  let open = [...before];
  let next = from;
  for (const batch of decodeBatches(bytes)) {
    next = Math.max(next, batch.lastOffset + 1);
    if (!batch.transactional || batch.producerId !== producerId) continue;
    if (batch.control) open = [];
    else for (const record of await batch.records()) if (record.offset >= from) open.push(record);
  }
  return { open, next };
};
