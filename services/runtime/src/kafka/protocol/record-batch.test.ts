import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { crc32c } from '@node-rs/crc32';
import fc from 'fast-check';
import { isPermanent } from '../../errors.ts';
import { committedRecords, decodeFetchResponse } from './fetch-response.ts';
import { decodeBatches } from './record-batch-decoder.ts';
import {
  type BatchOptions,
  type BatchRecord,
  type EncodedRecord,
  encodeRecord,
  encodeRecordBatch,
  recordSize,
  valueOffset,
} from './record-batch-encoder.ts';

const OPTIONS: BatchOptions = {
  timestamp: 1_790_000_000_000,
  producerId: 7n,
  producerEpoch: 3,
  firstSequence: 11,
  transactional: false,
};
const HEADER_BYTES = 61;

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));
const anyRecord: fc.Arbitrary<BatchRecord> = fc.record({
  key: fc.option(bytes(300)),
  value: fc.option(bytes(3_000)),
  headers: fc.array(
    fc.tuple(
      fc.string({ maxLength: 80 }).map((name) => Buffer.from(name)),
      bytes(200),
    ),
  ),
});

const withCrc = (batch: Buffer): Buffer => {
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
  return batch;
};

/** The batch as a broker stores it: another base offset and attributes. */
const stored = (batch: Buffer, { baseOffset = 0, attributes = 0 } = {}): Buffer => {
  const copy = Buffer.from(batch);
  copy.writeBigInt64BE(BigInt(baseOffset), 0);
  copy.writeInt16BE(copy.readInt16BE(21) | attributes, 21);
  return withCrc(copy);
};

const compressed = (batch: Buffer, codec: number, compress: (data: Buffer) => Buffer): Buffer => {
  const copy = Buffer.concat([batch.subarray(0, HEADER_BYTES), compress(batch.subarray(HEADER_BYTES))]);
  copy.writeInt16BE(codec, 21);
  return withCrc(copy);
};

const onlyBatch = (encoded: Buffer) => {
  const batches = decodeBatches(encoded);
  assert.equal(batches.length, 1);
  return batches[0] as (typeof batches)[number];
};

const plainRecord = (value: string): BatchRecord => ({
  key: null,
  value: Buffer.from(value),
  headers: [],
});
const plain = (value: string): EncodedRecord => encodeRecord(plainRecord(value));
const withHeaders = (headers: BatchRecord['headers']): EncodedRecord =>
  encodeRecord({ ...plainRecord('a'), headers });

test('what is encoded is decoded again, with its offsets, times and headers', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyRecord, { minLength: 1, maxLength: 40 }), async (records) => {
      const batch = onlyBatch(
        stored(encodeRecordBatch(records.map(encodeRecord), OPTIONS), { baseOffset: 1_000 }),
      );
      assert.equal(batch.lastOffset, 1_000 + records.length - 1);
      assert.equal(batch.producerId, 7n);
      const decoded = await batch.records();
      assert.deepEqual(
        decoded.map(({ key, value, headers, offset, timestamp }) => ({
          key,
          value,
          headers,
          offset,
          timestamp,
        })),
        records.map(({ key, value, headers }, index) => ({
          key,
          value,
          headers: Object.fromEntries(headers.map(([name, text]) => [name.toString(), text])),
          offset: 1_000 + index,
          timestamp: OPTIONS.timestamp,
        })),
      );
    }),
    { numRuns: 60 },
  );
});

test('the size of a record is never less than the bytes that it takes in a batch', () => {
  fc.assert(
    fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 200 }), (records) => {
      const sum = records.reduce((total, record) => total + recordSize(encodeRecord(record)), HEADER_BYTES);
      assert.ok(encodeRecordBatch(records.map(encodeRecord), OPTIONS).length <= sum);
    }),
    { numRuns: 50 },
  );
});

test('a stamp changes its four bytes in the batch and nothing else, also not the bytes that others share', async () => {
  await fc.assert(
    fc.asyncProperty(anyRecord, bytes(300), fc.integer(), async (record, rest, number) => {
      const value = Buffer.concat([Buffer.from([0, 9, 9, 9, 9]), rest]);
      const whole = { ...record, value };
      const { body } = encodeRecord(whole);
      const stamp = { at: valueOffset(whole) + 1, number };
      const batch = encodeRecordBatch([{ body }, { body, stamp }, { body }], OPTIONS);
      const values = (await onlyBatch(batch).records()).map((decoded) => decoded.value);
      const stamped = Buffer.from(value);
      stamped.writeInt32BE(number, 1);
      assert.deepEqual(values, [value, stamped, value]);
    }),
    { numRuns: 60 },
  );
});

