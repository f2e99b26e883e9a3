import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { LANES } from '@causeway/runtime/bus/topics';
import type { Kafka } from '@causeway/runtime/kafka/connect';
import type { AvroSchema } from '@causeway/schemas/avro/schema';
import { repository } from '../../common/paths.ts';
import { java, javaEnvironment } from '../../dev/backing-services/java.ts';

/** The job of the exchange as a Kafka Streams application: its sources are in the folder of the same name. */
const sources = join(import.meta.dirname, 'kafka-streams');
const cache = join(repository, '.causeway', 'cache', 'kafka-streams-peer');

export type PeerJob = {
  /** Names the application, its group and its topics. */
  name: string;
  access: { KAFKA_BROKERS: string; KAFKA_USERNAME: string; KAFKA_PASSWORD: string };
  kafka: Kafka;
  home: string;
  writer: AvroSchema;
  view: AvroSchema;
  agreement: string;
  recipients: { id: string; viewId: number }[];
  /** Settings of Kafka Streams, by their documented names. */
  settings: Record<string, string>;
};

type Peer = { pids: number[]; input: string; ledger: string; group: string; stop(): Promise<void> };

/**
 * Compiles the peer and fetches its jars, where that was not done for these sources yet.
 * @throws Error where the machine has no Maven or no JDK
 */
export const buildPeer = (): void => {
  const digest = createHash('sha256');
  for (const path of globSync(['pom.xml', 'src/**/*.java'], { cwd: sources }).sort())
    digest.update(readFileSync(join(sources, path)));
  const stamp = { path: join(cache, 'stamp'), value: digest.digest('hex') };
  if (existsSync(stamp.path) && readFileSync(stamp.path, 'utf8') === stamp.value) return;
  rmSync(cache, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  const built = spawnSync('mvn', ['-q', '-B', `-Dout=${cache}`, 'compile'], {
    cwd: sources,
    encoding: 'utf8',
  });
  if (built.status !== 0)
    throw new Error(
      `The Kafka Streams peer cannot be built; it needs Maven and a JDK.\n${built.error?.message ?? built.stdout}`,
    );
  writeFileSync(stamp.path, stamp.value);
};

/** Starts it on topics of its own, with as many partitions as the exchange has lanes. */
export const startPeer = async (job: PeerJob): Promise<Peer> => {
  const topics = {
    input: `peer.${job.name}.outbox`,
    ledger: `peer.${job.name}.ledger`,
    inbox: (id: string) => `peer.${job.name}.inbox.${id}`,
  };
  const recipients = job.recipients.map(({ id, viewId }) => ({ id, viewId, topic: topics.inbox(id) }));
  const admin = await job.kafka.admin();
  await admin.createTopics(
    [topics.input, topics.ledger, ...recipients.map(({ topic }) => topic)].map((topic) => ({
      topic,
      partitions: LANES,
      replicationFactor: 1,
      config: { 'message.timestamp.type': 'LogAppendTime' },
    })),
  );
  await admin.close();
  const path = join(job.home, `${job.name}.json`);
  const plan = {
    input: topics.input,
    ledger: topics.ledger,
    recipients,
    agreement: job.agreement,
    writer: job.writer,
    view: job.view,
    settings: { ...clientSettings(job), ...job.settings },
  };
  writeFileSync(path, JSON.stringify(plan), { mode: 0o600 });
  const classpath = [join(cache, 'classes'), join(cache, 'lib', '*')].join(':');
  const child = spawn(java, ['-Xms512m', '-Xmx1g', '-cp', classpath, 'uk.causeway.bench.Peer', path], {
    env: javaEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await untilRunning(child, exited);
  return {
    pids: [child.pid ?? 0],
    input: topics.input,
    ledger: topics.ledger,
    group: `peer.${job.name}`,
    stop: async () => {
      process.off('exit', end);
      child.kill('SIGTERM');
      await exited;
    },
  };
};

const clientSettings = ({ name, home, access }: PeerJob) => ({
  'application.id': `peer.${name}`,
  'bootstrap.servers': access.KAFKA_BROKERS,
  'state.dir': join(home, 'kafka-streams'),
  'security.protocol': 'SASL_PLAINTEXT',
  'sasl.mechanism': 'SCRAM-SHA-512',
  'sasl.jaas.config': `org.apache.kafka.common.security.scram.ScramLoginModule required username="${access.KAFKA_USERNAME}" password="${access.KAFKA_PASSWORD}";`,
  'auto.offset.reset': 'earliest',
  'num.stream.threads': '1',
  'commit.interval.ms': '100',
});

const untilRunning = async (child: ChildProcess, exited: Promise<void>) => {
  const running = (async () => {
    if (!child.stdout) return;
    for await (const line of createInterface({ input: child.stdout })) if (line === 'running') return;
    throw new Error('The Kafka Streams peer ended before it ran.');
  })();
  await Promise.race([running, exited]);
  if (child.exitCode !== null) throw new Error('The Kafka Streams peer ended before it ran.');
};
