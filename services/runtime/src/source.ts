import { setTimeout as delay } from 'node:timers/promises';
import { type DeadLetter, deadLetterRecord } from './dead-letter.ts';
import { errorCode, RetryableError } from './errors.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';
import {
  type Commit,
  type CommitOptions,
  type Fate,
  prepareCommit,
  type SourceMessage,
  sendInTime,
} from './source-commit.ts';
import { createSourceMemory } from './source-memory.ts';
import { topicsOf } from './topology.ts';

export type SourceOptions = CommitOptions & { log: Logger; metrics: Metrics };

export type Source = {
  /**
   * Publishes what the message says. Resolves once it is durable, and only then may the sender be told so.
   * Everything that waits at one time is committed together, in the order of the calls. Where that fails, all of it fails, so that
   * what is sent again cannot arrive behind what was sent after it.
   * @throws RetryableError when it cannot be kept now
   */
  accept(message: SourceMessage): Promise<Fate>;
  /** Keeps what cannot be published. @throws RetryableError when it cannot be kept now */
  deadLetter(letter: DeadLetter): Promise<void>;
  /** A readiness check. @throws RetryableError until everything needed for `accept` is there */
  ready(): Promise<void>;
  /** Waits for what is under way. */
  close(): Promise<void>;
};

/** Most messages that are committed together. */
const GROUP = 500;
const RETRY_MS = 1_000;
const FORGET_MS = 3_600_000;

type Waiting = { message: SourceMessage; resolve(fate: Fate): void; reject(error: unknown): void };

/**
 * The bus side of a legacy system that speaks: commits messages in groups, publishes only what some agreement
 * names, knows a message that was sent before, and joins a withdrawal to the event that it withdraws.
 * The work begins in the background and survives outages; until then `accept` refuses with a RetryableError.
 */
export const createSource = (options: SourceOptions): Source => {
  const { organisation, adapter, producer, log, metrics } = options;
  const closing = new AbortController();
  const queue: Waiting[] = [];
  let commit: Commit | undefined;
  let running: Promise<void> | undefined;

  const prepareUntilDone = async (): Promise<void> => {
    for (let told = ''; !closing.signal.aborted; ) {
      try {
        commit = await prepareCommit(options);
        return;
      } catch (error) {
        const code = errorCode(error);
        if (code !== told)
          log.warn({ err: error }, 'the source cannot publish yet; trying again until it can');
        told = code;
        await delay(RETRY_MS, undefined, { signal: closing.signal }).catch(() => undefined);
      }
    }
  };

  const commitGroup = async (group: readonly Waiting[]): Promise<void> => {
    if (commit === undefined) throw new RetryableError('starting', 'The source is not ready yet');
    const fates = await commit(group.map(({ message }) => message));
    for (const [index, { resolve }] of group.entries()) {
      const fate = fates[index] ?? { fate: 'not-shared' };
      count(fate);
      resolve(fate);
    }
  };

  const run = async (): Promise<void> => {
    // One turn of the event loop, so that messages of the same moment share a group.
    await new Promise(setImmediate);
    while (queue.length > 0) {
      const group = queue.splice(0, GROUP);
      await commitGroup(group).catch((error) => refuse([...group, ...queue.splice(0)], error));
    }
    running = undefined;
  };

  const refuse = (refused: readonly Waiting[], error: unknown): void => {
    log.warn({ err: error, messages: refused.length }, 'messages cannot be kept now and are refused');
    metrics.eventsPublished.inc({ organisation, outcome: 'failed' }, refused.length);
    const reason = new RetryableError(errorCode(error), 'The message cannot be kept now', { cause: error });
    for (const { reject } of refused) reject(reason);
  };

  const count = (fate: Fate): void => {
    if (fate.fate === 'ignored') return;
    if (fate.fate === 'dead-lettered') {
      metrics.deadLetters.inc({ organisation, component: adapter, reason: fate.reason });
      metrics.eventsPublished.inc({ organisation, outcome: 'refused' });
    } else {
      const by = fate.fate === 'published' ? fate.ids.length : 1;
      metrics.eventsPublished.inc({ organisation, outcome: fate.fate }, by);
    }
  };

  const memory = createSourceMemory(options.database);
  const forgetting = setInterval(() => {
    memory.forget().catch((error) => log.warn({ err: error }, 'old event ids were not removed'));
  }, FORGET_MS);
  forgetting.unref();
  const preparing = prepareUntilDone();
  const stopped = new Promise<void>((resolve) => {
    closing.signal.addEventListener('abort', () => resolve(), { once: true });
  });

  return {
    accept: (message) =>
      new Promise((resolve, reject) => {
        if (closing.signal.aborted) return reject(new RetryableError('stopping', 'The source is stopping'));
        queue.push({ message, resolve, reject });
        running ??= run();
      }),
    async deadLetter(letter) {
      const { deadLetter } = topicsOf(organisation);
      const record = deadLetterRecord(deadLetter, adapter, `/${organisation}/${adapter}`, letter);
      await sendInTime(producer, [record]);
      metrics.deadLetters.inc({ organisation, component: adapter, reason: letter.reason });
    },
    async ready() {
      if (commit === undefined) throw new RetryableError('starting', 'The source is not ready yet');
    },
    async close() {
      closing.abort();
      clearInterval(forgetting);
      // Waiting for a bus that is away must not hold up the stop.
      await Promise.race([preparing, stopped]);
      await running;
    },
  };
};
