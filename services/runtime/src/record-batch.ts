import { crc32c } from '@node-rs/crc32';

/** One record as it goes into a batch. Headers are pairs because Kafka keeps their order and allows repeats. */
export type BatchRecord = {
  key: Buffer | null;
  value: Buffer | null;
  headers: readonly (readonly [name: Buffer, value: Buffer])[];
};

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

const bodySize = (record: BatchRecord, offsetDelta: number): number => {
  let size = 2 + varintSize(offsetDelta) + bytesSize(record.key) + bytesSize(record.value);
  size += varintSize(record.headers.length);
  for (const [name, value] of record.headers) size += bytesSize(name) + bytesSize(value);
  return size;
};

/** The most bytes that one record can take in a batch, for callers that cap their batches. */
export const recordSize = (record: BatchRecord): number => bodySize(record, 0xffff) + 5;

/**
 * Encodes records as one Kafka record batch, format version 2 (the format of the Kafka protocol guide,
 * section "Record Batch"), uncompressed, all with the same timestamp.
 *
 * Written into a single buffer because the client's own encoder allocates several buffers for each header,
 * and every record here carries about ten of them.
 */
export const encodeRecordBatch = (records: readonly BatchRecord[], options: BatchOptions): Buffer => {
  const sizes = records.map(bodySize);
  const total = sizes.reduce((sum, size) => sum + varintSize(size) + size, HEADER_BYTES);
  const buffer = Buffer.allocUnsafe(total);
  buffer.writeBigInt64BE(0n, 0);
  buffer.writeInt32BE(total - 12, 8);
  buffer.writeInt32BE(-1, 12);
  buffer.writeInt8(MAGIC, 16);
  buffer.writeInt16BE(options.transactional ? TRANSACTIONAL : 0, CRC_START);
  buffer.writeInt32BE(records.length - 1, 23);
  buffer.writeBigInt64BE(BigInt(options.timestamp), 27);
  buffer.writeBigInt64BE(BigInt(options.timestamp), 35);
  buffer.writeBigInt64BE(options.producerId, 43);
  buffer.writeInt16BE(options.producerEpoch, 51);
  buffer.writeInt32BE(options.firstSequence, 53);
  buffer.writeInt32BE(records.length, 57);
  let at = HEADER_BYTES;
  records.forEach((record, offsetDelta) => {
    at = writeVarint(buffer, at, sizes[offsetDelta] ?? 0);
    buffer[at++] = 0;
    buffer[at++] = 0;
    at = writeVarint(buffer, at, offsetDelta);
    at = writeBytes(buffer, at, record.key);
    at = writeBytes(buffer, at, record.value);
    at = writeVarint(buffer, at, record.headers.length);
    for (const [name, value] of record.headers) {
      at = writeBytes(buffer, at, name);
      at = writeBytes(buffer, at, value);
    }
  });
  buffer.writeUInt32BE(crc32c(buffer.subarray(CRC_START)), CRC_OFFSET);
  return buffer;
};
