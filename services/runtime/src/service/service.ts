import { createLogger, type Logger } from '../telemetry/log.ts';
import { createMetrics, type Metrics } from '../telemetry/metrics.ts';
import { openTracing } from '../telemetry/tracing.ts';
import {
  type Config,
  ConfigError,
  type Environment,
  loadConfig,
  type Shape,
  serviceSettings,
} from './config.ts';
import { checkReadiness, type Phase, type ReadinessCheck, serveAdmin } from './health.ts';

/**
 * The life of a service. `start` acquires things one after the other and registers how to let go of each one
 * right after acquiring it; stopping lets go in reverse order. A start that fails half-way lets go of exactly
 * what it had.
 */

export type Context<C> = {
  name: string;
  config: C;
  log: Logger;
  metrics: Metrics;
  /** Aborted when the service begins to stop: take no new work, finish what is running. */
  signal: AbortSignal;
  /**
   * Registers how to let go of something. Runs once, in reverse order of registration, each after the one
   * before it has settled. Registered while the service is stopping, it runs too.
   */
  onStop(name: string, stop: () => Promise<void> | void): void;
  /** The same for a part that is let go of with `close`; gives the part. */
  use<T extends { close(): Promise<void> | void }>(name: string, part: T): T;
  /** `/ready` answers 200 only while every check returns within 2 s. */
  readiness(name: string, check: ReadinessCheck): void;
  /** Ends the service with exit code 1, in order. For what cannot be mended without a restart. */
  fail(error: unknown): void;
};

/** Resolves when the service is up. What it starts goes on in the background until `signal` is aborted. */
export type Start<S extends Shape> = (context: Context<Config<S>>) => Promise<void>;

/** How a service ended: `error` is what made it end, `unreleased` the stops that failed or took too long. */
export type Ending = { error?: unknown; unreleased: string[] };

