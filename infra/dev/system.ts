import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { topology } from '@causeway/runtime/bus/acls';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { clusterConfig, connectionsPath } from '../common/connections.ts';
import { fixedPorts, freePort, type PortPlan } from '../common/ports.ts';
import { findServices, type Service } from '../common/service-manifests.ts';
import { type Environment, interestsDirectory, organisationsDirectory } from '../common/settings.ts';
import { deploy } from '../deploy/deploy.ts';
import { exampleInterestRecords, readExampleInterests } from '../deploy/interests.ts';
import { readAgreements, readOrganisations } from '../deploy/partnership.ts';
import { ensureUsers } from './backing-services/kafka.ts';
import {
  claimHome,
  type Parts,
  type PartsOptions,
  requireFree,
  startParts,
  untilAborted,
} from './backing-services/parts.ts';
import { CONSOLE_CLIENT, clientSecretName } from './oidc-provider/oidc.ts';
import {
  type Endpoint,
  endpointOf,
  type Placed,
  servicePart,
  simulatorPart,
  simulatorsOf,
} from './services.ts';
import type { Part } from './supervisor/supervisor.ts';
import { readyThirdParty } from './third-party-simulators.ts';

type SystemOptions = Pick<PartsOptions, 'home' | 'environment' | 'say' | 'onFailed'> & {
  /** By default those of the environment's variables. */
  ports?: PortPlan;
  simulators: boolean;
  agreementsDir: string;
  organisationsDir?: string;
  /** Only these; all by default. */
  services?: string[];
  /** Another folder with `services/adapters/` below it, whose adapters run as well. */
  alsoFrom?: string;
};

export type System = {
  endpoints: Record<string, Endpoint>;
  /** Ports of the simulators that take what is delivered, by the name of their service. */
  simulated: Record<string, number>;
  /** Process ids now, by name; a part that is just being restarted is missing. */
  processes(): Record<string, number>;
  parts: Parts;
  stop(): Promise<void>;
};

const SERVICES_STOP_MS = 8_500;

/**
 * Brings up everything: parts, topics and rights, schemas, organisations and agreements, all services, and,
 * if asked, the simulators. Resolves when every service answers `/ready`.
 * @throws CannotStart, PartFailed; nothing is left running then
 */
export async function startSystem(options: SystemOptions, signal?: AbortSignal): Promise<System> {
  const { home, environment, agreementsDir } = options;
  const ports = options.ports ?? fixedPorts(environment);
  await claimHome(home, options.say);
  const organisations = readOrganisations(options.organisationsDir ?? organisationsDirectory);
  const wanted = await place(ports, environment, options);
  // Beside the start of everything else: the first time it installs something.
  const thirdParties = Promise.all(wanted.map((placed) => readyThirdParty(placed, environment, options.say)));
  thirdParties.catch(() => undefined);
  const catalogue = loadCatalogue();
  const ids = organisations.map(({ id }) => id);
  const agreements = readAgreements(agreementsDir, catalogue, ids);
  const interests = readExampleInterests(interestsDirectory);
  const declared = topology(ids, replicationOf(environment)).principals;
  const principals = [...new Set([...declared, ...wanted.map(({ service }) => service.principal)])];
  forgetEndpoints(home);
  const parts = await startParts({ ...options, ports, principals }, signal);
  const stop = async () => {
    forgetEndpoints(home);
    await stopServices(parts, wanted);
    await parts.stop();
  };
  let services: Placed[] = [];
  try {
    const ready = await untilAborted(signal, thirdParties);
    for (const { problem } of ready) if (problem !== undefined) options.say(problem);
    services = ready.flatMap(({ placed, problem }) => (problem === undefined ? [placed] : []));
    const around = {
      connections: parts.connections,
      secrets: parts.secrets,
      environment,
      home,
      placed: services,
    };
    makeClientSecrets(parts, ids);
    mkdirSync(join(home, 'council-drop'), { recursive: true });
    const run = async () => {
      const { connections, secrets, supervisor } = parts;
      const users = join(home, environment.KAFKA_BROKERS ? 'external-kafka' : 'kafka');
      await ensureUsers(users, connections, principals, secrets);
      const replication = replicationOf(environment);
      await deploy({
        connections: clusterConfig(connections),
        secrets,
        replication,
        catalogue,
        organisations,
        agreements,
        interests: exampleInterestRecords(interests, ids, secrets.get('partnership-key'), new Date()),
        say: options.say,
      });
      const simulated = services.map((placed) => ({ placed, ...simulatorsOf(placed, environment) }));
      // What an adapter delivers to or fetches from is there before the adapter is ready, as a real one would be.
      const first = [
        ...ready.flatMap(({ part }) => part ?? []),
        ...simulated.flatMap(({ placed, sink }) => [
          servicePart(placed, around),
          ...(sink ? [simulatorPart(placed, sink, around)] : []),
        ]),
      ];
      await Promise.all(first.map((part) => supervisor.start(part)));
      for (const { placed, feed } of simulated)
        if (feed && options.simulators) await supervisor.start(simulatorPart(placed, feed, around));
    };
    await untilAborted(signal, run());
  } catch (error) {
    await stop();
    throw error;
  }
  const endpoints = Object.fromEntries(services.map((placed) => [placed.service.name, endpointOf(placed)]));
  rememberEndpoints(home, endpoints, parts, ids);
  const simulated = Object.fromEntries(
    services.flatMap(({ service, sinkPort }) => (sinkPort === undefined ? [] : [[service.name, sinkPort]])),
  );
  return { endpoints, simulated, processes: () => processesOf(parts.supervisor.parts()), parts, stop };
}

