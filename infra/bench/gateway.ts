import { EXCHANGE_GROUP, topicsOf } from '@causeway/runtime/bus/topics';
import type { Producer } from '@causeway/runtime/kafka/producer';
import { type Client, clientOf } from './client.ts';
import { drain, EVENTS } from './drain.ts';
import { createLoad, type Load } from './load.ts';
import { clientConsume } from './peers/kafkajs.ts';
import { perSecond, print, spread } from './report.ts';
import { connectionsOf, cpuMs, residentMb, SOURCE, SOURCES, startWorld, type World } from './world.ts';

/** What the Strimzi HTTP bridge does in a like machine: it passes bytes on, without agreements, schemas or identities. */
const STRIMZI = {
  publish: '578 to 885 publishes/s, p50 33 to 50 ms',
  read: '41,000 to 64,000 records/s',
  memory: '310 to 370 MB',
};
const CONNECTIONS = 32;
const LIMITS = [100, 1_000];

type GatewayOptions = { rounds: number; seconds: number; peers: boolean };

/** Publishing and reading over HTTP, beside a plain consumer of the same inbox. */
export const benchGateway = async ({ rounds, seconds, peers }: GatewayOptions): Promise<void> => {
  const world = await startWorld(['exchange', 'gateway']);
  try {
    const load = await createLoad(world);
    const producer = world.kafka.producer();
    const [recipient = ''] = world.recipients;
    const kept = await fillInbox(world, load, producer);
    print(`${kept} events lie in the inbox of ${recipient}`);
    const reader = await clientOf(world, recipient);
    await readAll(reader, 1_000);
    for (let round = 1; round <= rounds; round += 1) {
      for (const limit of LIMITS) await pull(world, reader, limit);
      if (peers) await plainConsumer(world, recipient);
    }
    if (peers) print(`the Strimzi bridge, elsewhere: ${STRIMZI.read}`);
    const { exchange = 0 } = world.system.processes();
    process.kill(exchange, 'SIGSTOP');
    await publish(world, load, seconds * 1_000, 'nothing behind it, as behind the bridge');
    process.kill(exchange, 'SIGCONT');
    await publish(world, load, seconds * 1_000, 'the exchange releasing what comes');
    if (peers) print(`the Strimzi bridge, elsewhere: ${STRIMZI.publish}, ${STRIMZI.memory} resident`);
    print(`gateway: ${residentMb(world.system.processes().gateway)} MB resident`);
  } finally {
    await world.stop();
  }
};

/** By way of the exchange, so that what lies there is what a partner would find. */
export const fillInbox = async (
  world: World,
  load: Load,
  producer: Producer,
  events = EVENTS,
): Promise<number> => {
  const { exchange = 0 } = world.system.processes();
  const { outbox, ledger } = topicsOf(SOURCES[1]);
  const worker = { pids: [exchange], input: outbox, ledger, group: EXCHANGE_GROUP };
  await drain(world, producer, worker, () => load.record(SOURCES[1]), events);
  return events;
};

type Read = { events: number; pages: number[] };

/** From the start of the inbox to its end. The text is taken and not parsed: that costs the reader, not the gateway. */
const readAll = async (client: Client, limit: number): Promise<Read> => {
  const pages: number[] = [];
  let events = 0;
  let next = '';
  for (;;) {
    const began = performance.now();
    const text = await client.get(`/v1/events?limit=${limit}${next === '' ? '' : `&after=${next}`}`);
    const took = performance.now() - began;
    next = text.slice(text.lastIndexOf('"next":"') + 8, -2);
    const count = countOf(text);
    if (count === 0) return { events, pages };
    events += count;
    pages.push(took);
  }
};

const countOf = (text: string): number => {
  let count = 0;
  for (let at = text.indexOf('"specversion"'); at >= 0; at = text.indexOf('"specversion"', at + 1))
    count += 1;
  return count;
};

const pull = async (world: World, client: Client, limit: number): Promise<void> => {
  const { gateway } = world.system.processes();
  const [cpu, began] = [cpuMs(gateway), performance.now()];
  const { events, pages } = await readAll(client, limit);
  const took = performance.now() - began;
  const micros = ((cpuMs(gateway) - cpu) * 1_000) / events;
  print(
    `pull, ${limit} a page: ${perSecond(events, took)} events/s, a page ${spread(pages)}; ${micros.toFixed(0)} µs of processor an event`,
  );
};

const plainConsumer = async (world: World, recipient: string): Promise<void> => {
  const { records, ms, cpuMicros } = await clientConsume(
    connectionsOf(world.system),
    topicsOf(recipient).inbox,
  );
  print(
    `kafkajs consumer of the same inbox, nothing decoded: ${perSecond(records, ms)} records/s; ${cpuMicros.toFixed(0)} µs of processor a record, in the reader`,
  );
};

/** One event a request, the next after the answer, on 32 connections: `accepted` means that it is in the outbox with acks=all. */
const publish = async (world: World, load: Load, ms: number, beside: string): Promise<void> => {
  const client = await clientOf(world, SOURCE, CONNECTIONS);
  const { gateway } = world.system.processes();
  const post = async () => {
    const answer = await client.post('/v1/events', load.cloudEvent(SOURCE));
    if (!answer.includes('"accepted"')) throw new Error(`an event was answered ${answer.slice(0, 200)}`);
  };
  const run = async (forMs: number): Promise<number[]> => {
    const samples: number[] = [];
    const until = performance.now() + forMs;
    const one = async () => {
      while (performance.now() < until) {
        const began = performance.now();
        await post();
        samples.push(performance.now() - began);
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, one));
    return samples;
  };
  await run(ms / 2);
  const cpu = cpuMs(gateway);
  const samples = await run(ms);
  client.close();
  const micros = ((cpuMs(gateway) - cpu) * 1_000) / samples.length;
  print(
    `publish, ${CONNECTIONS} connections, ${beside}: ${perSecond(samples.length, ms)} publishes/s, ${spread(samples)}; ${micros.toFixed(0)} µs of processor each`,
  );
};
