import { EXCHANGE_GROUP, LANES, topicsOf } from '@causeway/runtime/bus/topics';
import type { Admin } from '@causeway/runtime/kafka/connect';
import type { Reader } from '@causeway/runtime/kafka/reader';
import { latestTime } from './append-time.ts';
import { type Bounds, type OldestWaiting, type PartitionLag, partitionLags } from './lag.ts';

/** What one look at an organisation's outbox found. */
export type OutboxLook = {
  at: number;
  lags: PartitionLag[];
  oldest: OldestWaiting | null;
  lastEventAt: number | null;
};

/** What a look asks of the broker: offsets, never records. */
export type OutboxSource = Pick<Reader, 'bounds' | 'atTime'> & Pick<Admin, 'committedOffsets'>;

const PARTITIONS = Array.from({ length: LANES }, (_, lane) => lane);

/** Looks at an organisation's outbox; what the look before found makes the search for times short. */
export async function lookAtOutbox(
  source: OutboxSource,
  organisation: string,
  before: OutboxLook | undefined,
  clock: () => number,
): Promise<OutboxLook> {
  const topic = topicsOf(organisation).outbox;
  // Positions first: the log only grows in between, so a position never seems to be beyond its end.
  const committed = await source.committedOffsets(EXCHANGE_GROUP, topic);
  const lags = partitionLags(await source.bounds(topic, PARTITIONS), committed);
  const at = clock();
  const times = timesIn(source, topic);
  return {
    at,
    lags,
    oldest: await oldestWaiting(times, lags, before, at),
    lastEventAt: await lastEventAt(times, lags, before, at),
  };
}

/** The first offset appended at a time or later, per partition. */
type OffsetsAt = (partitions: number[], time: number) => Promise<Map<number, number>>;

function timesIn(source: OutboxSource, topic: string): OffsetsAt {
  return async (partitions, time) => {
    const positions = await source.atTime(topic, partitions, time);
    return new Map(positions.map(({ partition, offset }) => [partition, offset]));
  };
}

async function oldestWaiting(
  offsetsAt: OffsetsAt,
  lags: PartitionLag[],
  before: OutboxLook | undefined,
  now: number,
): Promise<OldestWaiting | null> {
  const heads = lags.filter(({ waiting }) => waiting > 0);
  const [first] = heads;
  if (first === undefined) return null;
  const known = before?.oldest;
  // Nothing older can begin to wait, so as long as the oldest has not moved it is still the oldest.
  const unmoved = heads.find(
    ({ partition, position }) => known?.partition === partition && known.offset === position,
  );
  if (known && unmoved) return known;

  let earliest = first;
  const partitions = heads.map(({ partition }) => partition);
  const allAppendedSince = async (time: number) => {
    const offsets = await offsetsAt(partitions, time);
    const older = heads.find(({ partition, position }) => (offsets.get(partition) ?? 0) > position);
    if (older !== undefined) earliest = older;
    return older === undefined;
  };
  const at = await latestTime(allAppendedSince, { now, guess: known?.at ?? before?.at });
  return { partition: earliest.partition, offset: earliest.position, at };
}

async function lastEventAt(
  offsetsAt: OffsetsAt,
  lags: PartitionLag[],
  before: OutboxLook | undefined,
  now: number,
): Promise<number | null> {
  const filled = lags.filter(({ start, end }) => end > start);
  if (filled.length === 0) return null;
  if (before?.lastEventAt != null && sameEnds(before.lags, lags)) return before.lastEventAt;
  const partitions = filled.map(({ partition }) => partition);
  const someAppendedSince = async (time: number) => {
    const offsets = await offsetsAt(partitions, time);
    return filled.some(({ partition, end }) => (offsets.get(partition) ?? end) < end);
  };
  return await latestTime(someAppendedSince, { now, guess: before?.at });
}

function sameEnds(before: Bounds[], now: Bounds[]): boolean {
  return now.every(({ partition, end }) => before.some((b) => b.partition === partition && b.end === end));
}
