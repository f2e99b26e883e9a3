import { RetryableError } from '../errors.ts';

/**
 * Whoever asks over HTTP is told soon, however long a client of ours goes on trying. What was asked goes on and
 * its result is dropped.
 *
 * @throws RetryableError `<what>-slow`
 */
export const within = async <T>(ms: number, what: string, asked: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    // Made only when it is needed: a stack costs more than most of what is asked.
    const message = `There was no answer from ${what} within ${ms} ms`;
    timer = setTimeout(() => reject(new RetryableError(`${what}-slow`, message)), ms);
  });
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
};

/**
 * The same for what comes once and stays, such as a start: once it is there nobody waits and no timer is set.
 * @throws RetryableError `<what>-slow`
 */
export const onceThere = (ms: number, what: string, coming: Promise<unknown>): (() => Promise<void>) => {
  let there = false;
  coming.then(
    () => {
      there = true;
    },
    () => undefined,
  );
  return async () => {
    if (!there) await within(ms, what, coming);
  };
};

export type Ending = { signal: AbortSignal; end(): void };

/** One for all: without a reason an error is made, with its stack, for each. */
const OVER = new RetryableError('over', 'The time for it is over');

/**
 * A signal that aborts after `ms`, with any of `others`, or at `end`, which also lets go of the timer and of the
 * others: a request that is over leaves nothing behind in a signal that lives as long as the process.
 */
export const endingAfter = (ms: number, ...others: readonly AbortSignal[]): Ending => {
  const controller = new AbortController();
  const end = () => {
    clearTimeout(timer);
    for (const other of others) other.removeEventListener('abort', end);
    controller.abort(OVER);
  };
  const timer = setTimeout(end, ms);
  for (const other of others) other.addEventListener('abort', end);
  if (others.some((other) => other.aborted)) end();
  return { signal: controller.signal, end };
};
