import { promisify } from 'node:util';
import { gunzip, zstdDecompress } from 'node:zlib';
import { crc32c } from '@node-rs/crc32';
import { PermanentError, RetryableError } from '../../errors.ts';
import type { FetchedRecord } from '../broker-client.ts';

/** One batch as it lies in the log; `records` decodes it, which a reader does only with those it wants. */
type StoredBatch = {
  baseOffset: number;
  /** Kept by compaction when the records are gone: reading goes on after it. */
  lastOffset: number;
  producerId: bigint;
  transactional: boolean;
  /** Holds a commit or abort marker and no records of anybody. */
  control: boolean;
  records(): Promise<FetchedRecord[]>;
};

const HEADER_BYTES = 61;
const LENGTH_BYTES = 12;
const CRC_START = 21;
const MAGIC = 2;
const CODEC = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;
/** A compressed batch is at most as large as its topic allows; what it unpacks to has this limit. */
const MAX_PLAIN_BYTES = 64 * 1024 * 1024;

const DECOMPRESS: Record<number, (data: Buffer) => Promise<Buffer>> = {
  0: async (data) => data,
  1: (data) => promisify(gunzip)(data, { maxOutputLength: MAX_PLAIN_BYTES }),
  4: (data) => promisify(zstdDecompress)(data, { maxOutputLength: MAX_PLAIN_BYTES }),
};

const malformed = (what: string) => new RetryableError('kafka-malformed', `Kafka sent ${what}`);

const unreadable = () => {
  throw malformed('a compressed record batch that cannot be unpacked');
};

/**
 * Takes apart the record batches of a fetch response (format version 2, Kafka protocol guide, section "Record
 * Batch"). The last one may be cut off by the limit of the request and is then left out.
 *
 * The client's own decoder copies all headers of a record for each further header, so that one record with
 * many headers stops its reader for minutes, and it checks no checksum.
 *
 * @throws RetryableError `kafka-malformed` where checksum or format are wrong
 */
export const decodeBatches = (bytes: Buffer): StoredBatch[] => {
  const batches: StoredBatch[] = [];
  let at = 0;
  while (at + HEADER_BYTES <= bytes.length) {
    const end = at + LENGTH_BYTES + bytes.readInt32BE(at + 8);
    if (end > bytes.length) break;
    if (end < at + HEADER_BYTES) throw malformed('a record batch that is shorter than its header');
    batches.push(decodeBatch(bytes.subarray(at, end)));
    at = end;
  }
  return batches;
};

const decodeBatch = (bytes: Buffer): StoredBatch => {
  if (bytes[16] !== MAGIC) throw malformed(`a record batch of format ${bytes[16]}`);
  if (crc32c(bytes.subarray(CRC_START)) !== bytes.readUInt32BE(17))
    throw malformed('a record batch whose checksum is wrong');
  const attributes = bytes.readInt16BE(CRC_START);
  const baseOffset = Number(bytes.readBigInt64BE(0));
  return {
    baseOffset,
    lastOffset: baseOffset + bytes.readInt32BE(23),
    producerId: bytes.readBigInt64BE(43),
    transactional: (attributes & TRANSACTIONAL) !== 0,
    control: (attributes & CONTROL) !== 0,
    records: async () => {
      const decompress = DECOMPRESS[attributes & CODEC];
      if (!decompress)
        throw new PermanentError(
          'not-supported',
          `A record batch is compressed with codec ${attributes & CODEC}; only gzip and zstd are read`,
        );
      const plain = await decompress(bytes.subarray(HEADER_BYTES)).catch(unreadable);
      const cursor: Cursor = { bytes: plain, at: 0, names: [], values: [], headers: {}, alike: NO_COUNT };
      const baseTimestamp = Number(bytes.readBigInt64BE(27));
      const appendTime = (attributes & LOG_APPEND_TIME) === 0 ? null : Number(bytes.readBigInt64BE(35));
      return Array.from({ length: bytes.readInt32BE(57) }, () =>
        readRecord(cursor, baseOffset, baseTimestamp, appendTime),
      );
    },
  };
};

/**
 * `names`, `values` and `headers` are those of the record before: most records of a batch have the same headers in the same order,
 * and the same values in many of them. Equal values are one object, which whoever reads them can tell at once.
 */
type Cursor = {
  bytes: Buffer;
  at: number;
  names: { bytes: Buffer; text: string }[];
  values: (Buffer | null)[];
  headers: Headers;
  /** How many headers a record has that may be like the one before. */
  alike: number;
};

