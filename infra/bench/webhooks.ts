import { setTimeout as delay } from 'node:timers/promises';
import { LANES, topicsOf } from '@causeway/runtime/bus/topics';
import type { Producer } from '@causeway/runtime/kafka/producer';
import { type Client, clientOf } from './client.ts';
import { type Endpoint, startEndpoint } from './endpoint.ts';
import { fillInbox } from './gateway.ts';
import { createLoad, type Load } from './load.ts';
import { type KafkaHooks, startKafkaHooks } from './peers/kafka-hooks.ts';
import { perSecond, print, spread } from './report.ts';
import { connectionsOf, cpuMs, residentMb, SOURCES, startWorld, type World } from './world.ts';

type WebhooksOptions = { rounds: number; seconds: number; peers: boolean };

const EVENTS = 10_000;
const PACE = 500;
const WARM_UP_MS = 10_000;
/** As many events of different people the gateway has under way to one endpoint. */
const CONCURRENCY = 32;
const KILLED_EVENTS = 2_000;
const KILLED_AFTER = 500;
const AFTER_KILL_MS = 60_000;

type Bench = { world: World; load: Load; producer: Producer; recipient: string; endpoint: Endpoint };
/** Whoever delivers the inbox to the endpoint: `go` lets it, `halt` keeps it from it. */
type Contestant = {
  name: string;
  pid(): number;
  go(): Promise<void>;
  halt(): Promise<void>;
  kill(): Promise<void>;
};

/** Delivering one inbox to one endpoint: the gateway, and then the peer. */
export const benchWebhooks = async ({ rounds, seconds, peers }: WebhooksOptions): Promise<void> => {
  const world = await startWorld(['exchange', 'gateway']);
  const endpoint = await startEndpoint();
  try {
    const load = await createLoad(world);
    const [recipient = ''] = world.recipients;
    const bench: Bench = { world, load, producer: world.kafka.producer(), recipient, endpoint };
    const contestants = [await gateway(bench), ...(peers ? [await kafkaHooks(bench)] : [])];
    const rows: string[][] = [];
    for (const contestant of contestants)
      rows.push([contestant.name, ...(await measure(bench, contestant, rounds, seconds))]);
    const names = ['', 'drained', 'µs each', 'paced', 'µs each', 'one fails', 'resident', 'lost by kill -9'];
    for (const row of [names, ...rows]) print(row.map((text, at) => text.padEnd(WIDTHS[at] ?? 0)).join('  '));
  } finally {
    endpoint.close();
    await world.stop();
  }
};

const WIDTHS = [26, 10, 8, 26, 8, 26, 8];

/** Prints each figure as it comes, and gives them as the cells of one row. */
const measure = async (
  bench: Bench,
  contestant: Contestant,
  rounds: number,
  seconds: number,
): Promise<string[]> => {
  const { name } = contestant;
  const drained: Rate[] = [];
  // The first round warms up.
  for (let round = 0; round <= rounds; round += 1) {
    const rate = await drainTo(bench, contestant);
    if (round > 0) drained.push(rate);
    if (round > 0) print(`${name}, drained: ${told(rate)}`);
  }
  // Whoever comes first must not pay for an exchange and a broker that have not been at this pace before.
  await pace(bench, contestant, WARM_UP_MS);
  const paced = await pace(bench, contestant, seconds * 1_000);
  const resident = `${residentMb(contestant.pid())} MB`;
  print(`${name}, ${PACE} events/s into the inbox: ${told(paced)}, ${spread(paced.samples)}; ${resident}`);
  const late = spread(await withOneThatFails(bench));
  print(`${name}, one event is always answered 500: the others take ${late}`);
  const lost = await killed(bench, contestant);
  print(`${name}, kill -9 in the middle of ${KILLED_EVENTS}: ${lost} never came`);
  await contestant.halt();
  const best = drained.toSorted((a, b) => a.cpuMicros - b.cpuMicros)[0];
  return [
    `${best?.perSecond ?? 0}/s`,
    String(best?.cpuMicros.toFixed(0)),
    spread(paced.samples),
    paced.cpuMicros.toFixed(0),
    late,
    resident,
    `${lost} of ${KILLED_EVENTS}`,
  ];
};

const gateway = async ({ world, recipient, endpoint }: Bench): Promise<Contestant> => {
  const client: Client = await clientOf(world, recipient);
  const { id } = JSON.parse(await client.post('/v1/subscriptions', { endpoint: endpoint.url }));
  const pid = () => world.system.processes().gateway ?? 0;
  return {
    name: 'gateway',
    pid,
    go: async () => void (await client.post(`/v1/subscriptions/${id}/resume`)),
    halt: async () => void (await client.post(`/v1/subscriptions/${id}/pause`)),
    // Whoever runs it starts it again.
    kill: async () => void process.kill(pid(), 'SIGKILL'),
  };
};

