import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { topology } from '@causeway/runtime/bus/acls';
import { AGREEMENTS_TOPIC } from '@causeway/runtime/bus/topics';
import { connectKafka } from '@causeway/runtime/kafka/connect';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { testVariable } from '@causeway/testing/bus';
import { connectTo } from '../common/connections.ts';
import { setPassword } from './backing-services/kafka.ts';

const log = createLogger('test', 'silent');

test('a password at the broker changes while a service that has both goes on, and one that has the old one is shut out', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'causeway-rotation-'));
  const access = {
    KAFKA_BROKERS: testVariable('KAFKA_BROKERS'),
    KAFKA_USERNAME: testVariable('KAFKA_USERNAME'),
    KAFKA_PASSWORD: testVariable('KAFKA_PASSWORD'),
    KAFKA_TLS: 'false',
  };
  const username = `rotating-${randomBytes(4).toString('hex')}`;
  const [old, fresh] = [randomBytes(24).toString('base64url'), randomBytes(24).toString('base64url')];
  const connect = (password: string, previousPassword?: string) =>
    connectKafka(
      {
        brokers: access.KAFKA_BROKERS.split(','),
        username,
        password,
        ...(previousPassword === undefined ? {} : { previousPassword }),
        clientId: 'rotating',
      },
      log,
    );
  const administrator = connectTo(access, 'rotation', log);
  const clients = [administrator];
  try {
    const { topics, acls } = topology([username], { replicationFactor: 1, minInSyncReplicas: 1 });
    const admin = await administrator.admin();
    await admin.createTopics(topics.filter(({ topic }) => topic === AGREEMENTS_TOPIC));
    await setPassword(directory, access, username, old);
    await admin.createAcls(acls.filter(({ principal }) => principal === username));
    const service = connect(fresh, old);
    const late = connect(old);
    clients.push(service, late);
    const open = service.reader();
    await patiently(() => open.bounds(AGREEMENTS_TOPIC, [0]));

    await setPassword(directory, access, username, fresh);
    await open.bounds(AGREEMENTS_TOPIC, [0]);
    await patiently(() => service.reader().bounds(AGREEMENTS_TOPIC, [0]));
    await assert.rejects(
      () => late.reader().bounds(AGREEMENTS_TOPIC, [0]),
      (error: Error & { code?: string }) => error.code === 'kafka-log-in' && !error.message.includes(old),
    );
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    rmSync(directory, { recursive: true, force: true });
  }
});

/** As every part of a service does: a refusal is tried again. */
const patiently = async <T>(work: () => Promise<T>): Promise<T> => {
  for (const deadline = Date.now() + 15_000; ; ) {
    try {
      return await work();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await delay(100);
    }
  }
};
