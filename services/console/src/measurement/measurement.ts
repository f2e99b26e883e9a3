import { runLoop } from '@causeway/runtime/async/run-loop';
import { withTimeout } from '@causeway/runtime/async/timeout';
import { topicsOf } from '@causeway/runtime/bus/topics';
import type { Admin, Kafka } from '@causeway/runtime/kafka/connect';
import type { Reader } from '@causeway/runtime/kafka/reader';
import type { Logger } from '@causeway/runtime/telemetry/log';
import type { Metrics } from '@causeway/runtime/telemetry/metrics';
import { type PartitionLag, waitingIn } from './lag.ts';
import { lookAtOutbox, type OutboxLook } from './outboxes.ts';
import { followReleases } from './releases.ts';
import { type Connection, HISTORY_MS, type Measured, STEP_MS } from './report.ts';
import { appended, type OrganisationSample, remember, type Sample } from './throughput.ts';

export type Measurement = {
  now(): Measured;
  /** Called after every look, whether it succeeded or not. */
  onLook(listener: () => void): () => void;
  close(): Promise<void>;
};

type Organisations = { all(): { id: string; name: string }[] };
type Connections = { reader: Reader; admin: Promise<Admin> };

const LOOK_EVERY_MS = 2_000;
const LOOK_DEADLINE_MS = 5_000;
/** One refused request is no outage; this long without a look is. Well within the 15 s that people are promised. */
const AWAY_AFTER_MS = 5_000;

/** Looks at every outbox every two seconds and follows every ledger. */
export function startMeasurement(parts: {
  kafka: Kafka;
  organisations: Organisations;
  log: Logger;
  metrics?: Pick<Metrics, 'loopRestarts'>;
  clock?: () => number;
  lookEveryMs?: number;
}): Measurement {
  const { kafka, organisations, log, metrics, clock = Date.now, lookEveryMs = LOOK_EVERY_MS } = parts;
  const releases = followReleases(kafka, log, metrics);
  const listeners = new Set<() => void>();
  const looks = new Map<string, OutboxLook>();
  const published = new Map<string, number>();
  let samples: Sample[] = [];
  let connection: Connection = { status: 'starting' };
  let connections: Connections | undefined;
  let topics = new Set<string>();
  let lastSuccess = clock();
  const stop = new AbortController();

  /** Organisations are announced before their topics are made: only what exists is looked at. */
  const measurable = async (admin: Admin): Promise<string[]> => {
    const ids = organisations.all().map(({ id }) => id);
    const exists = (id: string) => topics.has(topicsOf(id).outbox) && topics.has(topicsOf(id).ledger);
    if (!ids.every(exists)) topics = new Set(await admin.listTopics());
    return ids.filter(exists);
  };

  const note = (id: string, look: OutboxLook): OrganisationSample => {
    const total = (published.get(id) ?? 0) + appended(looks.get(id)?.lags ?? [], look.lags);
    published.set(id, total);
    looks.set(id, look);
    return {
      published: total,
      released: releases.into(id),
      waiting: waitingIn(look.lags),
      oldest: look.oldest,
      lastEventAt: look.lastEventAt,
    };
  };

  const lookAround = async () => {
    connections ??= { reader: kafka.reader(), admin: kafka.admin() };
    const { reader } = connections;
    const admin = await connections.admin;
    const ids = await measurable(admin);
    releases.follow(ids);
    const source = { ...reader, committedOffsets: admin.committedOffsets };
    return await Promise.all(
      ids.map(async (id) => [id, await lookAtOutbox(source, id, looks.get(id), clock)] as const),
    );
  };

  const look = async () => {
    try {
      const found = await withTimeout(LOOK_DEADLINE_MS, 'kafka', lookAround());
      const at = clock();
      const organisations = new Map(found.map(([id, look]) => [id, note(id, look)]));
      const sample = { at, organisations, pairs: releases.pairs() };
      samples = remember(samples, sample, HISTORY_MS + 2 * STEP_MS);
      lastSuccess = at;
      if (connection.status === 'away') log.info({ event: 'kafka.recovered' }, 'Kafka answers again');
      connection = { status: 'live' };
    } catch (error) {
      if (stop.signal.aborted) return;
      discard(connections);
      connections = undefined;
      topics = new Set();
      if (clock() - lastSuccess < AWAY_AFTER_MS) return;
      if (connection.status !== 'away')
        log.warn({ event: 'kafka.unavailable', err: error }, 'Kafka does not answer');
      connection = { status: 'away', since: lastSuccess };
    }
  };

  const running = runLoop({
    name: 'measurement',
    signal: stop.signal,
    async step() {
      await look();
      if (!stop.signal.aborted) for (const listener of listeners) listener();
      return lookEveryMs;
    },
    retryMs: lookEveryMs,
    log,
    metrics,
  });

  return {
    now: () => ({
      connection,
      organisations: organisations.all().map(({ id, name }) => ({ id, name })),
      samples,
      partitions: new Map<string, PartitionLag[]>([...looks].map(([id, look]) => [id, look.lags])),
    }),
    onLook(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      stop.abort();
      discard(connections);
      await Promise.all([releases.close(), running]);
    },
  };
}

/** Failed connections are replaced, not repaired; closing them is not waited for. */
function discard(connections: Connections | undefined): void {
  connections?.reader.close().catch(() => undefined);
  connections?.admin.then((admin) => admin.close()).catch(() => undefined);
}
