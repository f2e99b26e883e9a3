import { createCodec } from '@causeway/runtime/avro/codec';
import { EXCHANGE_GROUP, topicsOf } from '@causeway/runtime/bus/topics';
import type { Producer } from '@causeway/runtime/kafka/producer';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { startAnother } from '../dev/system.ts';
import { type Drained, drain, EVENTS, type Worker } from './drain.ts';
import { latencyAt } from './latency.ts';
import { createLoad, type Load } from './load.ts';
import { steady } from './memory.ts';
import { buildPeer, type PeerJob, startPeer } from './peers/kafka-streams.ts';
import { clientProduceRate, clientTransactionalRate } from './peers/kafkajs.ts';
import { perSecond, print, spread } from './report.ts';
import {
  ADMISSION,
  agreementOf,
  connectionsOf,
  GENERALISING_SOURCE,
  residentMb,
  SOURCES,
  startWorld,
  type World,
} from './world.ts';

type ExchangeOptions = { rounds: number; minutes: number; peers: boolean; latency: boolean };

const TUNED = {
  'commit.interval.ms': '1000',
  'producer.compression.type': 'lz4',
  'producer.batch.size': '65536',
  'producer.linger.ms': '100',
};

/** Events/s and releases/s beside the peers of the same run, then latency, memory over time. */
export const benchExchange = async (options: ExchangeOptions): Promise<void> => {
  if (options.peers) buildPeer();
  const world = await startWorld(['exchange']);
  try {
    const load = await createLoad(world);
    const producer = world.kafka.producer();
    const raw = options.peers ? await rawRates(world, load, producer) : null;
    await exchangeRates(world, load, producer, options.rounds, raw);
    if (options.peers) await besideStreams(world, load, producer, options.rounds);
    if (options.latency)
      for (const rate of [10, 100, 300, 1_000]) {
        const { samples, perSecond: got } = await latencyAt(world, load, producer, rate);
        print(`outbox append to inbox at ${rate} events/s (${got}/s seen): ${spread(samples)}`);
      }
    print(`exchange: ${residentMb(world.system.processes().exchange)} MB resident`);
    if (options.minutes > 0) await steady(world, load, producer, options.minutes);
    await withTwo(world, load, producer, options.rounds);
  } finally {
    await world.stop();
  }
};

const rawRates = async (world: World, load: Load, producer: Producer): Promise<number> => {
  const access = connectionsOf(world.system);
  const { headers = {} } = load.record(SOURCES[1]);
  const raw = await clientProduceRate(access, world.kafka, load.value, headers);
  print(`kafkajs, idempotent, 1,000 records a send, the same value and headers: ${raw} records/s`);
  const transactional = await clientTransactionalRate(access, load.value, headers);
  print(`kafkajs, transactional, 1,000 records a transaction: ${transactional} records/s`);
  const began = performance.now();
  for (let sent = 0; sent < EVENTS; sent += 500)
    await producer.send(
      Array.from({ length: 500 }, () => load.record(SOURCES[1], topicsOf(SOURCES[1]).outbox)),
    );
  const own = perSecond(EVENTS, performance.now() - began);
  print(`our producer, 500 records a send, making them included: ${own} records/s (${ratio(own, raw)})`);
  return raw;
};

const ratio = (one: number, other: number): string => (one / other).toFixed(2);

const best = (rounds: readonly Drained[]): Drained =>
  [...rounds].sort((a, b) => b.perSecond - a.perSecond)[0] as Drained;

const told = (recipients: number, { perSecond: events, cpuMicros, brokerCpuMicros }: Drained): string =>
  `${events} events/s, ${events * recipients} releases/s; ${cpuMicros.toFixed(0)} µs of processor an event, the broker ${brokerCpuMicros.toFixed(0)}`;

const worker = (world: World, source: string): Worker => ({
  pids: Object.entries(world.system.processes()).flatMap(([name, pid]) =>
    name.startsWith('exchange') ? [pid] : [],
  ),
  input: topicsOf(source).outbox,
  ledger: topicsOf(source).ledger,
  group: EXCHANGE_GROUP,
});

