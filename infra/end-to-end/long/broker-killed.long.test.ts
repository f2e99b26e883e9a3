import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Kafka } from '@causeway/runtime/kafka/connect';
import { type Reader, readToEnd } from '@causeway/runtime/kafka/reader';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { connectTo } from '../../common/connections.ts';
import { freePorts } from '../../common/ports.ts';
import { startSystem } from '../../dev/system.ts';

const ROUNDS = 20;
const PARTITIONS = 6;
const LEDGER = 'test.ledger';
const INBOX = 'test.inbox';
/** As an exchange does whose agreements changed while it decided. */
const REFUSED = 0.1;
/** As an exchange that is killed. */
const ABANDONED = 0.002;
const ENOUGH = 60;
const PATIENCE_MS = 180_000;

class Refused extends Error {}

/** Numbers in a ledger and an inbox, in transactions of one or two, each going on where the ledger ends. */
const writeNumbers = async (kafka: Kafka, partition: number, signal: AbortSignal) => {
  let settled = 0;
  while (!signal.aborted) {
    const reader = kafka.reader();
    const writer = await kafka.writer(`test.lane.${partition}`).catch(() => null);
    try {
      const both = [LEDGER, INBOX].map((topic) => ({ topic, partition }));
      if ((await writer?.settle(both, () => false))?.length) settled += 1;
      let next = (await numbersOf(reader, LEDGER, partition)).length;
      while (writer && !signal.aborted && Math.random() > ABANDONED) {
        const numbers = Math.random() < 0.5 ? [next] : [next, next + 1];
        const records = numbers.flatMap((number) =>
          both.map((place) => ({ ...place, value: Buffer.from(String(number)) })),
        );
        await writer
          .write(records, () => {
            if (Math.random() < REFUSED) throw new Refused();
          })
          .then(
            () => {
              next += numbers.length;
            },
            (error) => assert.ok(error instanceof Refused, error),
          );
        await delay(Math.random() * 20);
      }
    } catch {
      await delay(200);
    } finally {
      await Promise.allSettled([writer?.close(), reader.close()]);
    }
  }
  return settled;
};

const numbersOf = async (reader: Reader, topic: string, partition: number): Promise<number[]> => {
  const numbers: number[] = [];
  for await (const { value } of readToEnd(reader, { topic, partition }, 0)) numbers.push(Number(value));
  return numbers;
};

test('while the only broker is killed again and again, every transaction is read once, whole and in order, also those that it forgets to end', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'causeway-broker-killed-'));
  const system = await startSystem({
    home,
    environment: {},
    ports: freePorts(),
    simulators: false,
    agreementsDir: join(import.meta.dirname, '../agreements'),
    services: [],
    say: () => {},
    onFailed: () => {},
  });
  const kafka = connectTo(system.parts.connections, 'test', createLogger('test', 'fatal'));
  const ending = new AbortController();
  const lanes = Array.from({ length: PARTITIONS }, (_, partition) => partition);
  try {
    const admin = await kafka.admin();
    const topics = [LEDGER, INBOX].map((topic) => ({ topic, partitions: PARTITIONS, replicationFactor: 1 }));
    await admin.createTopics(topics.map((topic) => ({ ...topic, config: {} })));
    await admin.close();
    const reader = kafka.reader();
    const writing = lanes.map((lane) => writeNumbers(kafka, lane, ending.signal));
    const count = async () => {
      const all = await Promise.all(lanes.map((lane) => numbersOf(reader, LEDGER, lane).catch(() => [])));
      return all.reduce((sum, { length }) => sum + length, 0);
    };
    for (let round = 0; round < ROUNDS; round += 1) {
      await delay(500 + Math.random() * 1_500);
      const pid = system.processes().kafka;
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
      const deadline = Date.now() + PATIENCE_MS;
      const before = await count();
      while ((await count()) < before + ENOUGH) {
        assert.ok(Date.now() < deadline, 'nothing more is written after the broker was killed');
        await delay(250);
      }
    }
    ending.abort();
    const settled = (await Promise.all(writing)).reduce((sum, number) => sum + number, 0);
    for (const lane of lanes) {
      const written = await numbersOf(reader, LEDGER, lane);
      assert.deepEqual(
        written,
        written.map((_, index) => index),
      );
      assert.deepEqual(await numbersOf(reader, INBOX, lane), written);
    }
    t.diagnostic(`${await count()} numbers; the broker forgot the end of a transaction ${settled} times`);
  } finally {
    ending.abort();
    await kafka.close();
    await system.stop();
    rmSync(home, { recursive: true, force: true });
  }
});
