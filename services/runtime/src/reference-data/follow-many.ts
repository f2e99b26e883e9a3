import { setTimeout as delay } from 'node:timers/promises';
import { ageOf, LONG_AGO, type Moment, thisMoment } from '../async/monotonic-clock.ts';
import { errorCode } from '../errors.ts';
import type { FetchedPartition, FetchedRecord } from '../kafka/broker-client.ts';
import type { Kafka } from '../kafka/connect.ts';
import type { Logger } from '../telemetry/log.ts';

export type ManyFollower = {
  /**
   * When the broker was last asked what is new in all topics and nothing of its answer is missing here. What is decided by
   * it may not be let out more than the agreed time after that moment.
   */
  freshAt(): Moment;
  /** Counts the records that were applied: the same number means that nothing has come. */
  revision(): number;
  /** Whether that moment is at most `ms` milliseconds ago. */
  freshWithin(ms: number): boolean;
  /** Resolves once everything that was in the topics at the start has been applied. */
  caughtUp: Promise<void>;
  close(): Promise<void>;
};

const POLL_MS = 150;
const RETRY_MS = 100;
const ANSWER_BYTES = 4_194_304;
/** More than the largest batch, so that a part of an answer is only cut where the answer is full. */
const PARTITION_BYTES = 1_572_864;
const FULL_BYTES = 1_048_576;
/** How often a topic that does not exist is looked for again: those of a new organisation may come a moment after it. */
const ABSENT_MS = 1_000;
const ABSENT: readonly string[] = ['kafka-unknown-topic-or-partition'];

/**
 * Follows many one-partition topics with one request at a time, from their starts, through outages of Kafka. `topics` is
 * asked before each look, so new ones join while it runs. A topic that does not exist holds nothing and is looked for again; one that exists and cannot
 * be read makes the follower stale. What `apply` throws is logged and the record passed over: what it replaced goes on to count.
 */
export const followMany = (
  kafka: Pick<Kafka, 'reader'>,
  topics: () => readonly string[],
  apply: (topic: string, record: FetchedRecord) => void,
  log: Logger,
): ManyFollower => {
  const reader = kafka.reader();
  const closing = new AbortController();
  const offsets = new Map<string, number>();
  const admitted = new Set<string>();
  const absentUntil = new Map<string, number>();
  let fresh = LONG_AGO;
  let revision = 0;
  let behind = false;
  const { promise: caughtUp, resolve: announce } = Promise.withResolvers<void>();

  const look = (asked: readonly string[], maxWaitMs: number) =>
    reader.fetch(
      asked.map((topic) => ({ topic, partition: 0, offset: offsets.get(topic) ?? 0 })),
      { maxWaitMs, maxBytes: ANSWER_BYTES, partitionMaxBytes: PARTITION_BYTES },
    );

  /** One topic that does not exist fails a request for many: so they are halved until it is found. */
  const admit = async (topics: readonly string[]): Promise<void> => {
    const [first] = topics;
    if (first === undefined) return;
    try {
      await take(await look(topics, 0));
      for (const topic of topics) admitted.add(topic);
    } catch (error) {
      if (!ABSENT.includes(errorCode(error))) throw error;
      if (topics.length === 1) {
        absentUntil.set(first, Date.now() + ABSENT_MS);
        return;
      }
      const middle = topics.length >> 1;
      await admit(topics.slice(0, middle));
      await admit(topics.slice(middle));
    }
  };

  /** Applies what came. True where nothing more was there when the broker was asked. */
  const take = async (answers: readonly FetchedPartition[]): Promise<boolean> => {
    const bytes = answers
      .flatMap(({ records }) => records)
      .reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
    let atEnd = true;
    for (const { topic, records, next, endOffset, outOfRange } of answers) {
      for (const record of records) applyOne(topic, record);
      if (outOfRange) {
        const [bounds] = await reader.bounds(topic, [0]);
        offsets.set(topic, bounds?.start ?? 0);
        atEnd = false;
        continue;
      }
      // An empty part of an answer that was not full is the end, also where compaction has taken the last records.
      const stuck = next === (offsets.get(topic) ?? 0) && bytes < FULL_BYTES;
      if (next < endOffset && !stuck) atEnd = false;
      offsets.set(topic, next);
    }
    return atEnd;
  };

  const applyOne = (topic: string, record: FetchedRecord) => {
    revision += 1;
    try {
      apply(topic, record);
    } catch (error) {
      log.error(
        { topic, offset: record.offset, code: errorCode(error) },
        'A record could not be applied and is passed over',
      );
    }
  };

  const poll = async () => {
    const wanted = topics();
    const now = Date.now();
    const asked = thisMoment();
    await admit(wanted.filter((topic) => !admitted.has(topic) && (absentUntil.get(topic) ?? 0) <= now));
    const followed = wanted.filter((topic) => admitted.has(topic));
    if (followed.length === 0) await delay(POLL_MS);
    else if (!(await take(await look(followed, POLL_MS)))) return;
    fresh = asked;
    announce();
    if (behind) log.info({ topics: followed.length }, 'Following again');
    behind = false;
  };

  const run = async () => {
    while (!closing.signal.aborted) {
      try {
        await poll();
      } catch (error) {
        if (ABSENT.includes(errorCode(error))) admitted.clear();
        if (!behind && !closing.signal.aborted)
          log.warn(
            { code: errorCode(error) },
            'Cannot follow the topics now; trying again until they answer',
          );
        behind = true;
        await delay(RETRY_MS);
      }
    }
  };
  const running = run();

  return {
    freshAt: () => fresh,
    revision: () => revision,
    freshWithin: (ms) => ageOf(fresh) <= ms,
    caughtUp,
    close: async () => {
      closing.abort();
      await reader.close();
      await running;
    },
  };
};