const exchangeRates = async (
  world: World,
  load: Load,
  producer: Producer,
  rounds: number,
  raw: number | null,
): Promise<void> => {
  const run = (source: string) => drain(world, producer, worker(world, source), () => load.record(source));
  const measure = async (source: string, recipients: number, label: string) => {
    const results: Drained[] = [];
    for (let round = 0; round < rounds; round += 1) results.push(await run(source));
    const result = best(results);
    const share = raw ? `; ${ratio(result.perSecond * recipients, raw)} of kafkajs's raw produce` : '';
    print(`exchange, ${label}: ${told(recipients, result)}${share}`);
  };
  await run(SOURCES[10]);
  await measure(SOURCES[1], 1, '1 recipient');
  await measure(SOURCES[3], 3, '3 recipients');
  await measure(GENERALISING_SOURCE, 10, '10 recipients, one field generalised');
  await measure(SOURCES[10], 10, '10 recipients');
};

/**
 * The exchange and its peers by turns, each once to warm up. The best round of each counts: what else the machine does
 * only ever costs.
 */
const besideStreams = async (world: World, load: Load, producer: Producer, rounds: number): Promise<void> => {
  const common = await peerJob(world);
  const plain = await startPeer({ ...common, name: 'streams', settings: {} });
  const tuned = await startPeer({ ...common, name: 'streams-tuned', settings: TUNED });
  const contestants = [
    { name: 'exchange', worker: worker(world, SOURCES[10]), topic: topicsOf(SOURCES[10]).outbox },
    { name: 'Kafka Streams, exactly_once_v2, commit interval 100 ms', worker: plain, topic: plain.input },
    { name: 'Kafka Streams, tuned: lz4, 64 kB, commit interval 1 s', worker: tuned, topic: tuned.input },
  ].map((contestant) => ({ ...contestant, results: [] as Drained[] }));
  for (let round = 0; round <= rounds; round += 1)
    for (const { worker: one, topic, results } of contestants) {
      const result = await drain(world, producer, one, () => load.record(SOURCES[10], topic));
      if (round > 0) results.push(result);
    }
  await Promise.all([plain.stop(), tuned.stop()]);
  const [ours, ...peers] = contestants.map(({ name, results }) => ({ name, result: best(results) }));
  if (!ours) return;
  print(`beside its peers, exchange: ${told(10, ours.result)}`);
  for (const { name, result } of peers)
    print(
      `${name}: ${told(10, result)}; the exchange does ${ratio(ours.result.perSecond, result.perSecond)} of it`,
    );
};

/** A second instance takes half of the lanes. Measured last, because lanes stand still for a moment when it leaves. */
const withTwo = async (world: World, load: Load, producer: Producer, rounds: number): Promise<void> => {
  const second = await startAnother(world.system, 'exchange', { home: world.home });
  const results: Drained[] = [];
  for (let round = 0; round <= rounds; round += 1)
    results.push(await drain(world, producer, worker(world, SOURCES[10]), () => load.record(SOURCES[10])));
  print(`exchange, two instances, 10 recipients: ${told(10, best(results.slice(1)))}`);
  await second.stop();
};

const peerJob = async (world: World): Promise<Omit<PeerJob, 'name' | 'settings'>> => {
  const access = connectionsOf(world.system);
  const log = createLogger('bench', 'error');
  const codec = createCodec({ registryUrl: access.SCHEMA_REGISTRY_URL }, log);
  const idOf = async (subject: string) => {
    const answer = await fetch(`${access.SCHEMA_REGISTRY_URL}/subjects/${subject}/versions/latest`);
    return ((await answer.json()) as { id: number }).id;
  };
  const recipients = await Promise.all(
    world.recipients.map(async (id) => ({ id, viewId: await idOf(`view.${id}.${ADMISSION}`) })),
  );
  return {
    access,
    kafka: world.kafka,
    home: world.home,
    writer: await codec.schemaOf(await idOf(ADMISSION)),
    view: await codec.schemaOf(recipients[0]?.viewId ?? 0),
    agreement: `${agreementOf(SOURCES[10])}/1`,
    recipients,
  };
};
