import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterAccess } from '../../common/connections.ts';
import { freePort, isFree, LOOPBACK, type PortPlan } from '../../common/ports.ts';
import { openSecrets, principalSecret, type Secrets } from '../../common/secrets.ts';
import { CannotStart, type Environment } from '../../common/settings.ts';
import { issuerUrl, providerPart } from '../oidc-provider/oidc.ts';
import { endLeftovers, runningLauncher } from '../supervisor/process-book.ts';
import { createSupervisor, type Part, type PartFailed, type Supervisor } from '../supervisor/supervisor.ts';
import { brokerPart } from './kafka.ts';
import { databasePart, databaseUrl, ensureDatabases } from './postgres.ts';
import { registryPart, registryUrl } from './registry.ts';

export type PartsOptions = {
  home: string;
  /** Where KAFKA_BROKERS, SCHEMA_REGISTRY_URL, DATABASE_URL and OIDC_ISSUER replace parts of ours. */
  environment: Environment;
  ports: PortPlan;
  /** SCRAM users that are made with the broker's storage; others are added later. */
  principals: string[];
  say: (line: string) => void;
  /** A part that ran keeps failing now. */
  onFailed: (error: PartFailed) => void;
  /** Tests only: makes every organisation id a client of the OpenID provider with this secret. */
  anyClientSecret?: string;
};

/** What the services and tools connect to, by the names of their settings. */
export type Connections = ClusterAccess & {
  SCHEMA_REGISTRY_URL: string;
  DATABASE_URL: string;
  COUNCIL_DATABASE_URL: string;
  OIDC_ISSUER: string;
};

export type Parts = {
  connections: Connections;
  secrets: Secrets;
  supervisor: Supervisor;
  /** Stops them in order; what does not stop in time is killed. */
  stop(): Promise<void>;
};

type Plan = { kafka?: number; registry?: number; database?: number; oidc?: number };

/**
 * Starts the broker, the registry, PostgreSQL and the OpenID provider, each unless the environment names a
 * real one.
 * @throws CannotStart, PartFailed with one clear sentence; nothing is left running then
 */
export async function startParts(options: PartsOptions, signal?: AbortSignal): Promise<Parts> {
  const { home, environment: env, ports, say } = options;
  await claimHome(home, say);
  const plan: Plan = {
    ...(env.KAFKA_BROKERS ? {} : { kafka: await ports.of('KAFKA_PORT', 9092) }),
    ...(env.SCHEMA_REGISTRY_URL ? {} : { registry: await ports.of('SCHEMA_REGISTRY_PORT', 8083) }),
    ...(env.DATABASE_URL ? {} : { database: await ports.of('DATABASE_PORT', 15432) }),
    ...(env.OIDC_ISSUER ? {} : { oidc: await ports.of('OIDC_PORT', 8082) }),
  };
  await requireFree([
    ['Kafka', 'KAFKA_PORT', plan.kafka],
    ['the schema registry', 'SCHEMA_REGISTRY_PORT', plan.registry],
    ['PostgreSQL', 'DATABASE_PORT', plan.database],
    ['the OpenID provider', 'OIDC_PORT', plan.oidc],
  ]);

  const secrets = openSecrets(join(home, 'secrets'));
  const supervisor = createSupervisor({ home, say, onFailed: options.onFailed });
  const connections = connectionsOf(options, plan, secrets);
  const stop = () => stopParts(supervisor);
  try {
    await untilAborted(signal, startAll(options, plan, connections, secrets, supervisor));
  } catch (error) {
    await stop();
    throw error;
  }
  return { connections, secrets, supervisor, stop };
}

/**
 * Makes sure that nobody else works on this home, and ends what a killed launcher left on it.
 * @throws CannotStart when it is in use
 */
export async function claimHome(home: string, say: (line: string) => void): Promise<void> {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const running = runningLauncher(home);
  if (running)
    throw new CannotStart(`Causeway runs already on ${home} (process ${running}); stop that one first.`);
  const left = await endLeftovers(home);
  if (left.length > 0) say(`the last start was killed: ended what it had left running (${left.join(', ')})`);
}

