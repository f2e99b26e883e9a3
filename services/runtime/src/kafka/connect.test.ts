import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { testKafka } from '@causeway/testing/bus';
import { kafkaOptions } from './connect.ts';

const kafka = testKafka();

after(() => kafka.close());

test('a topic with a setting that Kafka does not take is refused for good', async () => {
  const admin = await kafka.admin();
  const topic = `test.${randomBytes(6).toString('hex')}`;
  const config = { 'retention.ms': 'a fortnight' };
  await assert.rejects(admin.createTopics([{ topic, partitions: 1, replicationFactor: 1, config }]), {
    name: 'PermanentError',
    code: 'kafka-invalid-config',
  });
});

test('a certificate file without a certificate is refused for good', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'connect-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'ca.pem');
  writeFileSync(file, 'not a certificate');
  const config = {
    KAFKA_BROKERS: ['127.0.0.1:1'],
    KAFKA_USERNAME: 'exchange',
    KAFKA_PASSWORD: 'secret',
    KAFKA_TLS: true,
    KAFKA_CA_FILE: file,
  };
  assert.throws(() => kafkaOptions(config, 'exchange'), { name: 'PermanentError', code: 'invalid-setting' });
});
