import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { makeCertificates } from '../common/certificates.ts';
import { repository } from '../common/paths.ts';
import { freePort } from '../common/ports.ts';
import { openSecrets } from '../common/secrets.ts';
import { java, javaEnvironment, kafkaJars, runKafkaTool, smallJvm } from './backing-services/java.ts';
import { runClusterTool } from './backing-services/kafka.ts';
import { createSupervisor, type Part, type PartSpec } from './supervisor/supervisor.ts';

/**
 * A Kafka cluster on loopback, each broker a JVM of its own, with the very configuration that docker-compose.yml gives its
 * brokers: TLS, SCRAM, replication. For tests of what happens when brokers die, restart or stand still.
 */
export type Cluster = {
  /** Settings of whoever connects, as the administrator. */
  connections: {
    KAFKA_BROKERS: string;
    KAFKA_USERNAME: string;
    KAFKA_PASSWORD: string;
    KAFKA_TLS: 'true';
    KAFKA_CA_FILE: string;
  };
  /** Process ids by broker number; one that is just being restarted is missing. */
  processes(): Map<number, number>;
  /** Ends a broker in order; it is started again, and the promise resolves when it serves. */
  restart(broker: number): Promise<void>;
  /** Ends a broker with SIGKILL and keeps it away for so long; resolves when it serves again. */
  kill(broker: number, awayMs: number): Promise<void>;
  /** The broker that leads most partitions of a topic now. */
  leaderOf(topic: string): Promise<number>;
  /** Starts one more broker, which is no controller: those are the same as before. Resolves with its number when it serves. */
  grow(): Promise<number>;
  /** Spreads the replicas of these topics over all brokers, as `docs/operating/upgrade.md` has it. Resolves when they have moved. */
  spread(topics: readonly string[]): Promise<void>;
  stop(): Promise<void>;
};

type Node = { id: number; ports: { clients: number; broker: number; controller?: number } };

const CONFIGURATION = join(repository, 'infra', 'compose', 'kafka', 'server.properties');
const CLUSTER_ID = 'Y2F1c2V3YXktdGVzdC0wMQ';
const SERVE_MS = 60_000;
const MOVE_MS = 120_000;
const THROTTLE_BYTES = 20_000_000;

/** Starts `count` brokers below `home`. Resolves when each of them serves. */
export async function startCluster(
  home: string,
  count: number,
  say: (line: string) => void,
  onFailed: (error: Error) => void,
): Promise<Cluster> {
  const secrets = openSecrets(join(home, 'secrets'));
  secrets.get('kafka-node');
  const password = secrets.get('kafka-admin');
  const certificates = join(home, 'certificates');
  await makeCertificates(certificates, ['kafka-1']);
  const nodes: Node[] = [];
  for (let id = 1; id <= count; id += 1) {
    const ports = { clients: await freePort(), broker: await freePort(), controller: await freePort() };
    nodes.push({ id, ports });
  }
  const supervisor = createSupervisor({ home, say, onFailed });
  const away = new Map<number, Promise<void>>();
  const start = async (node: Node): Promise<Part> =>
    supervisor.start({
      ...(await nodePart(node, nodes, home, password)),
      prepare: async () => away.get(node.id),
    });
  const running = new Map<number, Part>();
  await Promise.all(nodes.map(async (node) => running.set(node.id, await start(node))));
  const authority = join(certificates, 'ca.pem');
  const connections = {
    KAFKA_BROKERS: nodes.map(({ ports }) => `127.0.0.1:${ports.clients}`).join(),
    KAFKA_USERNAME: 'admin',
    KAFKA_PASSWORD: password,
    KAFKA_TLS: 'true',
    KAFKA_CA_FILE: authority,
  } as const;
  const tool = (mainClass: string, ...args: string[]) => runClusterTool(home, connections, mainClass, args);
  const reassign = (...args: string[]) =>
    tool('org.apache.kafka.tools.reassign.ReassignPartitionsCommand', ...args);
  const find = (id: number): Node => {
    const node = nodes.find((one) => one.id === id);
    if (!node) throw new Error(`there is no broker ${id}`);
    return node;
  };
  return {
    connections,
    processes: () =>
      new Map(
        [...running].flatMap(([id, part]): [number, number][] => {
          const pid = part.pid();
          return pid === undefined ? [] : [[id, pid]];
        }),
      ),
    restart: async (id) => {
      const node = find(id);
      await running.get(id)?.stop();
      running.set(id, await start(node));
    },
    kill: async (id, awayMs) => {
      const { ports } = find(id);
      const pid = running.get(id)?.pid();
      if (pid === undefined) throw new Error(`broker ${id} does not run`);
      away.set(id, delay(awayMs));
      process.kill(pid, 'SIGKILL');
      await delay(awayMs);
      const deadline = Date.now() + SERVE_MS;
      while (!(await serves(ports.clients, authority))) {
        if (Date.now() > deadline) throw new Error(`broker ${id} did not come back`);
        await delay(200);
      }
    },
    leaderOf: async (topic) => {
      const told = await tool('org.apache.kafka.tools.TopicCommand', '--describe', '--topic', topic);
      const leaders = [...told.matchAll(/Leader: (\d+)/g)].map(([, id]) => Number(id));
      const count = (id: number) => leaders.filter((leader) => leader === id).length;
      const [first] = leaders.sort((a, b) => count(b) - count(a));
      if (first === undefined) throw new Error(`no partition of ${topic} has a leader`);
      return first;
    },
    grow: async () => {
      const node = {
        id: nodes.length + 1,
        ports: { clients: await freePort(), broker: await freePort() },
      };
      nodes.push(node);
      running.set(node.id, await start(node));
      return node.id;
    },
    spread: async (topics) => {
      const [wanted, planned] = [join(home, 'topics.json'), join(home, 'plan.json')];
      writeFileSync(wanted, JSON.stringify({ version: 1, topics: topics.map((topic) => ({ topic })) }));
      const brokers = nodes.map(({ id }) => id).join();
      const told = await reassign(
        '--generate',
        '--topics-to-move-json-file',
        wanted,
        '--broker-list',
        brokers,
      );
      writeFileSync(planned, told.trim().split('\n').at(-1) ?? '');
      const plan = ['--reassignment-json-file', planned];
      await reassign('--execute', ...plan, '--throttle', String(THROTTLE_BYTES));
      // It also takes the throttle away once everything has moved.
      const deadline = Date.now() + MOVE_MS;
      while (/still in progress/.test(await reassign('--verify', ...plan)))
        if (Date.now() > deadline) throw new Error('the replicas have not moved in time');
    },
    stop: async () => {
      supervisor.seal();
      await Promise.all([...running.values()].map((part) => part.stop()));
      supervisor.close();
    },
  };
}

