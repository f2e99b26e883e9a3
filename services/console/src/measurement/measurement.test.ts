import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { EXCHANGE_GROUP, topicsOf } from '@causeway/runtime/bus/topics';
import type { Kafka } from '@causeway/runtime/kafka/connect';
import { encodeLedgerRecord, type LedgerRecord } from '@causeway/runtime/ledger/ledger-record';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { createTestBus, type TestBus } from '@causeway/testing/bus';
import { ageSeconds } from './lag.ts';
import { type Measurement, startMeasurement } from './measurement.ts';
import type { Measured } from './report.ts';
import type { OrganisationSample } from './throughput.ts';

const log = createLogger('console', 'silent');
let bus: TestBus;
let source = '';
let recipient = '';

before(async () => {
  bus = await createTestBus(2);
  [source = '', recipient = ''] = bus.organisations;
});
after(async () => {
  await bus?.close();
});

const measure = (kafka: Kafka = bus.kafka) =>
  startMeasurement({
    kafka,
    organisations: { all: () => [source, recipient].map((id) => ({ id, name: id })) },
    log,
    lookEveryMs: 100,
  });

/** Resolves with the first measurement that is so. */
const until = (measurement: Measurement, isSo: (measured: Measured) => boolean) =>
  new Promise<Measured>((resolve) => {
    const check = () => {
      const measured = measurement.now();
      if (!isSo(measured)) return;
      stop();
      resolve(measured);
    };
    const stop = measurement.onLook(check);
    check();
  });
const latest = (measured: Measured, id: string): OrganisationSample | undefined =>
  measured.samples.at(-1)?.organisations.get(id);

const publish = async (count: number, partition: number) => {
  const records = Array.from({ length: count }, () => ({
    topic: topicsOf(source).outbox,
    partition,
    value: randomBytes(100),
  }));
  return await bus.producer.send(records);
};
const decideUpTo = (partition: number, offset: number) =>
  bus.kafka.commitOffsets(EXCHANGE_GROUP, [{ topic: topicsOf(source).outbox, partition, offset }]);

const decision = (sequence: number, recipients: string[]): LedgerRecord => ({
  kind: 'decision',
  sequence,
  previous: '',
  position: { topic: topicsOf(source).outbox, partition: 0, offset: sequence },
  decidedAt: new Date().toISOString(),
  agreementsOffset: 0,
  eventId: `event-${sequence}`,
  type: 'a-type',
  source: `/${source}/test`,
  tokens: [],
  otherTokens: [],
  classification: 'OFFICIAL',
  valueDigest: '',
  decisions: [source, recipient].map((id) => ({
    recipient: id,
    outcome: recipients.includes(id) ? 'released' : 'withheld',
    agreements: [],
  })),
});

describe('against a real broker', { timeout: 60_000 }, () => {
  test('what waits is counted in events and seconds, keeps growing, and is gone when it is decided', async (t) => {
    const measurement = measure();
    t.after(() => measurement.close());
    const quiet = await until(measurement, (measured) => latest(measured, source) !== undefined);
    assert.deepEqual(latest(quiet, source), {
      published: 0,
      released: 0,
      waiting: 0,
      oldest: null,
      lastEventAt: null,
    });

    const before = Date.now();
    await publish(300, 0);
    const first = Date.now();
    await publish(50, 3);
    const after = Date.now();
    const waiting = await until(measurement, (measured) => latest(measured, source)?.waiting === 350);
    const { published, oldest, lastEventAt } = latest(waiting, source) ?? {};
    assert.equal(published, 350);
    assert.ok(oldest && oldest.partition === 0 && oldest.offset === 0);
    assert.ok(oldest.at >= before - 150 && oldest.at <= first, `${oldest.at - before} ms`);
    assert.ok(lastEventAt && lastEventAt >= first - 150 && lastEventAt <= after);

    const seconds = (measured: Measured) =>
      ageSeconds(latest(measured, source)?.oldest ?? null, measured.samples.at(-1)?.at ?? 0);
    const grown = seconds(waiting) + 1;
    await until(measurement, (measured) => seconds(measured) > grown);

    await decideUpTo(0, 300);
    const other = await until(measurement, (measured) => latest(measured, source)?.waiting === 50);
    assert.equal(latest(other, source)?.oldest?.partition, 3);
    await decideUpTo(3, 50);
    const done = await until(measurement, (measured) => latest(measured, source)?.waiting === 0);
    assert.equal(latest(done, source)?.oldest, null);
    assert.deepEqual(
      done.partitions.get(source)?.map(({ end, position }) => [end, position]),
      [
        [300, 300],
        [0, 0],
        [0, 0],
        [50, 50],
        [0, 0],
        [0, 0],
      ],
    );
  });

  test('releases are counted from the ledger, whatever markers the transactions leave', async (t) => {
    const measurement = measure();
    t.after(() => measurement.close());
    await until(measurement, (measured) => latest(measured, source) !== undefined);
    const { ledger } = topicsOf(source);
    const writer = await bus.kafka.writer(`test-${source}`);
    t.after(() => writer.close());
    const write = (sequence: number, recipients: string[]) =>
      writer.write([
        { topic: ledger, partition: 0, value: encodeLedgerRecord(decision(sequence, recipients)) },
      ]);
    const releasedInto = (id: string) => latest(measurement.now(), id)?.released ?? 0;
    // One partition is read in order: once the source's own release is counted, so is all that came before it.
    let sequence = 0;
    const settle = async () => {
      const expected = releasedInto(source) + 1;
      await write(sequence++, [source]);
      await until(measurement, (measured) => latest(measured, source)?.released === expected);
    };
    // The follower begins at the end of the ledger some time after the first look.
    while (releasedInto(recipient) === 0) await write(sequence++, [recipient]);
    await settle();
    const before = releasedInto(recipient);
    for (const recipients of [[recipient], [], [recipient], [recipient], []])
      await write(sequence++, recipients);
    await settle();
    assert.equal(releasedInto(recipient) - before, 3);
  });

  test('a broker that stops answering is noticed within 15 seconds, and its return by itself', async (t) => {
    let silent = false;
    const never = () => new Promise<never>(() => undefined);
    const hushed: Kafka = {
      ...bus.kafka,
      reader: () => {
        const reader = bus.kafka.reader();
        return {
          ...reader,
          bounds: (topic, partitions) => (silent ? never() : reader.bounds(topic, partitions)),
        };
      },
    };
    const measurement = measure(hushed);
    t.after(() => measurement.close());
    await until(measurement, ({ connection }) => connection.status === 'live');
    silent = true;
    const since = Date.now();
    const away = await until(measurement, ({ connection }) => connection.status === 'away');
    assert.ok(Date.now() - since < 15_000);
    assert.ok(away.connection.status === 'away' && Math.abs(away.connection.since - since) < 1_000);
    silent = false;
    await until(measurement, ({ connection }) => connection.status === 'live');
  });
});
