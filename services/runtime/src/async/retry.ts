import { setTimeout as delay } from 'node:timers/promises';
import { RetryableError } from '../errors.ts';

/**
 * Repeats `run` on passing failures until the deadline (milliseconds since 1970), then rejects with the last one.
 * `run` gets the milliseconds that are left.
 */
export const untilDeadline = async <T>(
  deadline: number,
  pauseMs: number,
  run: (remainingMs: number) => Promise<T>,
): Promise<T> => {
  for (;;) {
    try {
      return await run(Math.max(deadline - Date.now(), 1));
    } catch (error) {
      if (!(error instanceof RetryableError) || Date.now() + pauseMs >= deadline) throw error;
      await delay(pauseMs);
    }
  }
};
