import { withTimeout } from '../async/timeout.ts';
import type { FetchedPartition } from '../kafka/broker-client.ts';
import type { Kafka } from '../kafka/connect.ts';
import type { Reader } from '../kafka/reader.ts';
import type { Logger } from '../telemetry/log.ts';
import { createFetchCache } from './fetch-cache.ts';
import { createTail, type Tail } from './tail.ts';

/**
 * Reading inboxes by position. Each organisation that is being served has a reader of its own, so that one that
 * catches up on thirty days does not slow another, and a tail with its own connection, because a broker answers
 * one connection's requests in order and a long poll would hold up every page behind it.
 */
export type Inbox = {
  partitions(): Promise<number>;
  /** Where the oldest record that is still kept would be, per partition. */
  oldest(): Promise<number[]>;
  /** Where the next record will be, per partition. */
  ends(): Promise<number[]>;
  /** The first record at or after that time (milliseconds since 1970), or the end, per partition. */
  since(time: number): Promise<number[]>;
  read: ReadFrom;
  beyond: Tail['beyond'];
};

/**
 * Reads from these positions, oldest first in each partition, with no wait. What was read a moment ago is not fetched again, and who
 * reads page after page finds the next one fetched.
 * @param wanted how many records the caller can use: where fewer are at hand and there are more, more are fetched
 */
export type ReadFrom = (
  positions: readonly PartitionOffset[],
  wanted?: number,
) => Promise<FetchedPartition[]>;

type PartitionOffset = { partition: number; offset: number };

export type Inboxes = {
  /**
   * Runs `task` with the inbox of an organisation; its connections are shared and outlive the task for a while.
   *
   * Its errors are those of the reader: `kafka-unknown-topic-or-partition` or, where the gateway's rights end,
   * `not-authorised` for an organisation without an inbox.
   */
  use<T>(organisation: string, task: (inbox: Inbox) => Promise<T>): Promise<T>;
  close(): Promise<void>;
};

type InboxSettings = { tailWaitMs: number; idleMs: number; requestMs: number };

const DEFAULTS: InboxSettings = { tailWaitMs: 50, idleMs: 30_000, requestMs: 5_000 };
/** What one look at an inbox may bring into memory, besides a batch that is larger by itself. */
const ANSWER = { maxBytes: 1_572_864, partitionMaxBytes: 262_144 };

/**
 * A look at the end of an inbox costs us and the broker about half a millisecond each, however little it brings: looks at many busy inboxes
 * are further apart, so that all together take no more than a part of one core.
 */
const LOOK_MS = 2;
const BUSY_MS = 1_000;
const LEAST_PAUSE_MS = 5;
const MOST_PAUSE_MS = 40;

type Open = { inbox: Inbox; users: number; idle: NodeJS.Timeout | undefined; close(): Promise<void> };

export const createInboxes = (kafka: Kafka, log: Logger, settings: Partial<InboxSettings> = {}): Inboxes => {
  const limits = { ...DEFAULTS, ...settings };
  const inboxes = new Map<string, Open>();

  /** When something last came into each inbox. */
  const busy = new Map<string, number>();
  const pauseAfter = (organisation: string): number => {
    const now = performance.now();
    busy.set(organisation, now);
    for (const [one, at] of busy) if (now - at > BUSY_MS) busy.delete(one);
    return Math.min(Math.max(busy.size * LOOK_MS, LEAST_PAUSE_MS), MOST_PAUSE_MS);
  };

  const acquire = (organisation: string): Open => {
    const known = inboxes.get(organisation);
    if (known !== undefined) return known;
    const opened = openInbox(kafka, `inbox.${organisation}`, limits, () => pauseAfter(organisation), log);
    inboxes.set(organisation, opened);
    return opened;
  };

  const release = (organisation: string, open: Open) => {
    open.users -= 1;
    if (open.users > 0 || inboxes.get(organisation) !== open) return;
    const letGo = () => {
      inboxes.delete(organisation);
      void open.close();
    };
    open.idle = setTimeout(letGo, limits.idleMs).unref();
  };

  return {
    use: async (organisation, task) => {
      const open = acquire(organisation);
      clearTimeout(open.idle);
      open.users += 1;
      try {
        return await task(open.inbox);
      } finally {
        release(organisation, open);
      }
    },
    close: async () => {
      const all = [...inboxes.values()];
      inboxes.clear();
      for (const { idle } of all) clearTimeout(idle);
      await Promise.allSettled(all.map((open) => open.close()));
    },
  };
};

