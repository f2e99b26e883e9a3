import { crc32c } from '@node-rs/crc32';

/** One record as it goes into a batch. Headers are pairs because Kafka keeps their order and allows repeats. */
export type BatchRecord = {
  key: Buffer | null;
  value: Buffer | null;
  headers: readonly (readonly [name: Buffer, value: Buffer])[];
};

/**
 * Key, value and headers of a record as they stand in a batch. A stamp is a 32-bit number that is written over the copy
 * in the batch, so that records which differ in nothing but a schema id share their bytes.
 */
export type EncodedRecord = { body: Buffer; stamp?: { at: number; number: number } };

export type BatchOptions = {
  timestamp: number;
  producerId: bigint;
  producerEpoch: number;
  firstSequence: number;
  transactional: boolean;
};

const HEADER_BYTES = 61;
const CRC_OFFSET = 17;
const CRC_START = 21;
const MAGIC = 2;
const TRANSACTIONAL = 0x10;

const varintSize = (value: number): number => {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  let size = 1;
  while (rest > 0x7f) {
    rest >>>= 7;
    size += 1;
  }
  return size;
};

const writeVarint = (buffer: Buffer, at: number, value: number): number => {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  let position = at;
  while (rest > 0x7f) {
    buffer[position++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[position++] = rest;
  return position;
};

const bytesSize = (value: Buffer | null): number =>
  value === null ? 1 : varintSize(value.length) + value.length;

const writeBytes = (buffer: Buffer, at: number, value: Buffer | null): number => {
  if (value === null) return writeVarint(buffer, at, -1);
  const position = writeVarint(buffer, at, value.length);
  value.copy(buffer, position);
  return position + value.length;
};

const bodySize = ({ key, value, headers }: BatchRecord): number => {
  let size = bytesSize(key) + bytesSize(value) + varintSize(headers.length);
  for (const [name, text] of headers) size += bytesSize(name) + bytesSize(text);
  return size;
};

/** Encodes what a record has of its own, once for every batch that it goes into. */
export const encodeRecord = (record: BatchRecord): EncodedRecord => {
  const body = Buffer.allocUnsafe(bodySize(record));
  let at = writeBytes(body, 0, record.key);
  at = writeBytes(body, at, record.value);
  at = writeVarint(body, at, record.headers.length);
  for (const [name, text] of record.headers) {
    at = writeBytes(body, at, name);
    at = writeBytes(body, at, text);
  }
  return { body };
};

/** Where the value of a record begins in its encoded body. */
export const valueOffset = ({ key, value }: Pick<BatchRecord, 'key' | 'value'>): number =>
  bytesSize(key) + varintSize(value?.length ?? -1);

/** Attributes, timestamp and offset before the body, with the longest offset. */
const LARGEST_PREFIX = 2 + 3;
const LONGEST_LENGTH = 5;

/** The most bytes that one record can take in a batch, for callers that cap their batches. */
export const recordSize = ({ body }: EncodedRecord): number => body.length + LARGEST_PREFIX + LONGEST_LENGTH;

const sizeInBatch = ({ body }: EncodedRecord, offsetDelta: number): number =>
  2 + varintSize(offsetDelta) + body.length;

/**
 * Encodes records as one Kafka record batch, format version 2 (the format of the Kafka protocol guide,
 * section "Record Batch"), uncompressed, all with the same timestamp.
 *
 * Written into a single buffer because the client's own encoder allocates several buffers for each header,
 * and every record here carries about ten of them.
 */
export const encodeRecordBatch = (records: readonly EncodedRecord[], options: BatchOptions): Buffer => {
  const sizes = records.map(sizeInBatch);
  const total = sizes.reduce((sum, size) => sum + varintSize(size) + size, HEADER_BYTES);
  const buffer = Buffer.allocUnsafe(total);
  writeBatchHeader(buffer, records.length, options);
  let at = HEADER_BYTES;
  records.forEach(({ body, stamp }, offsetDelta) => {
    at = writeVarint(buffer, at, sizes[offsetDelta] ?? 0);
    buffer[at++] = 0;
    buffer[at++] = 0;
    at = writeVarint(buffer, at, offsetDelta);
    buffer.set(body, at);
    if (stamp) buffer.writeInt32BE(stamp.number, at + stamp.at);
    at += body.length;
  });
  buffer.writeUInt32BE(crc32c(buffer.subarray(CRC_START)), CRC_OFFSET);
  return buffer;
};

const writeBatchHeader = (buffer: Buffer, count: number, options: BatchOptions) => {
  buffer.writeBigInt64BE(0n, 0);
  buffer.writeInt32BE(buffer.length - 12, 8);
  buffer.writeInt32BE(-1, 12);
  buffer.writeInt8(MAGIC, 16);
  buffer.writeInt16BE(options.transactional ? TRANSACTIONAL : 0, CRC_START);
  buffer.writeInt32BE(count - 1, 23);
  buffer.writeBigInt64BE(BigInt(options.timestamp), 27);
  buffer.writeBigInt64BE(BigInt(options.timestamp), 35);
  buffer.writeBigInt64BE(options.producerId, 43);
  buffer.writeInt16BE(options.producerEpoch, 51);
  buffer.writeInt32BE(options.firstSequence, 53);
  buffer.writeInt32BE(count, 57);
};
