import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from './log.ts';
import type { Reader } from './reader.ts';

/**
 * One reader at the end of one inbox, shared by everybody who waits for it. It hands out no records: it only
 * says that there is something to read, so that a page is always put together in one way.
 */
export type Tail = {
  /**
   * Resolves when the inbox may hold something beyond `ends` (index = partition; a partition without an end is
   * not waited for), when `signal` aborts, and when the tail fails: whoever waits looks for himself then, and
   * finds out what is wrong.
   */
  beyond(ends: Ends, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
};

/** Sparse: index = partition. */
export type Ends = readonly (number | undefined)[];

export type TailSettings = {
  /** A long poll for committed records is not always woken by the commit: so each one is short. */
  waitMs: number;
  /** How long after the last waiter the connections are given back. */
  idleMs: number;
};

type Waiter = { ends: Ends; wake(): void };

const AFTER_FAILURE_MS = 250;

export const createTail = (open: () => Reader, topic: string, settings: TailSettings, log: Logger): Tail => {
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
    known.flatMap((offset, partition) => (offset === undefined ? [] : [{ topic, partition, offset }]));

  const wake = (which: (waiter: Waiter) => boolean) => {
    for (const waiter of [...waiters]) if (which(waiter)) waiter.wake();
  };

  const look = async () => {
    reader ??= open();
    const fetched = await reader.fetch(watched(), {
      maxWaitMs: settings.waitMs,
      maxBytes: 1,
      partitionMaxBytes: 1,
    });
    if (fetched.some((part) => part.outOfRange)) {
      known = [];
      wake(() => true);
      return;
    }
    for (const { partition, endOffset } of fetched)
      known[partition] = Math.max(known[partition] ?? 0, endOffset);
    wake((waiter) => isBeyond(waiter.ends));
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
          { topic, code: (error as { code?: string }).code },
          'the end of an inbox cannot be read now',
        );
        wake(() => true);
        await delay(AFTER_FAILURE_MS);
      }
    }
    running = false;
    known = [];
    if (!closed) idle = setTimeout(() => void release(), settings.idleMs).unref();
  };

  const release = async () => {
    const old = reader;
    reader = undefined;
    await old?.close().catch(() => {});
  };

  return {
    beyond: (ends, signal) =>
      new Promise((resolve) => {
        if (closed || signal.aborted || isBeyond(ends)) return resolve();
        for (const [partition, end] of ends.entries())
          if (end !== undefined) known[partition] = Math.max(end, known[partition] ?? 0);
        const waiter: Waiter = {
          ends,
          wake: () => {
            waiters.delete(waiter);
            signal.removeEventListener('abort', waiter.wake);
            resolve();
          },
        };
        waiters.add(waiter);
        signal.addEventListener('abort', waiter.wake);
        if (!running) void follow();
      }),
    close: async () => {
      closed = true;
      clearTimeout(idle);
      wake(() => true);
      await release();
    },
  };
};
