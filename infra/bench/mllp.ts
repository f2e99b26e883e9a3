import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { stayMessage } from '../../services/adapters/nhs-trust/src/simulator/synthetic.ts';
import { type Camel, startCamel } from './peers/camel.ts';
import { perSecond, print, spread } from './report.ts';
import { connectionsOf, cpuMs, residentMb, startWorld, type World } from './world.ts';

const CONNECTIONS = [1, 8, 32];
const WARM_MS = 4_000;
const PEER_TOPIC = 'bench.camel';
const FS = 0x1c;

type Receiver = { name: string; host: string; port: number; pid: number };

/** A sender as engines are: one message at a time, the next after the answer. */
const createSender = (address: { host: string; port: number }) => {
  const socket: Socket = connect({ ...address, noDelay: true });
  let answered: (code: string) => void = () => {};
  let failed: (error: Error) => void = () => {};
  let answer = '';
  socket.on('data', (data) => {
    answer += data.toString('latin1');
    if (!data.includes(FS)) return;
    answered(/MSA\|(\w\w)/.exec(answer)?.[1] ?? '');
    answer = '';
  });
  socket.on('error', (error) => failed(error));
  socket.on('close', () => failed(new Error('the connection was closed')));
  return {
    send: (framed: Buffer) =>
      new Promise<string>((resolve, reject) => {
        answered = resolve;
        failed = reject;
        socket.write(framed);
      }),
    close: () => socket.destroy(),
  };
};

let number = 0;

const nextMessage = (): Buffer => {
  number += 1;
  const message = stayMessage({
    trigger: 'A01',
    stay: number,
    controlId: `B${number}`,
    at: new Date(1_770_000_000_000 + number * 1_000),
  });
  return Buffer.concat([Buffer.from([0x0b]), message, Buffer.from([FS, 0x0d])]);
};

/** Sends on that many connections for that long; `perSecond` is a pace for all of them together. */
const load = async (to: Receiver, connections: number, ms: number, pace = Number.POSITIVE_INFINITY) => {
  const samples: number[] = [];
  const refused: string[] = [];
  const began = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async (_, index) => {
      const sender = createSender(to);
      for (let sent = 0; performance.now() - began < ms; sent += 1) {
        const due = began + ((sent * connections + index) * 1_000) / pace;
        if (due > performance.now()) await delay(due - performance.now());
        const message = nextMessage();
        const start = performance.now();
        const code = await sender.send(message);
        samples.push(performance.now() - start);
        if (code !== 'AA') refused.push(code);
      }
      sender.close();
    }),
  );
  if (refused.length > 0) throw new Error(`${refused.length} messages were answered ${refused[0]}`);
  return samples;
};

const measure = async (to: Receiver, connections: number, ms: number): Promise<void> => {
  const before = cpuMs(to.pid);
  const samples = await load(to, connections, ms);
  const cpu = ((cpuMs(to.pid) - before) * 1e3) / samples.length;
  print(
    `${connections} connection${connections > 1 ? 's' : ''}, ${to.name}: ${perSecond(samples.length, ms)} messages/s to AA, ${spread(samples)}, ${Math.round(cpu)} µs of processor each`,
  );
};

const adapterOf = (world: World): Receiver => {
  const url = new URL(world.system.endpoints['nhs-trust']?.url ?? '');
  const pid = world.system.processes()['nhs-trust'] ?? 0;
  return { name: 'nhs-trust', host: url.hostname, port: Number(url.port), pid };
};

type MllpOptions = {
  /** How long each number of connections is measured. */
  seconds: number;
  /** Above 0: a steady load for that long instead, to see whether memory stays flat. */
  minutes: number;
  peers: boolean;
};

/** The adapter and Apache Camel in turns, on the same broker. */
export const benchMllp = async ({ seconds, minutes, peers }: MllpOptions): Promise<void> => {
  const world = await startWorld(['nhs-trust']);
  const receivers = [adapterOf(world)];
  let camel: Camel | undefined;
  try {
    if (minutes > 0) return await soak(adapterOf(world), minutes);
    camel = peers ? await startPeer(world) : undefined;
    if (camel) receivers.push({ name: 'Apache Camel', host: '127.0.0.1', port: camel.port, pid: camel.pid });
    for (const receiver of receivers) await load(receiver, 8, WARM_MS);
    for (const connections of CONNECTIONS) {
      for (const receiver of receivers) await measure(receiver, connections, seconds * 1_000);
    }
    for (const { name, pid } of receivers) print(`${name}: ${residentMb(pid)} MB resident`);
  } finally {
    await camel?.stop();
    await world.stop();
  }
};

const startPeer = async (world: World): Promise<Camel> => {
  const admin = await world.kafka.admin();
  await admin.createTopics([{ topic: PEER_TOPIC, partitions: 6, replicationFactor: 1, config: {} }]);
  await admin.close();
  const { KAFKA_BROKERS, KAFKA_USERNAME, KAFKA_PASSWORD } = connectionsOf(world.system);
  return startCamel({ KAFKA_BROKERS, KAFKA_USERNAME, KAFKA_PASSWORD }, PEER_TOPIC);
};

const SOAK_PER_SECOND = 500;

const soak = async (adapter: Receiver, minutes: number): Promise<void> => {
  for (let minute = 1; minute <= minutes; minute += 1) {
    const samples = await load(adapter, 8, 60_000, SOAK_PER_SECOND);
    const rate = perSecond(samples.length, 60_000);
    print(`minute ${minute}: ${rate} messages/s, ${spread(samples)}, ${residentMb(adapter.pid)} MB resident`);
  }
};
