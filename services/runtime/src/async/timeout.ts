import { type ErrorCode, RetryableError } from '../errors.ts';

/**
 * The result of `promise`, or a failure after `ms` milliseconds. The work itself is not stopped; its late result is dropped.
 *
 * @param what that is waited for: `kafka`, `database`
 * @throws RetryableError `<what>-slow` unless `code` says otherwise
 */
export const withTimeout = async <T>(
  ms: number,
  what: string,
  promise: Promise<T>,
  code: ErrorCode = `${what}-slow`,
): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    // The error is made only when it is needed: a stack costs more than most of the work that is waited for.
    const expire = () =>
      reject(new RetryableError(code, `Timed out after ${ms / 1_000} s waiting for ${what}`));
    timer = setTimeout(expire, ms);
  });
  try {
    return await Promise.race([promise, late]);
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
    if (!there) await withTimeout(ms, what, coming);
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
