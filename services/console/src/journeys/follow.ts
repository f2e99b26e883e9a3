import { runLoop } from '@causeway/runtime/async/run-loop';
import { withTimeout } from '@causeway/runtime/async/timeout';
import { LANES, topicsOf } from '@causeway/runtime/bus/topics';
import type { FetchedPartition } from '@causeway/runtime/kafka/broker-client';
import type { Kafka } from '@causeway/runtime/kafka/connect';
import type { Reader } from '@causeway/runtime/kafka/reader';
import type { Logger } from '@causeway/runtime/telemetry/log';
import type { Metrics } from '@causeway/runtime/telemetry/metrics';
import type { Store } from '../store/store.ts';
import { applyTaken, settle } from './apply.ts';
import { caseRows } from './case-rows.ts';
import { deadLetterRows } from './dead-letter-rows.ts';
import { deliveryRows } from './delivery-rows.ts';
import { ledgerRows } from './ledger-rows.ts';
import { readsOf } from './reads.ts';

export type Following = {
  /** Whether everything that the topics held a moment ago is in the database, and since when not. */
  standing(): { current: boolean; since: number };
  close(): Promise<void>;
};

type Organisations = { all(): { id: string }[] };
/** Where a partition was left. */
type Left = { topic: string; partition: number; next: number };

/** Little at once: what is taken in is in memory several times, as bytes, rows and text. */
const FETCH = { maxWaitMs: 500, maxBytes: 524_288, partitionMaxBytes: 131_072 };
const FETCH_DEADLINE_MS = 15_000;
const RETRY_MS = 1_000;
const LOOK_FOR_TOPICS_MS = 5_000;
const TOPICS_AT_ONCE = 30;

/**
 * Takes ledgers, deliveries, dead letters, interests and safeguards of every organisation into the database: records and positions in one
 * transaction, so that after a crash it continues exactly where it was.
 */
export function followJourneys(parts: {
  kafka: Kafka;
  store: Store;
  organisations: Organisations;
  log: Logger;
  metrics?: Pick<Metrics, 'loopRestarts'>;
  clock?: () => number;
}): Following {
  const { kafka, store, organisations, log, metrics, clock = Date.now } = parts;
  const stop = new AbortController();
  const positions = new Map<string, { topic: string; partition: number; offset: number }>();
  let reader: Reader = kafka.reader();
  let looked = 0;
  let current = false;
  let since = clock();

  /** Organisations are announced before their topics are made; each partition starts where it was left. */
  const findTopics = async () => {
    if (clock() - looked < LOOK_FOR_TOPICS_MS) return;
    looked = clock();
    const wanted = organisations.all().flatMap(({ id }) => {
      const { ledger, deliveries, deadLetter, interests, safeguards } = topicsOf(id);
      return [
        [ledger, LANES],
        [deliveries, LANES],
        [deadLetter, 1],
        [interests, 1],
        [safeguards, 1],
      ] as const;
    });
    const unknown = wanted.filter(([topic]) => !positions.has(`${topic}/0`));
    if (unknown.length === 0) return;
    const topics = await listTopics();
    const missing = unknown.filter(([topic]) => topics.has(topic));
    const known = await store.query<Left>(
      'select topic, partition, next from followed where topic = any($1)',
      [missing.map(([topic]) => topic)],
    );
    for (let i = 0; i < missing.length && !stop.signal.aborted; i += TOPICS_AT_ONCE)
      await Promise.all(
        missing.slice(i, i + TOPICS_AT_ONCE).map(([topic, count]) => begin(topic, count, known)),
      );
  };

  /** Asked for by name, a topic that does not exist would be asked for again and again by the client. */
  const listTopics = async (): Promise<Set<string>> => {
    const admin = await kafka.admin();
    try {
      return new Set(await admin.listTopics());
    } finally {
      void admin.close().catch(() => undefined);
    }
  };

  const begin = async (topic: string, count: number, known: Left[]) => {
    const partitions = Array.from({ length: count }, (_, partition) => partition);
    const bounds = await reader.bounds(topic, partitions);
    for (const { partition, start, end } of bounds) {
      const left = known.find((row) => row.topic === topic && row.partition === partition)?.next ?? start;
      // Beyond the end: the topic was deleted and recreated.
      const offset = left > end ? start : Math.max(left, start);
      positions.set(`${topic}/${partition}`, { topic, partition, offset });
    }
  };

  const take = async (fetched: FetchedPartition[]) => {
    const of = (prefix: string) => fetched.filter(({ topic }) => topic.startsWith(prefix));
    const { pages, ...deliveries } = deliveryRows(of('deliveries.'));
    const taken = {
      ledger: ledgerRows(of('ledger.')),
      deliveries,
      reads: await readsOf(pages, reader, clock),
      deadLetters: deadLetterRows(of('dead-letter.')),
      cases: caseRows([...of('interests.'), ...of('safeguards.')]),
      positions: fetched.map(({ topic, partition, next }) => ({
        topic,
        partition,
        from: positions.get(`${topic}/${partition}`)?.offset ?? 0,
        next,
      })),
    };
    await store.transaction(async (query) => {
      await applyTaken(query, taken);
      await settle(query);
    });
    for (const { topic, partition, next } of fetched)
      positions.set(`${topic}/${partition}`, { topic, partition, offset: next });
  };

  const restartFromBeginning = async ({ topic, partition }: FetchedPartition) => {
    const [bounds] = await reader.bounds(topic, [partition]);
    positions.set(`${topic}/${partition}`, { topic, partition, offset: bounds?.start ?? 0 });
  };

  const step = async () => {
    await store.migrated;
    await findTopics();
    if (positions.size === 0) return FETCH.maxWaitMs;
    const fetched = await withTimeout(
      FETCH_DEADLINE_MS,
      'kafka',
      reader.fetch([...positions.values()], FETCH),
    );
    for (const lost of fetched.filter(({ outOfRange }) => outOfRange)) await restartFromBeginning(lost);
    const moved = fetched.filter(
      ({ topic, partition, next, outOfRange }) =>
        !outOfRange && next !== positions.get(`${topic}/${partition}`)?.offset,
    );
    if (moved.length > 0) await take(moved);
    current = fetched.every(({ next, endOffset }) => next >= endOffset);
    since = clock();
    return undefined;
  };

  const running = runLoop({
    name: 'journeys',
    signal: stop.signal,
    step,
    retryMs: RETRY_MS,
    log,
    metrics,
    onError() {
      current = false;
      // Whatever went wrong, the database has the position to continue from.
      positions.clear();
      looked = 0;
      void reader.close().catch(() => undefined);
      reader = kafka.reader();
    },
  });

  return {
    standing: () => ({ current, since }),
    async close() {
      stop.abort();
      await reader.close().catch(() => undefined);
      await running;
    },
  };
}