const kafkaHooks = async (bench: Bench): Promise<Contestant> => {
  const { world, recipient, endpoint } = bench;
  const admin = await world.kafka.admin();
  const topic = { partitions: 1, replicationFactor: 1, config: {} };
  await admin.createTopics([{ topic: 'bench.kafka-hooks-dlq', ...topic }]);
  await admin.close();
  let hooks: KafkaHooks | undefined;
  const job = {
    topic: topicsOf(recipient).inbox,
    url: endpoint.url,
    group: 'bench-kafka-hooks',
    concurrency: CONCURRENCY,
  };
  let begun = false;
  /** It goes on behind what the gateway has delivered. */
  const atEnd = async () => {
    const ends = await endsOf(bench);
    const offsets = ends.map(({ partition, end }) => ({ topic: job.topic, partition, offset: end }));
    await world.kafka.commitOffsets(job.group, offsets);
  };
  const go = async () => {
    hooks ??= await startKafkaHooks(connectionsOf(world.system), job);
  };
  return {
    name: '@platformatic/kafka-hooks',
    pid: () => hooks?.pid ?? 0,
    go,
    halt: async () => {
      if (!begun) await atEnd();
      begun = true;
      await hooks?.stop();
      hooks = undefined;
    },
    kill: async () => {
      await hooks?.kill();
      hooks = undefined;
      await go();
    },
  };
};

type Rate = { perSecond: number; cpuMicros: number };

const told = ({ perSecond: rate, cpuMicros }: Rate): string =>
  `${rate} deliveries/s, ${cpuMicros.toFixed(0)} µs of processor each`;

/** Events gather while nobody delivers; then how long from the first that was taken to the last. */
const drainTo = async ({ world, load, producer, endpoint }: Bench, contestant: Contestant): Promise<Rate> => {
  await contestant.halt();
  endpoint.forget();
  await fillInbox(world, load, producer, EVENTS);
  await contestant.go();
  await endpoint.until(1);
  const [cpu, before] = [cpuMs(contestant.pid()), endpoint.seen.size];
  await endpoint.until(EVENTS);
  const times = [...endpoint.seen.values()];
  const took = Math.max(...times) - Math.min(...times);
  const cpuMicros = ((cpuMs(contestant.pid()) - cpu) * 1_000) / (EVENTS - before);
  return { perSecond: perSecond(EVENTS, took), cpuMicros };
};

const lanes = Array.from({ length: LANES }, (_, lane) => lane);

/** When each event since these ends came into the inbox, by id. */
const appended = async ({ world, recipient }: Bench, from: readonly { partition: number; end: number }[]) => {
  const { inbox } = topicsOf(recipient);
  const reader = world.kafka.reader();
  const times = new Map<string, number>();
  for (const { partition, end } of from)
    for (let offset = end; ; ) {
      const [answer] = await reader.fetch([{ topic: inbox, partition, offset }], { maxWaitMs: 10 });
      if (!answer || answer.next === offset) break;
      for (const { headers, timestamp } of answer.records) times.set(String(headers.ce_id), timestamp);
      offset = answer.next;
    }
  await reader.close();
  return times;
};

const endsOf = async ({ world, recipient }: Bench) => {
  const reader = world.kafka.reader();
  const ends = await reader.bounds(topicsOf(recipient).inbox, lanes);
  await reader.close();
  return ends;
};

/** Sends at the pace for that long, and gives how many. */
const send = async ({ load, producer }: Bench, ms: number): Promise<number> => {
  const began = performance.now();
  let sent = 0;
  for (; performance.now() - began < ms; await delay(10)) {
    const due = Math.floor(((performance.now() - began) / 1_000) * PACE) - sent;
    sent += due;
    if (due > 0) await producer.send(Array.from({ length: due }, () => load.record(SOURCES[1])));
  }
  return sent;
};

/** From the append to the inbox until the endpoint has the event. */
const pace = async (bench: Bench, contestant: Contestant, ms: number) => {
  const { endpoint } = bench;
  endpoint.forget();
  const starts = await endsOf(bench);
  const [cpu, began] = [cpuMs(contestant.pid()), performance.now()];
  const sent = await send(bench, ms);
  await endpoint.until(sent);
  const took = performance.now() - began;
  const cpuMicros = ((cpuMs(contestant.pid()) - cpu) * 1_000) / sent;
  return { perSecond: perSecond(sent, took), cpuMicros, samples: await latencies(bench, starts) };
};

const latencies = async (bench: Bench, starts: Awaited<ReturnType<typeof endsOf>>): Promise<number[]> => {
  const times = await appended(bench, starts);
  return [...times].flatMap(([id, at]) => {
    const arrived = bench.endpoint.seen.get(id);
    return arrived === undefined ? [] : [arrived - at];
  });
};

const withOneThatFails = async (bench: Bench): Promise<number[]> => {
  const { endpoint } = bench;
  endpoint.forget();
  const starts = await endsOf(bench);
  let failing: string | undefined;
  endpoint.answer = (id) => {
    failing ??= id;
    return id === failing ? 500 : 204;
  };
  const sent = await send(bench, 4_000);
  // Those behind it of the same person wait for it: of a thousand people one.
  await Promise.race([endpoint.until(sent - 10), delay(20_000)]);
  endpoint.answer = () => 204;
  return latencies(bench, starts);
};

/** How many of them never came to an endpoint that answers each after a moment, as real ones do. */
const killed = async (bench: Bench, contestant: Contestant): Promise<number> => {
  const { endpoint, load, producer } = bench;
  endpoint.forget();
  const records = Array.from({ length: KILLED_EVENTS }, () => load.record(SOURCES[1]));
  const ids = records.map(({ headers }) => String(headers?.ce_id));
  await producer.send(records);
  await endpoint.until(KILLED_AFTER);
  await contestant.kill();
  const all = () => ids.every((id) => endpoint.seen.has(id));
  for (const until = Date.now() + AFTER_KILL_MS; !all() && Date.now() < until; ) await delay(100);
  return ids.filter((id) => !endpoint.seen.has(id)).length;
};
