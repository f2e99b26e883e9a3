import { basename, join } from 'node:path';
import { LOOPBACK } from '../common/ports.ts';
import { principalSecret, readSecret, type Secrets } from '../common/secrets.ts';
import type { Service } from '../common/service-manifests.ts';
import type { Environment } from '../common/settings.ts';
import { partsCache } from './backing-services/java.ts';
import type { Connections } from './backing-services/parts.ts';
import { CONSOLE_CLIENT, clientSecretName } from './oidc-provider/oidc.ts';
import type { PartSpec } from './supervisor/supervisor.ts';

export type Endpoint = { url: string | null; admin: string };

type Surroundings = {
  connections: Connections;
  secrets: Secrets;
  /** The launcher's own environment, from which named settings are passed on. */
  environment: Environment;
  home: string;
  /** All services of this system: the console keeps an eye on the others. */
  placed: readonly Placed[];
};

export type Placed = {
  service: Service;
  port: number | undefined;
  sinkPort?: number | undefined;
  thirdPartyPort?: number | undefined;
  adminPort: number;
};

/** The scripts that play the legacy system behind a service: what takes deliveries at once, the feed when everything is ready. */
export function simulatorsOf({ service, sinkPort }: Placed, environment: Environment): Simulators {
  const { simulator, sinkSimulator, replacedBy } = service;
  if (replacedBy !== undefined && environment[replacedBy]) return {};
  const sinkReplaced = service.sinkPort !== undefined && sinkPort === undefined;
  return {
    ...(simulator && { feed: simulator }),
    ...(sinkSimulator && !sinkReplaced && { sink: sinkSimulator }),
  };
}

type Simulators = { feed?: string; sink?: string };

/** Where the third-party simulator of a legacy system serves. */
export const thirdPartyUrl = (port: number): string => `http://${LOOPBACK}:${port}`;

const urlOf = ({ service, port, thirdPartyPort }: Placed): string | null => {
  if (service.port) return `${service.port.scheme}://${LOOPBACK}:${port}`;
  return thirdPartyPort === undefined ? null : thirdPartyUrl(thirdPartyPort);
};

export const endpointOf = (placed: Placed): Endpoint => ({
  url: urlOf(placed),
  admin: `http://${LOOPBACK}:${placed.adminPort}`,
});

export function servicePart(placed: Placed, surroundings: Surroundings): PartSpec {
  const { service } = placed;
  return {
    name: service.name,
    command: process.execPath,
    args: [...(service.node ?? []), 'src/main.ts'],
    cwd: service.directory,
    env: environmentOf(placed, surroundings),
    probe: async () => {
      const address = `${endpointOf(placed).admin}/ready`;
      const answer = await fetch(address, { signal: AbortSignal.timeout(3_000) });
      await answer.arrayBuffer();
      return answer.ok;
    },
    stopTimeoutMs: 8_000,
  };
}

/** A simulator answers to nobody; it runs beside its adapter and ends when it is stopped. */
export function simulatorPart(placed: Placed, script: string, surroundings: Surroundings): PartSpec {
  const { service } = placed;
  const name = `${service.name}-${basename(script, '.ts')}`;
  return {
    name,
    command: process.execPath,
    args: [...(service.node ?? []), script],
    cwd: service.directory,
    env: { ...environmentOf(placed, surroundings), SERVICE_NAME: name, ADMIN_PORT: '0' },
    probe: async () => true,
    mayFinish: true,
    stopTimeoutMs: 3_000,
  };
}

