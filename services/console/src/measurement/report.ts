import { ageSeconds, type PartitionLag, type Standing, standingOf } from './lag.ts';
import { type HistoryPoint, history, perSecond, type Sample, standingAt } from './throughput.ts';

/** Whether the figures are being measured now. `away`: the broker has not answered since that time. */
export type Connection = { status: 'starting' } | { status: 'live' } | { status: 'away'; since: number };

/** All that the measurement knows; everything shown or served is derived from it. */
export type Measured = {
  connection: Connection;
  organisations: readonly { id: string; name: string }[];
  /** Oldest look first. */
  samples: readonly Sample[];
  partitions: ReadonlyMap<string, readonly PartitionLag[]>;
};

export type Rates = { publishedPerSecond: number | null; releasedPerSecond: number | null };
export type OrganisationThroughput = Rates & {
  organisation: string;
  name: string;
  /** Events published into the outbox since it exists, from the end offsets of its partitions. */
  published: number;
  /** Events released into the inbox since this console started. */
  released: number;
  lastEventAt: string | null;
};
type ThroughputReport = Asked & {
  windowSeconds: number;
  organisations: OrganisationThroughput[];
  total: Rates;
  history: { stepSeconds: number; points: PublicPoint[] };
};

export type OrganisationLag = {
  organisation: string;
  name: string;
  events: number;
  seconds: number;
  standing: Standing;
  partitions: PartitionLag[];
};
type LagReport = Asked & {
  organisations: OrganisationLag[];
  total: { events: number; seconds: number };
};

type Asked = { status: Connection['status']; measuredAt: string | null };
type PublicPoint = Omit<HistoryPoint, 'at'> & { at: string };

const WINDOW_MS = 10_000;
export const HISTORY_MS = 15 * 60_000;
export const STEP_MS = 10_000;

/** The part of the measurement that somebody of one organisation may see; without one, all of it. */
export function visibleTo(measured: Measured, organisation: string | undefined): Measured {
  if (organisation === undefined) return measured;
  return { ...measured, organisations: measured.organisations.filter(({ id }) => id === organisation) };
}

/** Events per second into outboxes and inboxes, per organisation and in all, with the last quarter of an hour. */
export function throughputReport(measured: Measured): ThroughputReport {
  const { organisations, samples } = measured;
  const ids = measuredIds(measured);
  return {
    ...asked(measured),
    windowSeconds: WINDOW_MS / 1000,
    organisations: organisations.map(({ id, name }) => {
      const latest = samples.at(-1)?.organisations.get(id);
      return {
        organisation: id,
        name,
        ...ratesOf(samples, ids.includes(id) ? [id] : []),
        published: latest?.published ?? 0,
        released: latest?.released ?? 0,
        lastEventAt: isoOrNull(latest?.lastEventAt ?? null),
      };
    }),
    total: ratesOf(samples, ids),
    history: {
      stepSeconds: STEP_MS / 1000,
      points: historyOf(measured, ids).map((point) => ({ ...point, at: new Date(point.at).toISOString() })),
    },
  };
}

/** How far the exchange is behind each outbox: always in events and in seconds of the oldest undecided one. */
export function lagReport(measured: Measured): LagReport {
  const { connection, organisations, samples, partitions } = measured;
  const latest = samples.at(-1);
  const standing = (id: string, hasEvents: boolean): Standing =>
    connection.status === 'live' && latest?.organisations.has(id)
      ? standingOf(looksAt(samples, id), hasEvents)
      : 'not-known';
  const total = latest === undefined ? undefined : standingAt(latest, measuredIds(measured));
  return {
    ...asked(measured),
    organisations: organisations.map(({ id, name }) => {
      const outbox = latest?.organisations.get(id);
      return {
        organisation: id,
        name,
        events: outbox?.waiting ?? 0,
        seconds: latest === undefined ? 0 : ageSeconds(outbox?.oldest ?? null, latest.at),
        standing: standing(id, (outbox?.lastEventAt ?? null) !== null),
        partitions: [...(partitions.get(id) ?? [])],
      };
    }),
    total: { events: total?.waiting ?? 0, seconds: total?.oldestSeconds ?? 0 },
  };
}

/** The last quarter of an hour of these organisations taken together, in steps of ten seconds. */
export function historyOf({ samples }: Measured, ids: readonly string[]): HistoryPoint[] {
  const until = samples.at(-1)?.at;
  return until === undefined ? [] : history(samples, ids, { until, spanMs: HISTORY_MS, stepMs: STEP_MS });
}

/** Organisations that the last look found; one that has only just joined is not measured yet. */
export function measuredIds({ organisations, samples }: Measured): string[] {
  const latest = samples.at(-1);
  return organisations.map(({ id }) => id).filter((id) => latest?.organisations.has(id));
}

function asked({ connection, samples }: Measured): Asked {
  return { status: connection.status, measuredAt: isoOrNull(samples.at(-1)?.at ?? null) };
}

function ratesOf(samples: readonly Sample[], ids: readonly string[]): Rates {
  if (ids.length === 0) return { publishedPerSecond: null, releasedPerSecond: null };
  return {
    publishedPerSecond: perSecond(samples, ids, 'published', WINDOW_MS),
    releasedPerSecond: perSecond(samples, ids, 'released', WINDOW_MS),
  };
}

function looksAt(samples: readonly Sample[], id: string) {
  return samples.flatMap(({ at, organisations }) => {
    const outbox = organisations.get(id);
    return outbox === undefined ? [] : [{ at, oldest: outbox.oldest }];
  });
}

function isoOrNull(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
