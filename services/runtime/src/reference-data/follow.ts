import { setTimeout as delay } from 'node:timers/promises';
import { ageOf, LONG_AGO, thisMoment } from '../async/monotonic-clock.ts';
import { errorCode } from '../errors.ts';
import type { FetchedRecord } from '../kafka/broker-client.ts';
import type { Kafka } from '../kafka/connect.ts';
import type { Logger } from '../telemetry/log.ts';

export type Follower = {
  /** Next offset: everything before it has been applied. */
  offset(): number;
  /**
   * Whether the broker said within the last `ms` milliseconds that nothing newer exists. Counted from when the
   * question was asked, so that an answer that waited in a stopped process is not taken for a fresh one.
   */
  freshWithin(ms: number): boolean;
  /** Resolves once everything that was in the topic at the start has been applied. */
  caughtUp: Promise<void>;
  close(): Promise<void>;
};

const POLL_MS = 150;
const RETRY_MS = 100;

/**
 * Follows a one-partition topic from its start for as long as the process lives, through outages of Kafka.
 * `apply` gets every committed record once, in order; what it throws is logged and the record passed over, because a follower
 * that stops is worse than one record that nobody can read.
 */
export const followTopic = (
  kafka: Kafka,
  topic: string,
  apply: (record: FetchedRecord) => void,
  log: Logger,
): Follower => {
  const reader = kafka.reader();
  const closing = new AbortController();
  let offset = 0;
  let fresh = LONG_AGO;
  let behind = false;
  let announce: () => void = () => {};
  const caughtUp = new Promise<void>((resolve) => {
    announce = resolve;
  });

  const poll = async () => {
    const asked = { offset, ...thisMoment() };
    const [answer] = await reader.fetch([{ topic, partition: 0, offset }], {
      maxWaitMs: POLL_MS,
      maxBytes: 2_097_152,
    });
    if (!answer) return;
    if (answer.outOfRange) {
      const [bounds] = await reader.bounds(topic, [0]);
      offset = bounds?.start ?? 0;
      return;
    }
    for (const record of answer.records) {
      try {
        apply(record);
      } catch (error) {
        log.error(
          { topic, offset: record.offset, code: errorCode(error) },
          'A record could not be applied and is passed over',
        );
      }
    }
    offset = answer.next;
    // Nothing to step over either: an answer of aborted records alone does not mean that the end was reached.
    if (offset >= answer.endOffset || offset === asked.offset) {
      fresh = asked;
      announce();
    }
    if (behind) log.info({ topic }, 'Following again');
    behind = false;
  };

  const run = async () => {
    while (!closing.signal.aborted) {
      try {
        await poll();
      } catch (error) {
        if (!behind && !closing.signal.aborted)
          log.warn(
            { topic, code: errorCode(error) },
            'Cannot follow the topic now; trying again until it answers',
          );
        behind = true;
        await delay(RETRY_MS);
      }
    }
  };
  const running = run();

  return {
    offset: () => offset,
    freshWithin: (ms) => ageOf(fresh) <= ms,
    caughtUp,
    close: async () => {
      closing.abort();
      await reader.close();
      await running;
    },
  };
};