export type Service = {
  /** Base URL of `/live`, `/ready` and `/metrics`. */
  adminUrl: string;
  /** Stops in order; a second call waits for the first. */
  stop(): Promise<Ending>;
  /** Resolves when the service has ended, whoever ended it. */
  ended: Promise<Ending>;
  /** `stop`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
};

const STOP_MS = 10_000;

/**
 * The one statement of a service's main.ts. Adds the settings of every service to `shape`. On SIGTERM or SIGINT:
 * `/ready` answers 503, the context's signal is aborted, the stops run in reverse, exit 0; after 10 s it exits
 * with 1 and names what did not stop. The same signal a second time exits at once. A start that fails, an
 * unhandled rejection or an uncaught exception ends the service with exit code 1.
 */
export async function runService<S extends Shape>(name: string, shape: S, start: Start<S>): Promise<void> {
  const life = createLife(name);
  handleSignals(life);
  process.on('uncaughtException', (error) => life.fail(error));
  process.on('unhandledRejection', (reason) => life.fail(reason));
  // Not awaited: a start that never settles must not keep the process from ending.
  life.begin(shape, start, process.env).catch(() => undefined);
  const ending = await life.ended;
  process.exit(ending.error === undefined && ending.unreleased.length === 0 ? 0 : 1);
}

/**
 * The same without signal handlers and exit, for tests: several services can live in one process.
 * @throws ConfigError, or whatever `start` threw, after everything acquired was let go
 */
export async function startService<S extends Shape>(
  name: string,
  shape: S,
  start: Start<S>,
  env: Environment = process.env,
): Promise<Service> {
  const life = createLife(name);
  const adminUrl = await life.begin(shape, start, env);
  const stop = () => life.stop();
  return { adminUrl, stop, ended: life.ended, [Symbol.asyncDispose]: async () => void (await stop()) };
}

type Life = {
  begin<S extends Shape>(shape: S, start: Start<S>, env: Environment): Promise<string>;
  stop(reason?: string): Promise<Ending>;
  fail(error: unknown): void;
  log(): Logger;
  ended: Promise<Ending>;
};

type Release = { name: string; stop: () => Promise<void> | void };

function createLife(name: string): Life {
  const controller = new AbortController();
  const releases: Release[] = [];
  const checks = new Map<string, ReadinessCheck>();
  const end = Promise.withResolvers<Ending>();
  let log = createLogger(name, 'info');
  let phase: Phase = 'starting';
  let stopping: Promise<Ending> | undefined;
  let failure: { error: unknown } | undefined;
  let started: Promise<unknown> = Promise.resolve();

  async function open<S extends Shape>(shape: S, start: Start<S>, env: Environment): Promise<string> {
    const config = loadConfig({ ...shape, ...serviceSettings }, env);
    log = createLogger(name, config.LOG_LEVEL);
    const metrics = createMetrics(name);
    if (config.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined) {
      const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: ratio } = config;
      const tracing = await openTracing({ service: name, endpoint, ratio: Number(ratio) });
      onStop('tracing', tracing.close);
    }
    const admin = await serveAdmin(
      { host: config.ADMIN_HOST, port: config.ADMIN_PORT },
      () => checkReadiness(phase, checks, metrics),
      metrics,
    );
    onStop('admin server', admin.close);
    const readiness = (check: string, run: ReadinessCheck) => void checks.set(check, run);
    const context = {
      name,
      config: config as Config<S>,
      log,
      metrics,
      signal: controller.signal,
      onStop,
      use,
      readiness,
      fail,
    };
    await start(context);
    if (phase === 'starting') {
      phase = 'running';
      log.info({ event: 'service.started', admin: admin.url }, 'started');
    }
    return admin.url;
  }

  async function begin<S extends Shape>(shape: S, start: Start<S>, env: Environment): Promise<string> {
    const opening = open(shape, start, env);
    started = opening.catch(() => undefined);
    try {
      return await opening;
    } catch (error) {
      // A start that ends because the service is being stopped has not failed.
      if (!stopping) {
        failure = { error };
        logStartFailure(log, error);
      }
      await stop('start failed');
      throw error;
    }
  }

  function onStop(releaseName: string, release: Release['stop']): void {
    if (drained) void letGo({ name: releaseName, stop: release });
    else releases.push({ name: releaseName, stop: release });
  }

  function use<T extends { close(): Promise<void> | void }>(partName: string, part: T): T {
    onStop(partName, () => part.close());
    return part;
  }

  const unreleased: string[] = [];
  let drained = false;

  async function letGo(release: Release): Promise<void> {
    const begun = performance.now();
    try {
      await release.stop();
      log.debug({ part: release.name, ms: Math.round(performance.now() - begun) }, 'part stopped');
    } catch (error) {
      unreleased.push(release.name);
      log.error(
        { event: 'service.part_not_stopped', err: error, part: release.name },
        'part did not stop cleanly',
      );
    }
  }

  async function drain(): Promise<void> {
    // A start that is still running sees the aborted signal; what it acquires until it ends must be let go too.
    await started;
    for (let release = releases.at(-1); release; release = releases.at(-1)) {
      await letGo(release);
      releases.splice(releases.indexOf(release), 1);
    }
    drained = true;
  }

  function stop(reason = 'stop requested'): Promise<Ending> {
    stopping ??= (async () => {
      phase = 'stopping';
      log.info({ event: 'service.stopping', reason }, 'stopping');
      controller.abort(new Error(reason));
      const late = Promise.withResolvers<'late'>();
      const timer = setTimeout(() => late.resolve('late'), STOP_MS);
      if ((await Promise.race([drain(), late.promise])) === 'late') {
        unreleased.push(...releases.map((release) => release.name));
        log.error(
          { event: 'service.stop_timed_out', parts: unreleased },
          `not stopped within ${STOP_MS / 1_000} s`,
        );
      }
      clearTimeout(timer);
      log.info({ event: 'service.stopped' }, 'stopped');
      const ending = { ...(failure ?? {}), unreleased };
      end.resolve(ending);
      return ending;
    })();
    return stopping;
  }

  function fail(error: unknown): void {
    if (!failure) log.fatal({ event: 'service.failed', err: error }, 'failed');
    failure ??= { error };
    void stop('failed');
  }

  return { begin, stop, fail, log: () => log, ended: end.promise };
}

function logStartFailure(log: Logger, error: unknown): void {
  const message = error instanceof Error ? error.message : 'unknown error';
  if (error instanceof ConfigError)
    log.fatal({ event: 'service.start_failed', problems: error.problems }, `cannot start: ${message}`);
  else log.fatal({ event: 'service.start_failed', err: error }, `cannot start: ${message}`);
}

/**
 * Only a repeated signal forces the exit: Ctrl-C reaches every process of a terminal as SIGINT, and a launcher
 * that stops its services in order sends SIGTERM after it.
 */
function handleSignals(life: Life): void {
  const seen = new Set<NodeJS.Signals>();
  const onSignal = (signal: NodeJS.Signals, number: number) => {
    if (seen.has(signal)) {
      life.log().warn({ event: 'service.exited', signal }, 'second signal: exiting at once');
      process.exit(128 + number);
    }
    seen.add(signal);
    void life.stop(signal);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}
