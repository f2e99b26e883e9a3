import { setTimeout as delay } from 'node:timers/promises';
import { ageOf, LONG_AGO, type MonotonicTime, monotonicNow } from '../async/monotonic-clock.ts';
import { startLoop } from '../async/run-loop.ts';
import { topicsOf } from '../bus/topics.ts';
import { errorCode } from '../errors.ts';
import type { FetchedPartition, FetchedRecord } from '../kafka/broker-client.ts';
import type { Kafka } from '../kafka/connect.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';

export type TopicFollower = {
  /** Next offset of a topic: everything before it has been applied. */
  offset(topic: string): number;
  /**
   * When the broker was last asked what is new in all topics and nothing of its answer is missing here. Counted from the
   * question, so that an answer that waited in a stopped process is not taken for a fresh one. What is decided by it may
   * not be let out more than the agreed time after that moment.
   */
  freshAt(): MonotonicTime;
  /** Whether that moment is at most `ms` milliseconds ago. */
  freshWithin(ms: number): boolean;
  /** Counts the records that were applied: the same number means that nothing has come. */
  revision(): number;
  /** Resolves once everything that was in the topics at the start has been applied. */
  caughtUp: Promise<void>;
  close(): Promise<void>;
};

/** What every follower of organisations' topics needs. */
export type FollowParts = [
  kafka: Pick<Kafka, 'reader'>,
  organisations: { all(): readonly { id: string }[] },
  log: Logger,
  metrics?: Pick<Metrics, 'loopRestarts'>,
];

type FollowerOptions = {
  /** Names the loop in log and metrics. */
  name: string;
  /** Topics of one partition each. Asked before each look, so new ones join while it runs. */
  topics: () => readonly string[];
  /** Gets every committed record once, in the order of its topic. */
  apply: (topic: string, record: FetchedRecord) => void;
  /** A topic that does not exist holds nothing and is looked for again. Otherwise the follower is stale until it exists. */
  mayBeAbsent?: boolean;
  log: Logger;
  metrics?: Pick<Metrics, 'loopRestarts'> | undefined;
};

const POLL_MS = 150;
const RETRY_MS = 100;
const ANSWER_BYTES = 4_194_304;
/** More than the largest batch, so that a part of an answer is only cut where the answer is full. */
const PARTITION_BYTES = 1_572_864;
const FULL_BYTES = 1_048_576;
/** How often a topic that does not exist is looked for again: those of a new organisation may come a moment after it. */
const ABSENT_MS = 1_000;
const ABSENT = 'kafka-unknown-topic-or-partition';

/**
 * Follows topics from their starts with one request at a time, for as long as the process lives, through outages of Kafka. A
 * topic that exists and cannot be read makes the follower stale. What `apply` throws is logged and the record skipped, because
 * a follower that stops is worse than one unreadable record; what the record replaced still counts.
 */
export const followTopics = (kafka: Pick<Kafka, 'reader'>, options: FollowerOptions): TopicFollower => {
  const { name, topics, apply, mayBeAbsent = false, log, metrics } = options;
  const reader = kafka.reader();
  const offsets = new Map<string, number>();
  const admitted = new Set<string>();
  const absentUntil = new Map<string, number>();
  let fresh = LONG_AGO;
  let revision = 0;
  const { promise: caughtUp, resolve: announce } = Promise.withResolvers<void>();
  const offset = (topic: string) => offsets.get(topic) ?? 0;

  /** True where nothing more was there when the broker was asked. */
  const look = async (asked: readonly string[], maxWaitMs: number): Promise<boolean> => {
    const positions = asked.map((topic) => ({ topic, partition: 0, offset: offset(topic) }));
    const limits = { maxWaitMs, maxBytes: ANSWER_BYTES, partitionMaxBytes: PARTITION_BYTES };
    return take(await reader.fetch(positions, limits));
  };

  /** One topic that does not exist fails a request for many: so they are halved until it is found. */
  const admit = async (added: readonly string[]): Promise<boolean> => {
    const [first] = added;
    if (first === undefined) return true;
    try {
      const atEnd = await look(added, 0);
      for (const topic of added) admitted.add(topic);
      return atEnd;
    } catch (error) {
      if (!mayBeAbsent || errorCode(error) !== ABSENT) throw error;
      if (added.length === 1) {
        absentUntil.set(first, Date.now() + ABSENT_MS);
        return true;
      }
      const middle = added.length >> 1;
      const halves = [await admit(added.slice(0, middle)), await admit(added.slice(middle))];
      return halves.every((atEnd) => atEnd);
    }
  };

  const take = async (answers: readonly FetchedPartition[]): Promise<boolean> => {
    const bytes = answers
      .flatMap(({ records }) => records)
      .reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
    let atEnd = answers.length > 0;
    for (const { topic, records, next, endOffset, outOfRange } of answers) {
      for (const record of records) applyOne(topic, record);
      if (outOfRange) {
        const [bounds] = await reader.bounds(topic, [0]);
        offsets.set(topic, bounds?.start ?? 0);
        atEnd = false;
        continue;
      }
      // An empty part of an answer that was not full is the end, also where compaction has taken the last records.
      const stuck = next === offset(topic) && bytes < FULL_BYTES;
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
        { event: 'record.skipped', topic, offset: record.offset, code: errorCode(error) },
        'A record could not be applied and was skipped',
      );
    }
  };

  const step = async () => {
    const wanted = topics();
    const now = Date.now();
    const asked = monotonicNow();
    const followed = wanted.filter((topic) => admitted.has(topic));
    const added = wanted.filter((topic) => !admitted.has(topic) && (absentUntil.get(topic) ?? 0) <= now);
    let atEnd = await admit(added);
    if (followed.length > 0) atEnd = (await look(followed, added.length > 0 ? 0 : POLL_MS)) && atEnd;
    else if (added.length === 0) await delay(POLL_MS);
    if (!atEnd) return;
    fresh = asked;
    announce();
  };

  const loop = startLoop({
    name: `${name}-follower`,
    step,
    retryMs: RETRY_MS,
    onError: (error) => {
      if (errorCode(error) === ABSENT) admitted.clear();
    },
    log,
    ...(metrics && { metrics }),
  });

  return {
    offset,
    freshAt: () => fresh,
    freshWithin: (ms) => ageOf(fresh) <= ms,
    revision: () => revision,
    caughtUp,
    close: async () => {
      const ended = loop.close();
      await reader.close();
      await ended;
    },
  };
};

/** Applies the topic `<kind>.<organisation>` of every organisation, new ones included, to `state`, with one reader. */
export const followEach = <T extends { apply(organisation: string, record: FetchedRecord): void }>(
  kind: 'interests' | 'safeguards',
  state: T,
  ...[kafka, organisations, log, metrics]: FollowParts
): T & TopicFollower => {
  const follower = followTopics(kafka, {
    name: kind,
    topics: () => organisations.all().map(({ id }) => topicsOf(id)[kind]),
    apply: (topic, record) => state.apply(topic.slice(kind.length + 1), record),
    mayBeAbsent: true,
    log,
    metrics,
  });
  return { ...state, ...follower };
};