/** @throws CannotStart naming the first that is taken */
export async function requireFree(wanted: [what: string, variable: string, port: number | undefined][]) {
  const seen = new Map<number, string>();
  for (const [what, variable, port] of wanted) {
    if (port === undefined) continue;
    const other = seen.get(port);
    if (other)
      throw new CannotStart(`${variable} and ${other} are the same port, ${port}; give one of them another.`);
    seen.set(port, variable);
    if (await isFree(port)) continue;
    throw new CannotStart(
      `Port ${port} for ${what} is in use by another program; stop that program or set ${variable} to a free port.`,
    );
  }
}

function connectionsOf({ environment: env }: PartsOptions, plan: Plan, secrets: Secrets): Connections {
  const database = (name: string) => {
    if (plan.database !== undefined) return databaseUrl({ port: plan.database, secrets }, name);
    const url = new URL(env.DATABASE_URL ?? '');
    url.pathname = `/${name}`;
    return url.href;
  };
  const admin = secrets.get(principalSecret('admin'));
  return {
    KAFKA_BROKERS: env.KAFKA_BROKERS ?? `${LOOPBACK}:${plan.kafka}`,
    KAFKA_USERNAME: (env.KAFKA_BROKERS && env.KAFKA_USERNAME) || 'admin',
    KAFKA_PASSWORD: (env.KAFKA_BROKERS && env.KAFKA_PASSWORD) || admin,
    KAFKA_TLS: (env.KAFKA_BROKERS && env.KAFKA_TLS) || 'false',
    ...(env.KAFKA_BROKERS && env.KAFKA_CA_FILE ? { KAFKA_CA_FILE: env.KAFKA_CA_FILE } : {}),
    SCHEMA_REGISTRY_URL: env.SCHEMA_REGISTRY_URL ?? registryUrl(plan.registry ?? 0),
    DATABASE_URL: env.DATABASE_URL ?? database('causeway'),
    COUNCIL_DATABASE_URL: env.COUNCIL_DATABASE_URL ?? database('council'),
    OIDC_ISSUER: env.OIDC_ISSUER ?? issuerUrl(plan.oidc ?? 0),
  };
}

async function startAll(
  { home, principals, environment: env, anyClientSecret }: PartsOptions,
  plan: Plan,
  connections: Connections,
  secrets: Secrets,
  supervisor: Supervisor,
): Promise<void> {
  const { kafka, registry, database, oidc } = plan;
  const broker = async (port: number) => {
    const others = { broker: await freePort(), controller: await freePort() };
    const directory = join(home, 'kafka');
    const users = [...new Set(['admin', ...principals])];
    await supervisor.start(
      await brokerPart({ directory, secrets, ports: { clients: port, ...others } }, users),
    );
  };
  const databaseAndRegistry = async () => {
    const registryDatabase = new URL(connections.DATABASE_URL);
    registryDatabase.pathname = '/registry';
    const names = [
      ...(database === undefined ? [] : ['causeway']),
      ...(registry === undefined ? [] : ['registry']),
      ...(env.COUNCIL_DATABASE_URL ? [] : ['council']),
    ];
    if (database !== undefined) {
      const server = { directory: join(home, 'postgres'), port: database, secrets };
      await supervisor.start(await databasePart(server));
      await ensureDatabases(databaseUrl(server, 'postgres'), names);
    } else {
      await ensureDatabases(connections.DATABASE_URL, names);
    }
    if (registry === undefined) return;
    const directory = join(home, 'registry');
    await supervisor.start(registryPart({ directory, port: registry, databaseUrl: registryDatabase.href }));
  };
  await Promise.all([
    kafka === undefined ? undefined : broker(kafka),
    databaseAndRegistry(),
    oidc === undefined ? undefined : supervisor.start(providerPart(oidc, home, secrets, anyClientSecret)),
  ]);
}

/** The registry's storage is PostgreSQL, so that one goes last. */
async function stopParts(supervisor: Supervisor): Promise<void> {
  supervisor.seal();
  const parts = supervisor.parts();
  const isDatabase = (part: Part) => part.name === 'postgres';
  await Promise.all(parts.filter((part) => !isDatabase(part)).map((part) => part.stop()));
  await Promise.all(parts.filter(isDatabase).map((part) => part.stop()));
  supervisor.close();
}

/** Like the promise, but rejects as soon as the signal says so. */
export function untilAborted<T>(signal: AbortSignal | undefined, promise: Promise<T>): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
