import { startLoop } from '@causeway/runtime/async/run-loop';
import { withTimeout } from '@causeway/runtime/async/timeout';
import { LANES, topicsOf } from '@causeway/runtime/bus/topics';
import { errorCode } from '@causeway/runtime/errors';
import type { FetchedPartition } from '@causeway/runtime/kafka/broker-client';
import type { Kafka } from '@causeway/runtime/kafka/connect';
import type { Reader } from '@causeway/runtime/kafka/reader';
import { connectDatabase, type Database } from '@causeway/runtime/postgres/database';
import type { Logger } from '@causeway/runtime/telemetry/log';
import type { Metrics } from '@causeway/runtime/telemetry/metrics';
import { rowsOf } from './rows.ts';
import { writeRows } from './write.ts';

export type DisclosureIndex = {
  database: Pick<Database, 'query'>;
  /** Whether it holds everything that the ledgers held a moment ago, and since when not. */
  standing(): { current: boolean; since: number };
  close(): Promise<void>;
};

type IndexParts = {
  kafka: Kafka;
  databaseUrl: string;
  schema: string;
  organisations: { all(): { id: string }[] };
  log: Logger;
  metrics?: Pick<Metrics, 'loopRestarts'>;
  clock?: () => number;
};

type Chain = { id: number; topic: string; partition: number; offset: number };

const MIGRATIONS = new URL('../../disclosure-migrations/', import.meta.url);
const CONNECTIONS = 4;
/** Little at once: what is taken in is in memory several times, as bytes, rows and text. */
const FETCH = { maxWaitMs: 500, maxBytes: 524_288, partitionMaxBytes: 131_072 };
const FETCH_DEADLINE_MS = 15_000;
const RETRY_MS = 1_000;
const YIELD_MS = 100;
const LOOK_FOR_TOPICS_MS = 2_000;
/** No such table, no such schema: the index was dropped, so it is rebuilt. */
const GONE = new Set(['database-42P01', 'database-3F000']);

/**
 * Keeps the search index of all ledgers in PostgreSQL, rows and positions in one transaction. It starts without a
 * database and continues when there is one; a dropped schema is created and filled again from Kafka.
 */
export function followDisclosures(parts: IndexParts): DisclosureIndex {
  const { kafka, databaseUrl: url, schema, organisations, log, metrics, clock = Date.now } = parts;
  const database = connectDatabase({ url, schema, log, connections: CONNECTIONS });
  const chains = new Map<string, Chain>();
  let reader: Reader = kafka.reader();
  let migrated = false;
  let looked = 0;
  let standing = { current: false, since: clock() };

  const begin = async () => {
    if (migrated) return;
    await database.migrate(MIGRATIONS);
    migrated = true;
  };

  const findChains = async () => {
    if (clock() - looked < LOOK_FOR_TOPICS_MS) return;
    looked = clock();
    const missing = organisations
      .all()
      .map(({ id }) => topicsOf(id).ledger)
      .filter((topic) => !chains.has(`${topic}/0`));
    for (const topic of missing) await findChain(topic);
  };

  /** An organisation is announced before its topics are made: it is looked for again then. */
  const findChain = async (topic: string) => {
    const lanes = Array.from({ length: LANES }, (_, lane) => lane);
    const bounds = await reader.bounds(topic, lanes).catch(() => []);
    if (bounds.length < LANES) return;
    await database.query(
      `insert into chain (topic, partition, next)
       select $1, partition, start from jsonb_to_recordset($2) as g(partition int, start bigint)
       on conflict do nothing`,
      [topic, JSON.stringify(bounds)],
    );
    const known = await database.query<{ id: number; partition: number; next: number }>(
      'select id, partition, next from chain where topic = $1',
      [topic],
    );
    for (const { id, partition, next } of known)
      chains.set(`${topic}/${partition}`, { id, topic, partition, offset: next });
  };

  const take = async (fetched: FetchedPartition[]) => {
    const placed = fetched.flatMap((partition) => {
      const chain = chains.get(`${partition.topic}/${partition.partition}`);
      return chain ? [{ ...partition, chain: chain.id, from: chain.offset }] : [];
    });
    const moves = placed.map(({ chain, from, next }) => ({ id: chain, from, next }));
    await database.transaction((query) => writeRows(query, rowsOf(placed), moves));
    for (const { topic, partition, next } of placed) {
      const chain = chains.get(`${topic}/${partition}`);
      if (chain) chain.offset = next;
    }
  };

  /** Retention was faster, or the topic was recreated: what is there is taken in. */
  const restartFromBeginning = async ({ topic, partition }: FetchedPartition) => {
    const [bounds] = await reader.bounds(topic, [partition]);
    await database.query('update chain set next = $3 where topic = $1 and partition = $2', [
      topic,
      partition,
      bounds?.start ?? 0,
    ]);
    chains.delete(`${topic}/${partition}`);
    await findChain(topic);
  };

  const step = async () => {
    await begin();
    await findChains();
    if (chains.size === 0) return FETCH.maxWaitMs;
    const fetched = await withTimeout(FETCH_DEADLINE_MS, 'kafka', reader.fetch([...chains.values()], FETCH));
    for (const lost of fetched.filter(({ outOfRange }) => outOfRange)) await restartFromBeginning(lost);
    const moved = fetched.filter(
      ({ topic, partition, next, outOfRange }) =>
        !outOfRange && next !== chains.get(`${topic}/${partition}`)?.offset,
    );
    if (moved.length > 0) await take(moved);
    standing = { current: fetched.every(({ next, endOffset }) => next >= endOffset), since: clock() };
    return undefined;
  };

  const loop = startLoop({
    name: 'disclosure-index',
    step,
    retryMs: (_failures, error) => (errorCode(error) === 'taken-by-another' ? YIELD_MS : RETRY_MS),
    log,
    metrics,
    onError(error) {
      standing = { ...standing, current: false };
      if (GONE.has(errorCode(error))) migrated = false;
      // Whatever went wrong, the database has the position to continue from.
      chains.clear();
      looked = 0;
      void reader.close().catch(() => undefined);
      reader = kafka.reader();
    },
  });

  return {
    database,
    standing: () => standing,
    close: async () => {
      const ended = loop.close();
      await reader.close().catch(() => undefined);
      await ended;
      await database.close();
    },
  };
}
