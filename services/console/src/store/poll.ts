import type { Logger } from '@causeway/runtime/telemetry/log';
import { pause, type Store } from './store.ts';

export type Poll<T> = { now(): T | undefined; close(): Promise<void> };

const RETRY_MS = 2_000;

/** Asks again and again and keeps the last answer; while nobody answers, the answer before stays. */
export function poll<T>(
  what: string,
  everyMs: number,
  ask: () => Promise<T>,
  { store, log }: { store: Store; log: Logger },
): Poll<T> {
  const stop = new AbortController();
  let latest: T | undefined;
  let failing = false;
  const run = async () => {
    await store.migrated;
    while (!stop.signal.aborted) {
      try {
        latest = await ask();
        failing = false;
      } catch (error) {
        if (!failing && !stop.signal.aborted)
          log.warn({ err: error, what }, 'the database cannot be asked now');
        failing = true;
      }
      await pause(failing ? RETRY_MS : everyMs, stop.signal);
    }
  };
  const running = run();
  return {
    now: () => latest,
    async close() {
      stop.abort();
      await running;
    },
  };
}