type Headers = FetchedRecord['headers'];

const readRecord = (
  cursor: Cursor,
  baseOffset: number,
  baseTimestamp: number,
  appendTime: number | null,
): FetchedRecord => {
  const length = readVarint(cursor);
  const end = cursor.at + length;
  cursor.at += 1;
  const timestamp = appendTime ?? baseTimestamp + readVarlong(cursor);
  if (appendTime !== null) readVarlong(cursor);
  const offset = baseOffset + readVarint(cursor);
  const key = readBytes(cursor);
  const value = readBytes(cursor);
  const headers = readHeaders(cursor);
  if (cursor.at !== end || end > cursor.bytes.length) throw malformed('a record of a wrong length');
  return { offset, timestamp, key, value, headers };
};

/**
 * A record with the headers of the one before, by name and place, begins as a copy of those: that is one piece of memory instead of one that grows
 * with each header.
 */
const readHeaders = (cursor: Cursor): Headers => {
  const count = readVarint(cursor);
  let isAlike = count === cursor.alike;
  let headers: Headers = isAlike ? { ...cursor.headers } : {};
  for (let index = 0; index < count; index += 1) {
    const known = cursor.names[index];
    const before = cursor.values[index];
    const name = readName(cursor, index);
    const value = readValue(cursor, index);
    if (isAlike && name !== known?.text) {
      isAlike = false;
      headers = {};
      for (let read = 0; read < index; read += 1)
        put(headers, cursor.names[read]?.text ?? '', cursor.values[read] ?? null);
    }
    if (!isAlike || value !== before) put(headers, name, value);
  }
  if (!isAlike) {
    // Of a repeated header the last one counts, which only reading all of them in turn finds out.
    const isPlain = count <= REMEMBERED && Object.keys(headers).length === count;
    cursor.alike = isPlain ? count : NO_COUNT;
  }
  cursor.headers = headers;
  return headers;
};

const put = (headers: Headers, name: string, value: Buffer | null): void => {
  if (name === PROTOTYPE) Object.defineProperty(headers, name, { ...MEMBER, value: value ?? undefined });
  else headers[name] = value ?? undefined;
};

/** The one name that would not become a member by itself. */
const PROTOTYPE = '__proto__';
const MEMBER = { enumerable: true, writable: true, configurable: true };

/** Headers beyond this place are made anew for each record. */
const REMEMBERED = 64;
const NO_COUNT = Number.NaN;

const NAMELESS = Buffer.alloc(0);

const readName = (cursor: Cursor, index: number): string => {
  const start = cursor.at;
  const known = cursor.names[index];
  const length = readVarint(cursor);
  if (known !== undefined && length === known.bytes.length && isAt(cursor, known.bytes)) {
    cursor.at += length;
    return known.text;
  }
  cursor.at = start;
  const bytes = readBytes(cursor) ?? NAMELESS;
  const text = bytes.toString('utf8');
  if (index < REMEMBERED) cursor.names[index] = { bytes, text };
  return text;
};

const readValue = (cursor: Cursor, index: number): Buffer | null => {
  const start = cursor.at;
  const known = cursor.values[index];
  if (known && readVarint(cursor) === known.length && isAt(cursor, known)) {
    cursor.at += known.length;
    return known;
  }
  cursor.at = start;
  const bytes = readBytes(cursor);
  if (index < REMEMBERED) cursor.values[index] = bytes;
  return bytes;
};

const isAt = ({ bytes, at }: Cursor, wanted: Buffer): boolean => {
  for (let index = 0; index < wanted.length; index += 1)
    if (bytes[at + index] !== wanted[index]) return false;
  return true;
};

const readVarint = (cursor: Cursor): number => {
  const only = cursor.bytes[cursor.at] ?? 0;
  if (only < 0x80) {
    cursor.at += 1;
    return (only >>> 1) ^ -(only & 1);
  }
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = cursor.bytes[cursor.at++] ?? 0;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
  }
  throw malformed('a record with a number that is too long');
};

/** Exact up to 2^53, far beyond any time. */
const readVarlong = (cursor: Cursor): number => {
  let value = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    const byte = cursor.bytes[cursor.at++] ?? 0;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
  throw malformed('a record with a number that is too long');
};

const readBytes = (cursor: Cursor): Buffer | null => {
  const length = readVarint(cursor);
  if (length < 0) return null;
  const start = cursor.at;
  cursor.at += length;
  if (cursor.at > cursor.bytes.length) throw malformed('a record that goes beyond its batch');
  return cursor.bytes.subarray(start, cursor.at);
};
