import { setTimeout as delay } from 'node:timers/promises';
import type { FetchedPartition } from '../kafka/broker-client.ts';
import type { Reader } from '../kafka/reader.ts';
import type { Logger } from '../telemetry/log.ts';

/**
 * One reader at the end of one inbox, shared by everybody who waits for it. It says that there is something to read, and
 * leaves what it got with that where all of them find it.
 */
export type Tail = {
  /**
   * Resolves when the inbox holds something beyond `ends` (index = partition; a partition without an end is
   * not waited for), with where it ends now as far as that is known. Resolves with nothing when `signal` aborts, and when the tail
   * fails: whoever waits looks everywhere then, and finds out what is wrong.
   */
  beyond(ends: Ends, signal: AbortSignal): Promise<Ends>;
  close(): Promise<void>;
};

/** Sparse: index = partition. */
export type Ends = readonly (number | undefined)[];

type TailSettings = {
  /** Of one long poll. A commit wakes it, but where several brokers are asked the answer comes with the last of them. */
  waitMs: number;
  /** What one look may bring, in all and of one partition; one batch always comes whole. */
  maxBytes: number;
  partitionMaxBytes: number;
  /** How long to wait after a look that brought something: what comes one after the other is read a few together. */
  pauseMs(): number;
  /** How long after the last waiter the connections are given back. */
  idleMs: number;
};

/** What was read at the end, from which offset on. */
type Came = (offset: number, part: FetchedPartition) => void;

type Waiter = { ends: Ends; wake(known: Ends): void };

const AFTER_FAILURE_MS = 250;

export const createTail = (
  open: () => Reader,
  topic: string,
  { waitMs, maxBytes, partitionMaxBytes, pauseMs, idleMs }: TailSettings,
  came: Came,
  log: Logger,
): Tail => {
  const waiters = new Set<Waiter>();
  /** The furthest ends anybody has seen; forgotten when nobody waits, as a log can be made anew. */
  let known: (number | undefined)[] = [];
  let reader: Reader | undefined;
  let idle: NodeJS.Timeout | undefined;
  let running = false;
  let closed = false;

  const isBeyond = (ends: Ends) =>
    known.some((end, partition) => end !== undefined && end > (ends[partition] ?? Number.POSITIVE_INFINITY));

  const watched = () =>
    known.flatMap((offset, partition) => {
      const isAsked = [...waiters].some(({ ends }) => ends[partition] !== undefined);
      return offset !== undefined && isAsked ? [{ topic, partition, offset }] : [];
    });

  const wakeAll = () => {
    for (const waiter of [...waiters]) waiter.wake([]);
  };

  /** When the next look may begin. */
  let nextLook = 0;

  const look = async () => {
    const pause = nextLook - performance.now();
    if (pause > 1) await delay(pause);
    const asked = watched();
    if (closed) return;
    if (asked.length === 0) return void (await delay(waitMs));
    reader ??= open();
    const fetched = await reader.fetch(asked, { maxWaitMs: waitMs, maxBytes, partitionMaxBytes });
    if (fetched.some((part) => part.outOfRange)) {
      known = [];
      nextLook = performance.now() + AFTER_FAILURE_MS;
      wakeAll();
      return;
    }
    if (fetched.some(({ records }) => records.length > 0)) nextLook = performance.now() + pauseMs();
    for (const part of fetched) {
      const { partition, endOffset } = part;
      const from = asked.find((one) => one.partition === partition);
      if (from !== undefined) came(from.offset, part);
      known[partition] = Math.max(known[partition] ?? 0, endOffset);
    }
    for (const waiter of [...waiters]) if (isBeyond(waiter.ends)) waiter.wake([...known]);
  };

  const follow = async () => {
    running = true;
    clearTimeout(idle);
    while (waiters.size > 0 && !closed) {
      try {
        await look();
      } catch (error) {
        if (closed) break;
        log.warn(
          { event: 'inbox.retrying', topic, code: (error as { code?: string }).code },
          'the end of an inbox could not be read; retrying',
        );
        wakeAll();
        await delay(AFTER_FAILURE_MS);
      }
    }
    running = false;
    known = [];
    if (!closed) idle = setTimeout(() => void release(), idleMs).unref();
  };

  const release = async () => {
    const old = reader;
    reader = undefined;
    await old?.close().catch(() => {});
  };

  return {
    beyond: (ends, signal) =>
      new Promise((resolve) => {
        if (closed || signal.aborted) return resolve([]);
        if (isBeyond(ends)) return resolve([...known]);
        for (const [partition, end] of ends.entries())
          if (end !== undefined) known[partition] = Math.max(end, known[partition] ?? 0);
        const waiter: Waiter = {
          ends,
          wake: (now) => {
            waiters.delete(waiter);
            signal.removeEventListener('abort', giveUp);
            resolve(now);
          },
        };
        const giveUp = () => waiter.wake([]);
        waiters.add(waiter);
        signal.addEventListener('abort', giveUp);
        if (!running) void follow();
      }),
    close: async () => {
      closed = true;
      clearTimeout(idle);
      wakeAll();
      await release();
    },
  };
};
