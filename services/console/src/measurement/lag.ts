/** What the broker says of one partition: the first offset it keeps and the offset the next record will get. */
export type Bounds = { partition: number; start: number; end: number };

/** How far the exchange is in one outbox partition. */
export type PartitionLag = Bounds & { position: number; waiting: number };

/** The record that has waited longest for the exchange's decision, `at` its append time in milliseconds. */
export type OldestWaiting = { partition: number; offset: number; at: number };

/** `not-known`: nothing is being measured, so old figures are not shown as current. */
export type Standing =
  | 'not-known'
  | 'nothing-yet'
  | 'up-to-date'
  | 'catching-up'
  | 'falling-behind'
  | 'not-moving';

/** Below this age an undecided event is ordinary: it is in the transaction that is being written. */
export const PROMPT_SECONDS = 10;
/** The same event undecided at the head of an outbox for this long means that no exchange is working on it. */
const STALLED_MS = 15_000;
const TREND_MS = 30_000;

/**
 * The exchange's position and lag in each partition of an outbox.
 *
 * Without a committed offset the exchange begins at the oldest record kept, so all of it waits. An offset
 * below the start means records that retention took away: they can no longer wait for anybody. An offset
 * beyond the end belongs to a topic that was deleted and made again; the exchange refuses to go on there, so
 * everything in it waits.
 */
export function partitionLags(bounds: Bounds[], committed: ReadonlyMap<number, number>): PartitionLag[] {
  return bounds.map((partition) => {
    const offset = committed.get(partition.partition) ?? partition.start;
    const position = offset > partition.end ? partition.start : Math.max(offset, partition.start);
    return { ...partition, position, waiting: partition.end - position };
  });
}

/** Events that wait in all partitions of an outbox. */
export function waitingIn(lags: PartitionLag[]): number {
  return lags.reduce((sum, lag) => sum + lag.waiting, 0);
}

/** Age of the oldest undecided event in seconds; 0 when nothing waits or the clocks disagree. */
export function ageSeconds(oldest: OldestWaiting | null, now: number): number {
  return oldest === null ? 0 : Math.max(0, (now - oldest.at) / 1000);
}

/** One look at an outbox, as far as its standing needs it. */
export type LagSample = { at: number; oldest: OldestWaiting | null };

/** What an operator should think of an outbox, from the looks taken at it so far, oldest look first. */
export function standingOf(looks: readonly LagSample[], hasEvents: boolean): Standing {
  const latest = looks.at(-1);
  if (latest === undefined || latest.oldest === null) return hasEvents ? 'up-to-date' : 'nothing-yet';
  const age = ageSeconds(latest.oldest, latest.at);
  if (age < PROMPT_SECONDS) return 'up-to-date';
  if (isStalled(looks, latest.oldest, latest.at)) return 'not-moving';
  const earlier = looks.find((look) => look.at >= latest.at - TREND_MS) ?? latest;
  return age > ageSeconds(earlier.oldest, earlier.at) ? 'falling-behind' : 'catching-up';
}

function isStalled(looks: readonly LagSample[], oldest: OldestWaiting, now: number): boolean {
  const before = looks.findLast((look) => look.at <= now - STALLED_MS)?.oldest;
  return before?.partition === oldest.partition && before.offset === oldest.offset;
}
