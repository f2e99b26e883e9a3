import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { ClusterAccess } from '../../common/connections.ts';
import { LOOPBACK } from '../../common/ports.ts';
import { principalSecret, type Secrets } from '../../common/secrets.ts';
import type { PartSpec } from '../supervisor/supervisor.ts';
import { java, javaEnvironment, kafkaJars, runKafkaTool, smallJvm } from './java.ts';

type Broker = {
  /** Everything of this broker is below this folder. */
  directory: string;
  ports: { clients: number; broker: number; controller: number };
  secrets: Secrets;
};

/** A single KRaft node: prepares its storage with the given users where there is none yet. */
export async function brokerPart(broker: Broker, users: string[]): Promise<PartSpec> {
  const { directory, ports } = broker;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const config = join(directory, 'server.properties');
  writeFileSync(config, properties(brokerProperties(broker, join(directory, 'data'))), { mode: 0o600 });
  await format(broker, users);
  const log4j = join(import.meta.dirname, 'kafka', 'log4j2.properties');
  return {
    name: 'kafka',
    command: java,
    args: [...smallJvm(512), `-Dlog4j2.configurationFile=${log4j}`, '-cp', kafkaJars, 'kafka.Kafka', config],
    cwd: directory,
    env: javaEnvironment(),
    probe: () => answersApiVersions(ports.clients),
    stopTimeoutMs: 6_000,
  };
}

/**
 * Three listeners, all with a log-in: partners and services by SCRAM; the broker's own two by a password
 * of this node alone, so that nobody on the machine gets round the access rules through them.
 */