test('the header of a batch says length, checksum, producer, sequence and count where a broker looks for them', () => {
  const batch = encodeRecordBatch([plain('a'), plain('b')], { ...OPTIONS, transactional: true });
  assert.equal(batch.readInt32BE(8), batch.length - 12);
  assert.equal(batch.readInt8(16), 2);
  assert.equal(batch.readUInt32BE(17), crc32c(batch.subarray(21)));
  assert.equal(batch.readInt16BE(21), 0x10);
  assert.equal(batch.readInt32BE(23), 1);
  assert.equal(batch.readBigInt64BE(43), 7n);
  assert.equal(batch.readInt16BE(51), 3);
  assert.equal(batch.readInt32BE(53), 11);
  assert.equal(batch.readInt32BE(57), 2);
});

test('a batch that another client compressed with gzip or zstd is read, one with another codec is refused', async () => {
  const batch = encodeRecordBatch([plain('a'), plain('b')], OPTIONS);
  for (const [codec, compress] of [
    [1, gzipSync],
    [4, zstdCompressSync],
  ] as const) {
    const records = await onlyBatch(compressed(batch, codec, compress)).records();
    assert.deepEqual(
      records.map(({ value }) => String(value)),
      ['a', 'b'],
    );
  }
  await assert.rejects(onlyBatch(compressed(batch, 2, (data) => data)).records(), isPermanent);
});

test('a batch that unpacks to more than any batch may hold is refused', async () => {
  const bomb = compressed(encodeRecordBatch([plain('a')], OPTIONS), 1, () =>
    gzipSync(Buffer.alloc(80_000_000)),
  );
  await assert.rejects(onlyBatch(bomb).records(), { code: 'kafka-malformed' });
});

test('the append time of the broker replaces the times of the records', async () => {
  const batch = stored(encodeRecordBatch([plain('a')], OPTIONS), { attributes: 0x08 });
  batch.writeBigInt64BE(1_800_000_000_000n, 35);
  assert.equal((await onlyBatch(withCrc(batch)).records())[0]?.timestamp, 1_800_000_000_000);
});

test('a batch that is cut off is left out, and one changed in any bit after its length is refused', async () => {
  const batch = encodeRecordBatch([plain('some value')], OPTIONS);
  for (let length = 0; length < batch.length; length += 1)
    assert.deepEqual(decodeBatches(batch.subarray(0, length)), []);
  assert.equal(decodeBatches(Buffer.concat([batch, batch.subarray(0, -1)])).length, 1);
  for (let bit = 16 * 8; bit < batch.length * 8; bit += 1) {
    const changed = Buffer.from(batch);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.throws(() => decodeBatches(changed), { code: 'kafka-malformed' }, `bit ${bit}`);
  }
});

test('bytes that claim to be a batch end in records or a refusal, never in a crash or a long loop', async () => {
  await fc.assert(
    fc.asyncProperty(bytes(200), fc.integer({ min: 0, max: 200_000 }), async (body, count) => {
      const batch = Buffer.concat([encodeRecordBatch([plain('a')], OPTIONS).subarray(0, HEADER_BYTES), body]);
      batch.writeInt32BE(count, 57);
      await onlyBatch(withCrc(batch))
        .records()
        .catch((error) => assert.equal(error.code, 'kafka-malformed'));
    }),
    { numRuns: 300 },
  );
});

test('of a repeated header the last one counts, and a header named like a part of every object is only a header', async () => {
  const headers = [
    ['a', '1'],
    ['a', '2'],
    ['__proto__', 'x'],
    ['toString', 'y'],
  ].map(([name = '', text = '']) => [Buffer.from(name), Buffer.from(text)] as const);
  const [record] = await onlyBatch(encodeRecordBatch([withHeaders(headers)], OPTIONS)).records();
  const entries = Object.entries(record?.headers ?? {}).map(([name, text]) => [name, String(text)]);
  assert.deepEqual(entries, [
    ['a', '2'],
    ['__proto__', 'x'],
    ['toString', 'y'],
  ]);
});