/** Everything a service sees: never the whole environment of whoever started the launcher. */
function environmentOf(
  { service, port, sinkPort, thirdPartyPort, adminPort }: Placed,
  around: Surroundings,
): Record<string, string> {
  const { connections, secrets, environment, home, placed } = around;
  const adapter = service.organisation !== undefined;
  const offered: Environment = {
    COUNCIL_DATABASE_URL: connections.COUNCIL_DATABASE_URL,
    COUNCIL_DROP_DIR: environment.COUNCIL_DROP_DIR || join(home, 'council-drop'),
    CHECKPOINT_DIR: join(home, 'checkpoints'),
  };
  // A service's own settings begin with its name: NHS_TRUST_ACK_MODE goes to nhs-trust.
  const prefix = `${service.name.replaceAll('-', '_').toUpperCase()}_`;
  const passed = Object.keys(environment).filter(
    (name) => name.startsWith(prefix) || name.startsWith('OTEL_'),
  );
  const env: Environment = {
    ...pick(environment, ['PATH', 'TZ', 'NODE_ENV', 'CAUSEWAY_LANES', ...passed]),
    ...pick({ ...offered, ...environment }, service.variables ?? []),
    ...ownSecrets(service, environment, secrets),
    ...service.environment,
    SERVICE_NAME: service.name,
    // What was stripped and compiled once is not stripped again: a quicker start and 20 MB less in each process.
    NODE_COMPILE_CACHE: join(partsCache, '..', 'compiled'),
    ADMIN_PORT: String(adminPort),
    LOG_LEVEL: environment.LOG_LEVEL || 'info',
    KAFKA_BROKERS: connections.KAFKA_BROKERS,
    KAFKA_USERNAME: service.principal,
    KAFKA_PASSWORD: secrets.get(principalSecret(service.principal)),
    KAFKA_TLS: connections.KAFKA_TLS,
    ...(connections.KAFKA_CA_FILE ? { KAFKA_CA_FILE: connections.KAFKA_CA_FILE } : {}),
    SCHEMA_REGISTRY_URL: connections.SCHEMA_REGISTRY_URL,
    DATABASE_URL: connections.DATABASE_URL,
    OIDC_ISSUER: connections.OIDC_ISSUER,
    ...(service.port && port !== undefined ? { [service.port.variable]: String(port) } : {}),
    ...(service.sinkPort && sinkPort !== undefined ? { [service.sinkPort.variable]: String(sinkPort) } : {}),
    ...(service.replacedBy && thirdPartyPort !== undefined
      ? { [service.replacedBy]: thirdPartyUrl(thirdPartyPort) }
      : {}),
    ...(adapter ? { ORGANISATION: service.organisation, ...partnershipKeys(secrets) } : {}),
    ...(service.name === 'gateway'
      ? {
          CURSOR_KEY: secrets.get('cursor-key'),
          WEBHOOK_KEY: secrets.get('webhook-key'),
          // On a laptop partners' endpoints are programs on it.
          ...(environment.NODE_ENV === 'production' ? {} : { GATEWAY_WEBHOOKS_TO_LOOPBACK: 'true' }),
          ...partnershipKeys(secrets),
          ...notWatched(placed),
        }
      : {}),
    ...(service.name === 'console'
      ? {
          CAUSEWAY_PARTS: watchedParts(placed),
          SESSION_KEY: secrets.get('session-key'),
          ...partnershipKeys(secrets),
          CHECKPOINT_KEY: environment.CHECKPOINT_KEY || secrets.get('checkpoint-key'),
          CONSOLE_CLIENT_SECRET:
            environment.CONSOLE_CLIENT_SECRET || secrets.get(clientSecretName(CONSOLE_CLIENT)),
        }
      : {}),
  };
  return pick(env, Object.keys(env));
}

/** The key of before is there for as long as its file is. */
function partnershipKeys(secrets: Secrets): Environment {
  const former = readSecret(secrets.directory, 'partnership-key-previous');
  return {
    PARTNERSHIP_KEY: secrets.get('partnership-key'),
    ...(former === null ? {} : { PARTNERSHIP_KEY_PREVIOUS: former }),
  };
}

/** What is shared with a real system comes from the environment instead. */
function ownSecrets(service: Service, environment: Environment, secrets: Secrets): Environment {
  const entries = Object.entries(service.secrets ?? {});
  return Object.fromEntries(
    entries.flatMap(([variable, name]) =>
      environment[variable] || environment[`${variable}_FILE`] ? [] : [[variable, secrets.get(name)]],
    ),
  );
}

/** An adapter that delivers also notices what is late. */
function notWatched(placed: readonly Placed[]): Environment {
  const sinks = placed.filter(({ service }) => service.sinkSimulator !== undefined);
  const organisations = sinks.flatMap(({ service }) => service.organisation ?? []);
  return organisations.length > 0 ? { GATEWAY_NOT_WATCHED: [...new Set(organisations)].join(',') } : {};
}

/** What the console watches, in the form of its setting: everybody but itself. */
function watchedParts(placed: readonly Placed[]): string | undefined {
  const others = placed.filter(({ service }) => service.name !== 'console');
  const entries = others.map((one) => {
    const { name, organisation } = one.service;
    return `${name}${organisation ? `@${organisation}` : ''}=${endpointOf(one).admin}`;
  });
  return entries.length > 0 ? entries.join(',') : undefined;
}

function pick(from: Environment, names: string[]): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = from[name];
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}
