import { ageSeconds, type Bounds, type OldestWaiting } from './lag.ts';
import type { PairCount } from './releases.ts';

/** What one look at the broker found for one organisation. Counters only grow while the console runs. */
export type OrganisationSample = {
  /** Events published into its outbox. */
  published: number;
  /** Events released into its inbox, from whomever. */
  released: number;
  /** Events in its outbox that the exchange has not decided yet. */
  waiting: number;
  oldest: OldestWaiting | null;
  lastEventAt: number | null;
};

export type Sample = {
  at: number;
  organisations: ReadonlyMap<string, OrganisationSample>;
  /** Who sent how much to whom, by `<source> <recipient>`. */
  pairs?: ReadonlyMap<string, PairCount>;
};
export type Counter = 'published' | 'released';

/** One slot of the history; null where nobody looked, which a chart draws as a gap and never as nought. */
export type HistoryPoint = {
  at: number;
  published: number | null;
  released: number | null;
  waiting: number | null;
  oldestSeconds: number | null;
};

/** Appends a look and forgets those that the history no longer needs. */
export function remember(samples: readonly Sample[], sample: Sample, keepMs: number): Sample[] {
  return [...samples.filter((kept) => kept.at >= sample.at - keepMs && kept.at < sample.at), sample];
}

/**
 * Records appended between two looks at a topic. A partition whose end went back was deleted and made again:
 * everything in it is new.
 */
export function appended(before: Bounds[], now: Bounds[]): number {
  const ends = new Map(before.map((bounds) => [bounds.partition, bounds.end]));
  return now.reduce((sum, { partition, end }) => {
    const earlier = ends.get(partition) ?? 0;
    return sum + (end >= earlier ? end - earlier : end);
  }, 0);
}

/** Events per second over the last `windowMs`, or null before two looks were taken at these organisations. */
export function perSecond(
  samples: readonly Sample[],
  organisations: readonly string[],
  counter: Counter,
  windowMs: number,
): number | null {
  const latest = samples.at(-1);
  if (latest === undefined) return null;
  const known = samples.filter((sample) => organisations.every((id) => sample.organisations.has(id)));
  const earlier = known.findLast((sample) => sample.at <= latest.at - windowMs) ?? known[0];
  return earlier === undefined ? null : rate(earlier, latest, organisations, counter);
}

/**
 * The history of some organisations taken together, in slots of `stepMs` that end at `until` or before it.
 * The rate of a slot is measured between the last looks before its beginning and before its end, so the
 * rates of neighbouring slots add up to exactly what was counted.
 */
export function history(
  samples: readonly Sample[],
  organisations: readonly string[],
  { until, spanMs, stepMs }: { until: number; spanMs: number; stepMs: number },
): HistoryPoint[] {
  const end = Math.floor(until / stepMs) * stepMs;
  const slots = Array.from(
    { length: Math.floor(spanMs / stepMs) },
    (_, i) => end - spanMs + (i + 1) * stepMs,
  );
  return slots.map((at) => slot(samples, organisations, at - stepMs, at));
}

function slot(samples: readonly Sample[], ids: readonly string[], from: number, to: number): HistoryPoint {
  const inside = samples.filter((sample) => sample.at > from && sample.at <= to);
  const last = inside.at(-1);
  if (last === undefined)
    return { at: to, published: null, released: null, waiting: null, oldestSeconds: null };
  const first = samples.findLast((sample) => sample.at <= from) ?? inside[0] ?? last;
  return {
    at: to,
    published: rate(first, last, ids, 'published'),
    released: rate(first, last, ids, 'released'),
    ...standingAt(last, ids),
  };
}

/** Waiting events and the age of the oldest, over some organisations at one look. */
export function standingAt(
  sample: Sample,
  ids: readonly string[],
): { waiting: number; oldestSeconds: number } {
  const of = ids.flatMap((id) => sample.organisations.get(id) ?? []);
  return {
    waiting: of.reduce((sum, { waiting }) => sum + waiting, 0),
    oldestSeconds: Math.max(0, ...of.map(({ oldest }) => ageSeconds(oldest, sample.at))),
  };
}

function rate(first: Sample, last: Sample, ids: readonly string[], counter: Counter): number | null {
  const seconds = (last.at - first.at) / 1000;
  if (seconds <= 0) return null;
  const grown = ids.reduce((sum, id) => {
    const now = last.organisations.get(id)?.[counter];
    const before = first.organisations.get(id)?.[counter];
    return now === undefined || before === undefined ? sum : sum + Math.max(0, now - before);
  }, 0);
  return grown / seconds;
}