test('records that are nearly like the one before have their own headers each, by what they say', async () => {
  const name = fc.constantFrom('a', 'b', 'c', '', '__proto__');
  const header = fc
    .tuple(name, fc.constantFrom('1', '2'))
    .map((pair) => pair.map((text) => Buffer.from(text)));
  const alike = fc.array(fc.array(header, { maxLength: 4 }), { minLength: 2, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(alike, async (records) => {
      const batch = records.map((headers) => withHeaders(headers as [Buffer, Buffer][]));
      const decoded = await onlyBatch(encodeRecordBatch(batch, OPTIONS)).records();
      assert.deepEqual(
        decoded.map(
          ({ headers }) => new Map(Object.entries(headers).map(([key, text]) => [key, String(text)])),
        ),
        records.map((headers) => new Map(headers.map(([key, text]) => [String(key), String(text)]))),
      );
    }),
    { numRuns: 500 },
  );
});

test('a record with a hundred thousand headers is read in the time of its bytes', async () => {
  const headers = Array.from(
    { length: 100_000 },
    (_, index) => [Buffer.from(index.toString(36)), Buffer.from('x')] as const,
  );
  const batch = encodeRecordBatch([withHeaders(headers)], OPTIONS);
  const began = performance.now();
  const [record] = await onlyBatch(batch).records();
  assert.ok(performance.now() - began < 2_000);
  assert.equal(Object.keys(record?.headers ?? {}).length, 100_000);
});

test('records of aborted transactions and markers are left out, whatever transactions lie between them', async () => {
  const data = (producerId: bigint, baseOffset: number, value: string, transactional = true) =>
    stored(encodeRecordBatch([plain(value)], { ...OPTIONS, producerId, transactional }), { baseOffset });
  const marker = (producerId: bigint, baseOffset: number) =>
    stored(encodeRecordBatch([plain('marker')], { ...OPTIONS, producerId, transactional: true }), {
      baseOffset,
      attributes: 0x20,
    });
  const log = Buffer.concat([
    data(1n, 0, 'aborted 1'),
    data(2n, 1, 'committed 2'),
    data(3n, 2, 'plain', false),
    data(1n, 3, 'aborted 1 too'),
    marker(1n, 4),
    data(1n, 5, 'committed 1'),
    marker(2n, 6),
    data(2n, 7, 'aborted 2'),
    marker(1n, 8),
    marker(2n, 9),
  ]);
  const aborted = [
    { producerId: 2n, firstOffset: 7 },
    { producerId: 1n, firstOffset: 0 },
  ];
  const { records, next } = await committedRecords({ aborted, bytes: log }, 0);
  assert.deepEqual(
    records.map(({ value }) => String(value)),
    ['committed 2', 'plain', 'committed 1'],
  );
  assert.equal(next, 10);
  const onlyMarkers = await committedRecords({ aborted: [], bytes: marker(1n, 20) }, 20);
  assert.deepEqual(onlyMarkers, { records: [], next: 21 });
});

test('reading goes on in the middle of a batch, and past a batch that compaction has emptied', async () => {
  const batch = encodeRecordBatch(['a', 'b', 'c'].map(plain), OPTIONS);
  const middle = await committedRecords({ aborted: [], bytes: stored(batch, { baseOffset: 4 }) }, 5);
  assert.deepEqual(
    middle.records.map(({ value }) => String(value)),
    ['b', 'c'],
  );
  const empty = Buffer.from(batch.subarray(0, HEADER_BYTES));
  empty.writeInt32BE(0, 57);
  assert.deepEqual(await committedRecords({ aborted: [], bytes: withCrc(empty) }, 0), {
    records: [],
    next: 3,
  });
});

test('a fetch response keeps each partition with its own error', () => {
  const batch = encodeRecordBatch([plain('a')], OPTIONS);
  const partition = (id: number, error: number, records: Buffer) => {
    const head = Buffer.alloc(4 + 2 + 24 + 4 + 4 + 4);
    head.writeInt32BE(id, 0);
    head.writeInt16BE(error, 4);
    head.writeBigInt64BE(9n, 14);
    head.writeInt32BE(-1, 30);
    head.writeInt32BE(records.length, 38);
    return Buffer.concat([head, records]);
  };
  const head = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 116, 0, 0, 0, 2]);
  const payload = Buffer.concat([head, partition(0, 1, Buffer.alloc(0)), partition(1, 0, batch)]);
  const { errorCode, partitions } = decodeFetchResponse(payload);
  assert.equal(errorCode, 0);
  assert.deepEqual(
    partitions.map(({ topic, partition: id, errorCode: code, bytes: { length } }) => [
      topic,
      id,
      code,
      length,
    ]),
    [
      ['t', 0, 1, 0],
      ['t', 1, 0, batch.length],
    ],
  );
  assert.equal(partitions[0]?.lastStableOffset, 9);
});