const openInbox = (
  kafka: Kafka,
  topic: string,
  limits: InboxSettings,
  pauseMs: () => number,
  log: Logger,
): Open => {
  const reader: Reader = kafka.reader();
  const ahead = createFetchCache();
  const tail = createTail(
    () => kafka.reader(),
    topic,
    { waitMs: limits.tailWaitMs, pauseMs, idleMs: limits.idleMs, ...ANSWER },
    (offset, part) => ahead.keep(offset, part, 'all'),
    log,
  );
  const soon = <T>(asked: Promise<T>): Promise<T> => withTimeout(limits.requestMs, 'kafka', asked);
  const partitions = () => soon(reader.partitionCount(topic));
  const all = async () => Array.from({ length: await partitions() }, (_, partition) => partition);
  const bounds = async () => inOrder(await soon(reader.bounds(topic, await all())));
  const atHand = ({ partition, offset }: PartitionOffset) => ahead.from(partition, offset);

  const fetchFrom = async (positions: readonly PartitionOffset[]): Promise<FetchedPartition[]> => {
    const fetched = await soon(
      reader.fetch(
        positions.map((position) => ({ topic, ...position })),
        { maxWaitMs: 0, ...ANSWER },
      ),
    );
    for (const part of fetched) {
      const asked = positions.find(({ partition }) => partition === part.partition);
      if (asked !== undefined && !part.outOfRange) ahead.keep(asked.offset, part, 'one');
    }
    return fetched;
  };

  /** While somebody has his page written, the next one is fetched. */
  let fetching: { positions: readonly PartitionOffset[]; done: Promise<unknown> } | undefined;
  const fetchAhead = (positions: readonly PartitionOffset[]): void => {
    if (fetching !== undefined) return;
    // Whoever comes for it finds out himself why it is not there.
    const done = fetchFrom(positions)
      .catch(() => undefined)
      .finally(() => {
        fetching = undefined;
      });
    fetching = { positions, done };
  };
  const isComing = (missing: readonly PartitionOffset[]): boolean =>
    missing.some(({ partition, offset }) =>
      fetching?.positions.some((one) => one.partition === partition && one.offset === offset),
    );

  const read: ReadFrom = async (positions, wanted = 1) => {
    for (const { partition, offset } of positions) ahead.passed(partition, offset);
    if (isComing(missingOf(positions, positions.map(atHand), wanted))) await fetching?.done;
    const known = positions.map(atHand);
    const missing = missingOf(positions, known, wanted);
    const fetched = missing.length > 0 ? await fetchFrom(missing) : [];
    const parts = positions.flatMap((position, index) => {
      const answer = fetched.find(({ partition }) => partition === position.partition);
      return atHand(position) ?? known[index] ?? answer ?? [];
    });
    const next = parts.filter(isLonger).map((part) => ({ partition: part.partition, offset: part.next }));
    if (next.length > 0 && wanted > 1 && countOf(parts) < 2 * wanted) fetchAhead(next);
    return parts;
  };

  const inbox: Inbox = {
    partitions,
    oldest: async () => (await bounds()).map(({ start }) => start),
    ends: async () => (await bounds()).map(({ end }) => end),
    since: async (time) => {
      const found = await soon(reader.atTime(topic, await all(), time));
      return inOrder(found).map(({ offset }) => offset);
    },
    read,
    beyond: tail.beyond,
  };
  const close = async () => {
    ahead.clear();
    await Promise.allSettled([tail.close(), reader.close()]);
  };
  return { inbox, users: 0, idle: undefined, close };
};

const isLonger = (part: FetchedPartition | undefined): boolean =>
  part !== undefined && part.next < part.endOffset;

const countOf = (parts: readonly (FetchedPartition | undefined)[]): number =>
  parts.reduce((sum, part) => sum + (part?.records.length ?? 0), 0);

/** Where to fetch from: what has no beginning at hand, and behind what is at hand where that is too few and there are more in the log. */
const missingOf = (
  positions: readonly PartitionOffset[],
  known: readonly (FetchedPartition | undefined)[],
  wanted: number,
): PartitionOffset[] => {
  const tooFew = countOf(known) < wanted;
  return positions.flatMap((position, index) => {
    const part = known[index];
    if (part === undefined) return [position];
    return tooFew && isLonger(part) ? [{ partition: part.partition, offset: part.next }] : [];
  });
};

const inOrder = <T extends { partition: number }>(found: readonly T[]): T[] =>
  found.toSorted((a, b) => a.partition - b.partition);
