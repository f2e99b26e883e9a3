import { setTimeout as delay } from 'node:timers/promises';
import { createCodec } from '@causeway/runtime/avro';
import { type Envelope, encodeHeaders, eventId } from '@causeway/runtime/event';
import type { KafkaRecord } from '@causeway/runtime/kafka-session';
import { createLogger } from '@causeway/runtime/log';
import type { Producer } from '@causeway/runtime/producer';
import type { Reader } from '@causeway/runtime/reader';
import { LANES, topicsOf } from '@causeway/runtime/topology';
import { loadCatalogue } from '@causeway/schemas/catalogue';
import { clientProduceRate } from './peers/kafkajs.ts';
import { perSecond, print, spread } from './report.ts';
import { ADMISSION, connectionsOf, DISCHARGE, residentMb, SOURCE, startWorld, type World } from './world.ts';

const DRAINED = 20_000;
const LATENCY_SECONDS = 10;
const SUBJECTS = 1_000;
const lanes = Array.from({ length: LANES }, (_, lane) => lane);

type Source = { record(type: string): KafkaRecord; value: Buffer };

const createSource = async (world: World): Promise<Source> => {
  const { SCHEMA_REGISTRY_URL } = connectionsOf(world.system);
  const codec = createCodec({ registryUrl: SCHEMA_REGISTRY_URL }, createLogger('bench', 'error'));
  const values = new Map<string, Buffer>();
  for (const { type, schema, example } of loadCatalogue())
    values.set(type, await codec.encode(await codec.idOf(type, schema), example.data));
  const token = (text: string) => eventId(['bench'], Buffer.from(text), 0);
  const payloadOf = (type: string) => values.get(type) ?? Buffer.alloc(0);
  let number = 0;
  return {
    value: payloadOf(ADMISSION),
    record: (type) => {
      number += 1;
      const subject = token(`subject ${number % SUBJECTS}`);
      const event: Envelope = {
        id: token(`event ${number}`),
        source: `/${SOURCE}/bench`,
        type,
        time: '2026-10-05T14:20:00+01:00',
        recordedTime: '2026-10-05T14:26:41+01:00',
        subject,
        tokens: [subject],
        otherTokens: [],
        classification: 'OFFICIAL-SENSITIVE',
        handling: [],
        exclude: [],
        priority: 'routine',
        replay: false,
        agreement: [],
      };
      return {
        topic: topicsOf(SOURCE).outbox,
        key: subject,
        value: payloadOf(type),
        headers: encodeHeaders(event, 'outbox'),
      };
    },
  };
};

const endOf = async (reader: Reader, topic: string) =>
  (await reader.bounds(topic, lanes)).reduce((sum, { end }) => sum + end, 0);

/** Records of one kind in an outbox that nobody reads for a moment; then how long until all are decided. */
const drain = async ({ system, kafka }: World, source: Source, producer: Producer, type: string) => {
  const pid = system.processes().exchange ?? 0;
  const reader = kafka.reader();
  process.kill(pid, 'SIGSTOP');
  const { outbox } = topicsOf(SOURCE);
  const before = await endOf(reader, outbox);
  for (let sent = 0; sent < DRAINED; sent += 500)
    await producer.send(Array.from({ length: 500 }, () => source.record(type)));
  const target = before + DRAINED;
  const began = performance.now();
  process.kill(pid, 'SIGCONT');
  const admin = await kafka.admin();
  for (;;) {
    const committed = await admin.committedOffsets('exchange', outbox);
    if ([...committed.values()].reduce((sum, offset) => sum + offset, 0) >= target) break;
    await delay(20);
  }
  const took = performance.now() - began;
  await admin.close();
  await reader.close();
  return took;
};

/** From the append to the outbox until a reader of the inbox has the event, at a steady rate. */
const latency = async ({ kafka, recipients }: World, source: Source, producer: Producer, rate: number) => {
  const inbox = topicsOf(recipients[0] ?? '').inbox;
  const { outbox } = topicsOf(SOURCE);
  const reader = kafka.reader();
  const outboxReader = kafka.reader();
  const starts = await reader.bounds(inbox, lanes);
  const outboxStarts = await outboxReader.bounds(outbox, lanes);
  const wanted = rate * LATENCY_SECONDS;
  const seen = new Map<string, number>();
  const reading = (async () => {
    let positions = starts.map(({ partition, end }) => ({ topic: inbox, partition, offset: end }));
    while (seen.size < wanted) {
      const answers = await reader.fetch(positions, { maxWaitMs: 5 });
      const now = Date.now();
      for (const { records } of answers)
        for (const { headers } of records) seen.set(String(headers.ce_id), now);
      positions = answers.map(({ topic, partition, next }) => ({ topic, partition, offset: next }));
    }
  })();
  const began = performance.now();
  const sending: Promise<unknown>[] = [];
  for (let number = 0; number < wanted; number += 1) {
    const due = began + (number * 1_000) / rate;
    if (due > performance.now()) await delay(due - performance.now());
    sending.push(producer.send([source.record(ADMISSION)]));
  }
  await Promise.all(sending);
  await reading;
  const samples: number[] = [];
  for (const { partition, end } of outboxStarts) {
    let offset = end;
    for (;;) {
      const [answer] = await outboxReader.fetch([{ topic: outbox, partition, offset }], { maxWaitMs: 10 });
      if (!answer || answer.next === offset) break;
      for (const { headers, timestamp } of answer.records) {
        const arrived = seen.get(String(headers.ce_id));
        if (arrived !== undefined) samples.push(arrived - timestamp);
      }
      offset = answer.next;
    }
  }
  await Promise.all([reader.close(), outboxReader.close()]);
  return samples;
};

export const benchExchange = async (): Promise<void> => {
  const world = await startWorld(['exchange']);
  try {
    const source = await createSource(world);
    const producer = world.kafka.producer();
    const headers = source.record(ADMISSION).headers ?? {};
    const raw = await clientProduceRate(connectionsOf(world.system), world.kafka, source.value, headers);
    print(`kafkajs, idempotent, 1,000 records a send, the same value and headers: ${raw} records/s`);
    const ownMs = performance.now();
    for (let sent = 0; sent < DRAINED; sent += 500)
      await producer.send(Array.from({ length: 500 }, () => source.record(ADMISSION)));
    const own = perSecond(DRAINED, performance.now() - ownMs);
    print(
      `our producer, 500 records a send, making the records included: ${own} records/s (${(own / raw).toFixed(2)} of kafkajs)`,
    );
    await drain(world, source, producer, ADMISSION);
    for (const [recipients, type] of [
      [1, ADMISSION],
      [10, DISCHARGE],
    ] as const) {
      const took = await drain(world, source, producer, type);
      const events = perSecond(DRAINED, took);
      const released = events * recipients;
      print(
        `${recipients} recipient${recipients > 1 ? 's' : ''}: ${events} events/s decided, ${released} records/s released (${(released / raw).toFixed(2)} of kafkajs's raw produce)`,
      );
    }
    for (const rate of [10, 100, 300])
      print(
        `outbox append to inbox at ${rate} events/s: ${spread(await latency(world, source, producer, rate))}`,
      );
    print(`exchange: ${residentMb(world.system.processes().exchange)} MB resident`);
  } finally {
    await world.stop();
  }
};
