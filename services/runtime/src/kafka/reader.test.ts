import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { testKafka } from '@causeway/testing/bus';
import { crc32c } from '@node-rs/crc32';
import type { BrokerClient } from './broker-client.ts';
import type { Admin, Kafka } from './connect.ts';
import { encodeRecord, encodeRecordBatch } from './protocol/record-batch-encoder.ts';
import { type Reader, readToEnd } from './reader.ts';

let kafka: Kafka;
let admin: Admin;
let reader: Reader;

before(async () => {
  kafka = testKafka();
  admin = await kafka.admin();
  reader = kafka.reader();
});

after(() => kafka?.close());

const createTopic = async (config: Record<string, string>): Promise<string> => {
  const topic = `test.${randomBytes(6).toString('hex')}`;
  await admin.createTopics([{ topic, partitions: 1, replicationFactor: 1, config }]);
  return topic;
};

/** The framing that Kafka gives snappy, around one block that is a single literal. */
const snappy = (data: Buffer): Buffer => {
  assert.ok(data.length > 60 && data.length < 128);
  const block = Buffer.concat([Buffer.from([data.length, 60 << 2, data.length - 1]), data]);
  const frame = Buffer.from('82534e41505059000000000100000001', 'hex');
  const length = Buffer.alloc(4);
  length.writeInt32BE(block.length);
  return Buffer.concat([frame, length, block]);
};

const VALUE = 'v'.repeat(60);

/** A batch as another client may send it. */
const compressedBatch = (codec: number, compress: (data: Buffer) => Buffer): Buffer => {
  const plain = encodeRecordBatch([encodeRecord({ key: null, value: Buffer.from(VALUE), headers: [] })], {
    timestamp: Date.now(),
    producerId: -1n,
    producerEpoch: -1,
    firstSequence: -1,
    transactional: false,
  });
  const batch = Buffer.concat([plain.subarray(0, 61), compress(plain.subarray(61))]);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt16BE(codec, 21);
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
  return batch;
};

test('a fetch of nothing waits as long as one that finds nothing', async () => {
  const started = performance.now();
  assert.deepEqual(await reader.fetch([], { maxWaitMs: 40 }), []);
  assert.ok(performance.now() - started >= 35);
});

/** A reader has the whole of a client's connection; only here it also writes. */
const produceRaw = async (topic: string, bytes: Buffer) => {
  const session = reader as unknown as BrokerClient;
  const [appended] = await session.produce([{ topic, partition: 0, bytes }], null);
  assert.equal(appended?.error, null);
};

const valuesOf = async (topic: string): Promise<string[]> => {
  const values: string[] = [];
  for await (const { value } of readToEnd(reader, { topic, partition: 0 }, 0)) values.push(String(value));
  return values;
};

test('batches that other clients compressed with gzip and zstd are read', async () => {
  const topic = await createTopic({});
  await produceRaw(topic, compressedBatch(1, gzipSync));
  await produceRaw(topic, compressedBatch(4, zstdCompressSync));
  assert.deepEqual(await valuesOf(topic), [VALUE, VALUE]);
});

test('a topic that is stored uncompressed is read whatever codec a client has chosen', async () => {
  const stored = await createTopic({ 'compression.type': 'uncompressed' });
  const asSent = await createTopic({});
  for (const topic of [stored, asSent]) await produceRaw(topic, compressedBatch(2, snappy));
  assert.deepEqual(await valuesOf(stored), [VALUE]);
  await assert.rejects(valuesOf(asSent), { name: 'PermanentError', code: 'not-supported' });
});

test('a log whose end compaction may take is read to its end, and an empty one at once', async () => {
  const topic = await createTopic({ 'cleanup.policy': 'compact' });
  assert.deepEqual(await valuesOf(topic), []);
  const producer = kafka.producer();
  await producer.send(['a', 'b'].map((value) => ({ topic, key: 'k', value: Buffer.from(value) })));
  assert.deepEqual(await valuesOf(topic), ['a', 'b']);
});

test('a reader that begins before the head of the log begins at its head', async () => {
  const topic = await createTopic({});
  const producer = kafka.producer();
  await producer.send(['a', 'b', 'c'].map((value) => ({ topic, partition: 0, value: Buffer.from(value) })));
  await admin.deleteRecords(topic, [{ partition: 0, offset: 2 }]);
  assert.deepEqual(await valuesOf(topic), ['c']);
});
