import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { errorCode, isPermanent, RetryableError } from '../errors.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** Milliseconds until the next step, `done` where none is to follow, or nothing: the next step follows at once. */
export type NextStep = number | 'done' | undefined;

export type LoopOptions = {
  /** A stable word in kebab-case: label of the metric and field of the log. */
  name: string;
  /** Ends the loop. A step that is under way is waited for; what it throws then is dropped. */
  signal: AbortSignal;
  step: () => Promise<NextStep> | Promise<void>;
  /** Pause after a failed step, milliseconds; a function gets how many steps failed one after another, from 1. */
  retryMs: number | ((failures: number, error: unknown) => number);
  log: Logger;
  metrics?: Pick<Metrics, 'loopRestarts'> | undefined;
  /** Puts things in order after a failed step, before the pause; must not throw. Not called once the signal is aborted. */
  onError?: (error: unknown) => void | Promise<void>;
  /** Fields for each log line, such as the organisation. */
  fields?: Record<string, unknown>;
  /** How to pause; by default by the clock of the system. See `createWaker`. */
  pause?: (ms: number, signal: AbortSignal) => Promise<void>;
};

/**
 * Runs `step` again and again until `signal` is aborted or a step is the last one, through every failure, and resolves
 * then. Never rejects. A failure is counted each time, and logged where its code differs from the one before.
 */
export const runLoop = async (options: LoopOptions): Promise<void> => {
  const { name: loop, signal, step, retryMs, log, metrics, onError, fields, pause = sleep } = options;
  let failures = 0;
  let loggedCode = '';
  while (!signal.aborted) {
    let ms: number;
    try {
      const next = await step();
      if (failures > 0) log.info({ event: 'loop.recovered', loop, ...fields }, 'The loop works again');
      failures = 0;
      loggedCode = '';
      if (next === 'done') return;
      ms = next ?? 0;
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      metrics?.loopRestarts.inc({ loop });
      if (errorCode(error) !== loggedCode)
        log.warn(
          { event: 'loop.retrying', loop, ...fields, err: withoutValues(error) },
          'A step of the loop failed; trying again until it succeeds',
        );
      loggedCode = errorCode(error);
      await onError?.(error);
      ms = typeof retryMs === 'number' ? retryMs : retryMs(failures, error);
    }
    if (ms > 0) await pause(ms, signal);
    // A step that waits for nothing would otherwise keep timers and sockets of the whole process waiting.
    else await nextTurn();
  }
};

export type Loop = { close(): Promise<void> };

/** A loop with a signal of its own, which `step` gets. `close` ends the loop and waits for the step that is under way. */
export const startLoop = ({
  step,
  ...options
}: Omit<LoopOptions, 'signal' | 'step'> & {
  step: (signal: AbortSignal) => ReturnType<LoopOptions['step']>;
}): Loop => {
  const closing = new AbortController();
  const running = runLoop({ ...options, signal: closing.signal, step: () => step(closing.signal) });
  return {
    close: async () => {
      closing.abort();
      await running;
    },
  };
};

/** A pause after each failure that is twice as long as the one before, up to `mostMs`. */
export const backOff =
  (firstMs: number, mostMs: number) =>
  (failures: number): number =>
    Math.min(firstMs * 2 ** (failures - 1), mostMs);

/** `wake` ends the pause that is under way, or else the next one: what happens during a step is not missed. */
export const createWaker = () => {
  let waking = new AbortController();
  return {
    wake: (): void => waking.abort(),
    pause: async (ms: number, signal: AbortSignal): Promise<void> => {
      await sleep(ms, AbortSignal.any([waking.signal, signal]));
      waking = new AbortController();
    },
  };
};

const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal }).catch(() => undefined);

/** The message of a foreign error may quote personal data: of such errors only class, code and place are logged. */
const withoutValues = (error: unknown): unknown => {
  if (error instanceof RetryableError || isPermanent(error) || !(error instanceof Error)) return error;
  const place = error.stack?.split('\n').filter((line) => line.startsWith('    at '));
  return { type: error.name, code: errorCode(error), stack: place?.join('\n') };
};
