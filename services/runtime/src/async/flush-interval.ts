import { setTimeout as delay } from 'node:timers/promises';

/**
 * A beat that is shared by all who wait for it: what they do then, they do together, in one request to the bus and one statement to the
 * database. `ms` is the longest that anybody waits; with 0 it is one turn of the event loop.
 */
export const createFlushInterval = (ms: number): (() => Promise<void>) => {
  let next: Promise<void> | undefined;
  return () => {
    next ??= (ms === 0 ? new Promise<void>((resolve) => setImmediate(resolve)) : delay(ms)).then(() => {
      next = undefined;
    });
    return next;
  };
};