async function nodePart(
  node: Node,
  nodes: readonly Node[],
  home: string,
  password: string,
): Promise<PartSpec> {
  const directory = join(home, `kafka-${node.id}`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const config = join(directory, 'server.properties');
  writeFileSync(config, configuration(node, directory, home), { mode: 0o600 });
  const controllers = nodes.filter(({ ports }) => ports.controller !== undefined);
  const voters = controllers.map(({ id, ports }) => `${id}@127.0.0.1:${ports.controller}`).join();
  const replicas = Math.min(3, controllers.length);
  const env = {
    ...javaEnvironment(),
    KAFKA_NODE_ID: String(node.id),
    KAFKA_HOST: '127.0.0.1',
    KAFKA_VOTERS: voters,
    KAFKA_REPLICATION_FACTOR: String(replicas),
    KAFKA_MIN_INSYNC_REPLICAS: String(Math.max(1, replicas - 1)),
  };
  if (!existsSync(join(directory, 'data'))) {
    const administrator = `SCRAM-SHA-512=[name=admin,password=${password}]`;
    const format = ['format', '-t', CLUSTER_ID, '-c', config];
    // A broker that joins learns of log-ins from the controllers.
    const first = node.ports.controller === undefined ? [] : ['-S', administrator];
    await runKafkaTool(directory, 'kafka.tools.StorageTool', [...format, ...first], env);
  }
  const log4j = join(import.meta.dirname, 'backing-services/kafka/log4j2.properties');
  return {
    name: `kafka-${node.id}`,
    command: java,
    args: [...smallJvm(384), `-Dlog4j2.configurationFile=${log4j}`, '-cp', kafkaJars, 'kafka.Kafka', config],
    cwd: directory,
    env,
    probe: () => serves(node.ports.clients, join(home, 'certificates', 'ca.pem')),
    readyTimeoutMs: SERVE_MS,
    stopTimeoutMs: 30_000,
  };
}

/** The file of the containers, with this machine's paths and ports in it. */
function configuration({ ports }: Node, directory: string, home: string): string {
  const at = (name: string, port: number) => `${name}://127.0.0.1:${port}`;
  const listeners = [at('CLIENTS', ports.clients), at('BROKER', ports.broker)];
  const replaced: Record<string, string> = {
    'process.roles': ports.controller === undefined ? 'broker' : 'broker,controller',
    'log.dirs': join(directory, 'data'),
    listeners: [
      ...listeners,
      ...(ports.controller === undefined ? [] : [at('CONTROLLER', ports.controller)]),
    ].join(),
    'advertised.listeners': listeners.join(),
    'ssl.keystore.location': join(home, 'certificates', 'kafka-1.keystore.pem'),
    'ssl.truststore.location': join(home, 'certificates', 'ca.pem'),
  };
  return readFileSync(CONFIGURATION, 'utf8')
    .replaceAll('/run/secrets', join(home, 'secrets'))
    .split('\n')
    .map((line) => {
      const [name = ''] = line.split('=', 1);
      return name in replaced ? `${name}=${replaced[name]}` : line;
    })
    .join('\n');
}

/** A broker opens the port for clients once it serves. */
function serves(port: number, authority: string): Promise<boolean> {
  return new Promise((resolve) => {
    const ca = readFileSync(authority);
    const socket = connectTls({ port, host: '127.0.0.1', ca, timeout: 2_000 });
    const answer = (good: boolean) => {
      socket.destroy();
      resolve(good);
    };
    socket.once('secureConnect', () => answer(true));
    socket.once('error', () => answer(false));
    socket.once('timeout', () => answer(false));
  });
}
