import { setTimeout as delay } from 'node:timers/promises';
import { RetryableError } from '../errors.ts';
import type { Database } from '../postgres/database.ts';
import type { Logger } from '../telemetry/log.ts';

/** An empty id: the fact has ended. */
export type KnownFact = { visit: string; fact: string; id: string };
export type Added = { events: string[]; facts: KnownFact[] };

type DedupWriter = {
  /** Written down soon, together with what follows. */
  add(added: Added): void;
  /** Resolves, without waiting for more, once something was written down or `discarded` was called. */
  changed(): Promise<void>;
  discarded(): void;
  /** @throws RetryableError where what was published could not be written down for some seconds */
  assertCurrent(): void;
  /** Resolves once everything added so far is written down. */
  recorded(): Promise<void>;
  /** Writes down what is left. */
  close(): Promise<void>;
};

// Losing the last moments of this in a crash of the database server costs a record that the exchange knows for a
// repeat, or a withdrawal without the id of what it withdraws: not worth a disk flush before every acknowledgement.
// The setting is transaction-local, and a single statement is a transaction of its own.
const RECORD = `
  with setting as materialized (select set_config('synchronous_commit', 'off', true)),
  events as (
    insert into recent_event (id) select unnest($1::text[]) from setting
    on conflict (id) do nothing
  )
  insert into remembered_fact (visit, fact, event_id)
  select visit, fact, id from setting, unnest($2::text[], $3::text[], $4::text[]) as added (visit, fact, id)
  on conflict (visit, fact) do update set event_id = excluded.event_id, published_at = now()`;

/** How long what was published may wait to be written down together with what follows. */
const GATHER_MS = 50;
const RETRY_MS = 250;
/** With anything unwritten for longer nothing new is accepted: a crash would forget too much. */
const LONGEST_UNWRITTEN_MS = 5_000;

export const keyOf = (visit: string, fact: string): string => `${visit} ${fact}`;

type Batch = { events: string[]; facts: Map<string, KnownFact>; since: number };

/** Writes what was published into the tables of `migrations/001_source-memory.sql`, in the background and through outages. */
export const createDedupWriter = (
  database: Database,
  log: Logger,
  onWritten: (added: Added) => void,
): DedupWriter => {
  const closing = new AbortController();
  let unwritten: Batch | undefined;
  let failingSince: number | undefined;
  let writing: Promise<void> | undefined;
  let change: PromiseWithResolvers<void> | undefined;
  let hurry: (() => void) | undefined;

  const discarded = () => {
    change?.resolve();
    change = undefined;
  };

  /** Waits a moment for more, unless a caller waits for what is there. */
  const gather = (): Promise<void> =>
    new Promise((resolve) => {
      if (change !== undefined || closing.signal.aborted) return resolve();
      const timer = setTimeout(resolve, GATHER_MS);
      hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const writeBatch = async ({ events, facts: byKey, since }: Batch): Promise<void> => {
    const facts = [...byKey.values()];
    const params = [events, facts.map((f) => f.visit), facts.map((f) => f.fact), facts.map((f) => f.id)];
    for (let told = false; ; told = true) {
      try {
        await database.query(RECORD, params);
        break;
      } catch (error) {
        failingSince = since;
        if (!told)
          log.warn({ event: 'dedup.retrying', err: error }, 'published events not recorded; retrying');
        if (closing.signal.aborted) throw error;
        await delay(RETRY_MS, undefined, { signal: closing.signal }).catch(() => undefined);
      }
    }
    failingSince = undefined;
    onWritten({ events, facts });
    discarded();
  };

  const write = async (): Promise<void> => {
    while (unwritten !== undefined) {
      await gather();
      const batch = unwritten;
      unwritten = undefined;
      await writeBatch(batch);
    }
  };

  const startWriting = (): void => {
    writing ??= write()
      .catch(() => undefined)
      .finally(() => {
        writing = undefined;
        if (unwritten !== undefined && !closing.signal.aborted) startWriting();
      });
  };

  return {
    add({ events, facts }) {
      if (events.length + facts.length === 0) return;
      unwritten ??= { events: [], facts: new Map(), since: performance.now() };
      unwritten.events.push(...events);
      for (const one of facts) unwritten.facts.set(keyOf(one.visit, one.fact), one);
      startWriting();
    },
    changed() {
      change ??= Promise.withResolvers();
      hurry?.();
      return change.promise;
    },
    discarded,
    assertCurrent() {
      const since = failingSince ?? unwritten?.since;
      if (since !== undefined && performance.now() - since > LONGEST_UNWRITTEN_MS)
        throw new RetryableError('database-unavailable', 'what was published cannot be written down');
    },
    async recorded() {
      while (writing !== undefined) {
        hurry?.();
        await writing;
      }
    },
    async close() {
      closing.abort();
      hurry?.();
      await writing;
      if (unwritten !== undefined) await write().catch(() => undefined);
    },
  };
};
