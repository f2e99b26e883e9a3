/** When a delivery that failed is tried again: data, so that it can be read, shown and tested. */
export type Schedule = {
  /** Pauses after the first, second… try, milliseconds. */
  pauses: readonly number[];
  /** The pause after all of those, where tries go on. */
  onwards?: number;
  /** No try is made later than this after the first one, milliseconds. */
  giveUpAfterMs: number;
  /** Share by which a pause is lengthened or shortened at random, 0 to 1. */
  jitter: number;
};

const S = 1_000;
const MIN = 60 * S;
const H = 60 * MIN;

/** Systems of our own partners, reached through their adapter: five tries in ten minutes. */
export const SINK_SCHEDULE: Schedule = {
  pauses: [15 * S, 45 * S, 2 * MIN, 6.5 * MIN],
  giveUpAfterMs: 10 * MIN,
  jitter: 0.05,
};

/** Endpoints on the internet, as Standard Webhooks advises: three days. */
export const WEBHOOK_SCHEDULE: Schedule = {
  pauses: [5 * S, 30 * S, 2 * MIN, 10 * MIN, 30 * MIN, H, 3 * H, 6 * H],
  onwards: 12 * H,
  giveUpAfterMs: 72 * H,
  jitter: 0.1,
};

/**
 * How long to wait after the `tries`-th try (from 1), in milliseconds, or null where it was the last one.
 * `sinceFirstMs` is the time since the first try, `random` from 0 to 1, `afterMs` what the receiver asked for.
 */
export const pauseAfter = (
  schedule: Schedule,
  { tries, sinceFirstMs, random, afterMs = 0 }: Tried,
): number | null => {
  const pause = schedule.pauses[tries - 1] ?? schedule.onwards;
  if (pause === undefined) return null;
  const left = schedule.giveUpAfterMs - sinceFirstMs;
  if (left <= 0) return null;
  const jittered = Math.max(pause * (1 + schedule.jitter * (2 * random - 1)), afterMs);
  // The last try is made at the end of the time and not given up for its jitter.
  return Math.round(Math.min(jittered, left));
};

export type Tried = { tries: number; sinceFirstMs: number; random: number; afterMs?: number | undefined };