/** Gives every service its ports, and says at once when one of them is taken. */
async function place(
  ports: PortPlan,
  environment: Environment,
  { services: only, alsoFrom }: Pick<SystemOptions, 'services' | 'alsoFrom'>,
): Promise<Placed[]> {
  const placed: Placed[] = [];
  const found = [...findServices(), ...(alsoFrom === undefined ? [] : findServices(alsoFrom))];
  for (const service of found.filter(({ name }) => only?.includes(name) ?? true)) {
    const port = service.port && (await ports.of(service.port.variable, service.port.default));
    const sinkPort = await sinkPortOf(service, ports, environment);
    const thirdPartyPort = await thirdPartyPortOf(service, ports, environment);
    placed.push({ service, port, sinkPort, thirdPartyPort, adminPort: await freePort() });
  }
  await requireFree(
    placed.flatMap(({ service, port, sinkPort, thirdPartyPort }): Parameters<typeof requireFree>[0] => [
      [`what stands in behind ${service.name}`, service.standIn?.port.variable ?? '', thirdPartyPort],
      [service.name, service.port?.variable ?? '', port],
      [`the simulator behind ${service.name}`, service.sinkPort?.variable ?? '', sinkPort],
    ]),
  );
  return placed;
}

/** Of the simulator; undefined where a real system takes what is delivered. */
async function sinkPortOf(service: Service, ports: PortPlan, env: Environment): Promise<number | undefined> {
  if (service.sinkPort === undefined || env[service.sinkPort.replacedBy]) return undefined;
  return ports.of(service.sinkPort.variable, service.sinkPort.default);
}

/** Of the third-party simulator; undefined where a real system is there. */
async function thirdPartyPortOf(
  { standIn, replacedBy }: Service,
  ports: PortPlan,
  env: Environment,
): Promise<number | undefined> {
  if (standIn === undefined || (replacedBy && env[replacedBy])) return undefined;
  return ports.of(standIn.port.variable, standIn.port.default);
}

function makeClientSecrets({ secrets }: Parts, organisations: string[]): void {
  for (const client of [CONSOLE_CLIENT, ...organisations]) secrets.get(clientSecretName(client));
}

/** Simulators first, then what takes events in, and last what others still write to. */
async function stopServices({ supervisor }: Parts, services: Placed[]): Promise<void> {
  supervisor.seal();
  const order = new Map(services.map(({ service }) => [service.name, service.order]));
  const all = supervisor.parts();
  const simulators = all.filter(
    ({ name }) => services.some(({ service }) => name.startsWith(`${service.name}-`)) && !order.has(name),
  );
  await Promise.all(simulators.map((part) => part.stop()));
  const running = all.filter(({ name }) => order.has(name));
  const steps = [...new Set([...order.values()])].sort((a, b) => b - a);
  const deadline = Date.now() + SERVICES_STOP_MS;
  for (const step of steps) {
    const within = Math.max(deadline - Date.now(), 1_000);
    await Promise.all(
      running.filter(({ name }) => order.get(name) === step).map((part) => part.stop(within)),
    );
  }
}

/**
 * One more instance of a service beside those of a system, as a second machine would run it: its own ports, the same database and
 * secrets. Resolves when it is ready.
 */
export async function startAnother(
  { parts }: Pick<System, 'parts'>,
  wanted: string,
  options: { home: string; environment?: Environment; name?: string; unresponsiveMs?: number },
): Promise<Part & Endpoint> {
  const service = findServices().find(({ name }) => name === wanted);
  if (!service) throw new Error(`there is no ${wanted} among the services`);
  const port = service.port ? await freePort() : undefined;
  const placed = { service, port, adminPort: await freePort() };
  const { connections, secrets, supervisor } = parts;
  const { home, environment = {}, name = `${wanted}-2`, unresponsiveMs } = options;
  const spec = servicePart(placed, { connections, secrets, environment, home, placed: [placed] });
  const part = await supervisor.start({ ...spec, name, ...(unresponsiveMs ? { unresponsiveMs } : {}) });
  return { ...part, ...endpointOf(placed) };
}

/** A broker of ours is alone; a real cluster says what it can do. */
const replicationOf = (env: Environment) => ({
  replicationFactor: Number(env.KAFKA_REPLICATION_FACTOR || 1),
  minInSyncReplicas: Number(env.KAFKA_MIN_INSYNC_REPLICAS || 1),
});

const processesOf = (parts: Part[]): Record<string, number> =>
  Object.fromEntries(
    parts.flatMap((part) => {
      const pid = part.pid();
      return pid === undefined ? [] : [[part.name, pid]];
    }),
  );

const endpointsPath = (home: string) => join(home, 'endpoints.json');

/** For people and tools: where the services are; for our own tools also how to get in. */
function rememberEndpoints(
  home: string,
  endpoints: Record<string, Endpoint>,
  parts: Parts,
  organisations: string[],
) {
  writeFileSync(endpointsPath(home), `${JSON.stringify(endpoints, null, 2)}\n`);
  const known = { ...parts.connections, organisations };
  writeFileSync(connectionsPath(home), `${JSON.stringify(known, null, 2)}\n`, { mode: 0o600 });
}

function forgetEndpoints(home: string) {
  for (const path of [endpointsPath(home), connectionsPath(home)]) rmSync(path, { force: true });
}
