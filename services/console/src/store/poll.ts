import { startLoop } from '@causeway/runtime/async/run-loop';
import type { Logger } from '@causeway/runtime/telemetry/log';
import type { Metrics } from '@causeway/runtime/telemetry/metrics';
import type { Store } from './store.ts';

export type Poll<T> = { now(): T | undefined; close(): Promise<void> };

const RETRY_MS = 2_000;

/** Asks repeatedly and keeps the last answer; while the database is away, the answer before stays. */
export function poll<T>(
  name: string,
  everyMs: number,
  ask: () => Promise<T>,
  { store, log, metrics }: { store: Store; log: Logger; metrics?: Pick<Metrics, 'loopRestarts'> },
): Poll<T> {
  let latest: T | undefined;
  const step = async () => {
    await store.migrated;
    latest = await ask();
    return everyMs;
  };
  const { close } = startLoop({ name, step, retryMs: RETRY_MS, log, metrics });
  return { now: () => latest, close };
}