function brokerProperties(
  { ports, secrets }: Broker,
  dataDirectory: string,
): Record<string, string | number> {
  const own = secrets.get('kafka-node');
  const login = 'org.apache.kafka.common.security.plain.PlainLoginModule required';
  const jaas = `${login} username="node" password="${own}" user_node="${own}";`;
  const at = (name: string, port: number) => `${name}://${LOOPBACK}:${port}`;
  return {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@${LOOPBACK}:${ports.controller}`,
    listeners: [
      at('CLIENTS', ports.clients),
      at('BROKER', ports.broker),
      at('CONTROLLER', ports.controller),
    ].join(),
    'advertised.listeners': [at('CLIENTS', ports.clients), at('BROKER', ports.broker)].join(),
    'inter.broker.listener.name': 'BROKER',
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map':
      'CLIENTS:SASL_PLAINTEXT,BROKER:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT',
    'listener.name.clients.sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    'listener.name.clients.scram-sha-512.sasl.jaas.config':
      'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'listener.name.broker.sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.broker.plain.sasl.jaas.config': jaas,
    'sasl.mechanism.inter.broker.protocol': 'PLAIN',
    'listener.name.controller.sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.controller.plain.sasl.jaas.config': jaas,
    'sasl.mechanism.controller.protocol': 'PLAIN',
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:admin;User:node',
    'auto.create.topics.enable': 'false',
    'log.dirs': dataDirectory,
    // Outbox records are at most 512 kB; what is derived from them may be four times that.
    'message.max.bytes': 2_300_000,
    'replica.fetch.max.bytes': 2_300_000,
    'default.replication.factor': 1,
    'min.insync.replicas': 1,
    'offsets.topic.num.partitions': 3,
    'offsets.topic.replication.factor': 1,
    // Ten years: what is known of the position in an outbox is not forgotten because the outbox was quiet for a week.
    'offsets.retention.minutes': 5_256_000,
    'transaction.state.log.num.partitions': 6,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    // There is no second replica: a second of data at most is lost with the machine's power, and
    // nothing with the process. Frequent flushes also keep the recovery after a kill short.
    'log.flush.interval.ms': 1_000,
    'log.flush.scheduler.interval.ms': 1_000,
    'log.cleaner.dedupe.buffer.size': 16_777_216,
    'num.network.threads': 2,
    'num.io.threads': 4,
    'num.recovery.threads.per.data.dir': 2,
    // A killed broker comes back under the same number; the controller must not wait for its old session.
    'broker.heartbeat.interval.ms': 500,
    'broker.session.timeout.ms': 3_000,
  };
}

const properties = (entries: Record<string, string | number>) =>
  Object.entries(entries)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');

/** Formats into a folder beside and renames it, so that an interrupted start leaves no half storage. */
async function format(broker: Broker, users: string[]): Promise<void> {
  const { directory, secrets } = broker;
  const data = join(directory, 'data');
  if (existsSync(data)) return;
  const fresh = join(directory, 'data.new');
  rmSync(fresh, { recursive: true, force: true });
  const config = join(directory, 'format.properties');
  writeFileSync(config, properties(brokerProperties(broker, fresh)), { mode: 0o600 });
  const scram = users.flatMap((name) => [
    '-S',
    `SCRAM-SHA-512=[name=${name},password=${secrets.get(principalSecret(name))}]`,
  ]);
  // One in 64 random ids would begin with a hyphen, which the tool takes for another option.
  const clusterId = randomBytes(16).toString('base64url').replace(/^-/, 'A');
  await runKafkaTool(directory, 'kafka.tools.StorageTool', [
    'format',
    '-t',
    clusterId,
    '-c',
    config,
    ...scram,
  ]);
  writeUsers(directory, users);
  renameSync(fresh, data);
}

const usersPath = (directory: string) => join(directory, 'users.json');
const writeUsers = (directory: string, users: string[]) =>
  writeFileSync(usersPath(directory), JSON.stringify([...new Set(users)].sort()));

function knownUsers(directory: string): string[] {
  return existsSync(usersPath(directory)) ? JSON.parse(readFileSync(usersPath(directory), 'utf8')) : [];
}

/**
 * Gives a SCRAM log-in to those users who have none yet. Kafka's own tool does it, because the client
 * library has no request for it.
 * @param directory where the list of users that were made is kept
 */
export async function ensureUsers(
  directory: string,
  access: ClusterAccess,
  users: string[],
  secrets: Secrets,
): Promise<string[]> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const known = knownUsers(directory);
  const missing = users.filter((user) => !known.includes(user));
  if (missing.length === 0) return [];
  for (const user of missing) {
    await setPassword(directory, access, user, secrets.get(principalSecret(user)));
    known.push(user);
    writeUsers(directory, known);
  }
  return missing;
}

/** Gives a user this password and no other: Kafka keeps one per user and mechanism. */
export async function setPassword(directory: string, access: ClusterAccess, user: string, password: string) {
  const change = ['--alter', '--entity-type', 'users', '--entity-name', user];
  const add = ['--add-config', `SCRAM-SHA-512=[password=${password}]`];
  await runClusterTool(directory, access, 'kafka.admin.ConfigCommand', [...change, ...add]);
}

/** Runs one of Kafka's own tools against a cluster. Resolves with what it prints. */
export async function runClusterTool(
  directory: string,
  access: ClusterAccess,
  mainClass: string,
  args: string[],
): Promise<string> {
  const config = join(directory, `client-${randomBytes(6).toString('hex')}.properties`);
  const login = 'org.apache.kafka.common.security.scram.ScramLoginModule required';
  const settings = {
    'security.protocol': access.KAFKA_TLS === 'true' ? 'SASL_SSL' : 'SASL_PLAINTEXT',
    ...(access.KAFKA_CA_FILE
      ? { 'ssl.truststore.type': 'PEM', 'ssl.truststore.location': access.KAFKA_CA_FILE }
      : {}),
    'sasl.mechanism': 'SCRAM-SHA-512',
    'sasl.jaas.config': `${login} username="${access.KAFKA_USERNAME}" password="${access.KAFKA_PASSWORD}";`,
  };
  writeFileSync(config, properties(settings), { mode: 0o600 });
  const common = ['--bootstrap-server', access.KAFKA_BROKERS, '--command-config', config];
  try {
    return await runKafkaTool(directory, mainClass, [...common, ...args]);
  } finally {
    rmSync(config, { force: true });
  }
}

const PROBE_MS = 2_000;
/** ApiVersions, version 0, correlation id 1, no client id: the one question that needs no log-in. */
const API_VERSIONS = Buffer.from('0000000a0012000000000001ffff', 'hex');

/** Whether a broker answers on that port; it opens the port for clients once it serves. */
function answersApiVersions(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: LOOPBACK, timeout: PROBE_MS });
    const answer = (good: boolean) => {
      socket.destroy();
      resolve(good);
    };
    socket.once('connect', () => socket.write(API_VERSIONS));
    socket.once('data', (data) => answer(data.length >= 8 && data.readInt32BE(4) === 1));
    socket.once('error', () => answer(false));
    socket.once('timeout', () => answer(false));
    socket.once('close', () => answer(false));
  });
}
