import { setTimeout as delay } from 'node:timers/promises';
import { RetryableError } from '../errors.ts';
import type { Database } from '../postgres/database.ts';
import type { Logger } from '../telemetry/log.ts';
import { createIdFilter, type IdFilter } from './bloom-filter.ts';

/**
 * `written`: it must be written down before the answer. `seldom`: hardly any visit has it, so the database is asked only where this
 * process cannot tell by itself; what another instance on the same database has seen counts from the next start. `former`: the visit by
 * the partnership key of before, under which the fact counts where nothing is known under the one of now.
 */
export type AskedFact = {
  visit: string;
  former?: string | undefined;
  fact: string;
  written: boolean;
  seldom?: true;
};
/** An empty id: the fact is over. */
export type RememberedFact = { visit: string; fact: string; id: string };

/** What a group of messages knows when it is decided, and what it adds. */
export type Remembered = {
  hasEvent(id: string): boolean;
  /** Id of the last event that stated this fact about this visit; undefined also where the fact is over. */
  lastEvent(visit: string, fact: string): string | undefined;
  addEvent(id: string): void;
  addFact(fact: RememberedFact): void;
  added: { events: string[]; facts: RememberedFact[] };
};

export type Memory = {
  /**
   * What is known about these ids and facts. The database is asked only for what this process cannot tell by itself.
   * A fact that is to be withdrawn (`written`) is written down before this resolves.
   * @throws RetryableError when the database is needed and away, or has been away for some seconds
   */
  recall(ids: readonly string[], facts: readonly AskedFact[]): Promise<Remembered>;
  /** The group was published: what it added is written down soon. */
  keep(remembered: Remembered): void;
  /** The group, and every later one, was not published. */
  drop(remembered: Remembered): void;
  /** Resolves once everything kept so far is written down. */
  settled(): Promise<void>;
  /** Drops ids older than 90 days and facts older than a year: by then a stay is over or was recorded anew. */
  forget(): Promise<void>;
  /** Writes down what is left. */
  close(): Promise<void>;
};

const RECALL = `
  select 'event' as kind, id, null as visit, null as fact from recent_event where id = any($1)
  union all
  select 'fact', event_id, visit, fact from remembered_fact
  where (visit, fact) in (select * from unnest($2::text[], $3::text[]))`;

// Losing the last moments of this in a crash of the database server costs a record that the exchange knows for a
// repeat, or a withdrawal without the id of what it withdraws: not worth a disk flush before every acknowledgement.
// The setting is transaction-local, and a single statement is a transaction of its own.
const KEEP = `
  with setting as materialized (select set_config('synchronous_commit', 'off', true)),
  events as (
    insert into recent_event (id) select unnest($1::text[]) from setting
    on conflict (id) do nothing
  )
  insert into remembered_fact (visit, fact, event_id)
  select visit, fact, id from setting, unnest($2::text[], $3::text[], $4::text[]) as added (visit, fact, id)
  on conflict (visit, fact) do update set event_id = excluded.event_id, published_at = now()`;

const PAGE = 'select id from recent_event where id > $1 order by id limit 20000';
const FACTS_PAGE = `
  select visit, fact from remembered_fact where (visit, fact) > ($1, $2) order by visit, fact limit 20000`;

/** How long what was published may wait to be written down together with what follows. */
const GATHER_MS = 50;
const RETRY_MS = 250;
/** With more than this unwritten, or for longer, nothing new is accepted: a crash would forget too much. */
const MOST_UNWRITTEN = 20_000;
const LONGEST_UNWRITTEN_MS = 5_000;

const keyOf = (visit: string, fact: string): string => `${visit} ${fact}`;

type Row = { kind: 'event' | 'fact'; id: string; visit: string | null; fact: string | null };
/** What was decided and not yet written down when a question began. */
type Open = { events: ReadonlySet<string>; facts: ReadonlyMap<string, string> };
type Written = { waiting: Promise<void>; done(): void };

/** The tables of `migrations/001_source-memory.sql`, with what was published last in front of them. */
export const createSourceMemory = (database: Database, log: Logger): Memory => {
  /** Ids and facts of groups that are decided but not yet written down; the newest of a key counts. */
  const openEvents = new Set<string>();
  const openFacts = new Map<string, string>();
  let unwritten: { events: string[]; facts: Map<string, RememberedFact>; since: number } | undefined;
  let filter: IdFilter | undefined;
  let written: Written | undefined;
  let writing: Promise<void> | undefined;
  let hurry: (() => void) | undefined;
  const closing = new AbortController();

  const warm = async (): Promise<void> => {
    const fresh = createIdFilter();
    for (const id of [...openEvents, ...openFacts.keys()]) fresh.add(id);
    warming = fresh;
    for (let last = ''; ; ) {
      const rows = await database.query<{ id: string }>(PAGE, [last]);
      for (const { id } of rows) fresh.add(id);
      const end = rows.at(-1);
      if (end === undefined || closing.signal.aborted) break;
      last = end.id;
    }
    for (let last = { visit: '', fact: '' }; ; ) {
      const rows = await database.query<typeof last>(FACTS_PAGE, [last.visit, last.fact]);
      for (const { visit, fact } of rows) fresh.add(keyOf(visit, fact));
      const end = rows.at(-1);
      if (end === undefined || closing.signal.aborted) break;
      last = end;
    }
    filter = fresh;
    warming = undefined;
  };
  let warming: IdFilter | undefined;
  const warmInBackground = (): void => {
    warm().catch((error) => {
      warming = undefined;
      log.warn({ err: error }, 'recent event ids are looked up one by one for now');
    });
  };
  warmInBackground();

  const write = async (): Promise<void> => {
    while (unwritten !== undefined) {
      await gather();
      const batch: typeof unwritten = unwritten;
      unwritten = undefined;
      const facts = [...batch.facts.values()];
      const params = [
        batch.events,
        facts.map((f) => f.visit),
        facts.map((f) => f.fact),
        facts.map((f) => f.id),
      ];
      for (let told = false; ; ) {
        try {
          await database.query(KEEP, params);
          break;
        } catch (error) {
          oldest = batch.since;
          if (!told) log.warn({ err: error }, 'what was published is not written down yet; trying again');
          told = true;
          if (closing.signal.aborted) throw error;
          await delay(RETRY_MS, undefined, { signal: closing.signal }).catch(() => undefined);
        }
      }
      oldest = undefined;
      for (const id of batch.events) openEvents.delete(id);
      for (const { visit, fact, id } of facts) {
        const key = keyOf(visit, fact);
        if (openFacts.get(key) === id) openFacts.delete(key);
      }
      written?.done();
      written = undefined;
    }
  };
  let oldest: number | undefined;

  /** Waits a moment for more, unless somebody waits for it. */
  const gather = (): Promise<void> =>
    new Promise((resolve) => {
      if (written !== undefined || closing.signal.aborted) return resolve();
      const timer = setTimeout(resolve, GATHER_MS);
      hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const startWriting = (): void => {
    writing ??= write()
      .catch(() => undefined)
      .finally(() => {
        writing = undefined;
        if (unwritten !== undefined && !closing.signal.aborted) startWriting();
      });
  };

  /** Resolves when the facts are written down, or their group was not published after all. */
  const settled = async (keys: readonly string[]): Promise<void> => {
    while (keys.some((key) => openFacts.has(key))) {
      written ??= deferred();
      hurry?.();
      await written.waiting;
    }
  };

  const refuseWhenBehind = (): void => {
    const since = oldest ?? unwritten?.since;
    const late = since !== undefined && performance.now() - since > LONGEST_UNWRITTEN_MS;
    if (late || openEvents.size > MOST_UNWRITTEN)
      throw new RetryableError('database-unavailable', 'what was published cannot be written down');
  };

  return {
    async recall(ids, questions) {
      refuseWhenBehind();
      const former = new Map(questions.flatMap((one) => (one.former ? [[one.visit, one.former]] : [])));
      const facts = questions.flatMap((one) => [
        one,
        ...(one.former === undefined ? [] : [{ ...one, visit: one.former }]),
      ]);
      await settled(facts.filter((one) => one.written).map(({ visit, fact }) => keyOf(visit, fact)));
      // Taken before the question: what is written down while it is asked is neither open afterwards nor in its answer.
      const open: Open = {
        events: new Set(ids.filter((id) => openEvents.has(id))),
        facts: new Map(facts.flatMap(({ visit, fact }) => openFact(visit, fact))),
      };
      const known = filter;
      const asked = known === undefined ? ids : ids.filter((id) => known.mayHave(id) && !open.events.has(id));
      const possible =
        known === undefined
          ? facts
          : facts.filter(({ visit, fact, seldom }) => !seldom || known.mayHave(keyOf(visit, fact)));
      const rows =
        asked.length + possible.length === 0
          ? []
          : await database.query<Row>(RECALL, [
              asked,
              possible.map(({ visit }) => visit),
              possible.map(({ fact }) => fact),
            ]);
      return remembered(rows, open, former);
    },
    keep({ added: { events, facts } }) {
      if (events.length + facts.length === 0) return;
      unwritten ??= { events: [], facts: new Map(), since: performance.now() };
      for (const id of events) {
        unwritten.events.push(id);
        filter?.add(id);
        warming?.add(id);
      }
      for (const one of facts) {
        const key = keyOf(one.visit, one.fact);
        unwritten.facts.set(key, one);
        filter?.add(key);
        warming?.add(key);
      }
      startWriting();
    },
    drop({ added: { events, facts } }) {
      for (const id of events) openEvents.delete(id);
      for (const { visit, fact, id } of facts) {
        if (openFacts.get(keyOf(visit, fact)) === id) openFacts.delete(keyOf(visit, fact));
      }
      written?.done();
      written = undefined;
    },
    async settled() {
      while (writing !== undefined) {
        hurry?.();
        await writing;
      }
    },
    async forget() {
      await database.query("delete from recent_event where published_at < now() - interval '90 days'");
      await database.query("delete from remembered_fact where published_at < now() - interval '1 year'");
      if (filter === undefined || filter.full()) warmInBackground();
    },
    async close() {
      closing.abort();
      hurry?.();
      await writing;
      if (unwritten !== undefined) await write().catch(() => undefined);
    },
  };

  function openFact(visit: string, fact: string): [string, string][] {
    const id = openFacts.get(keyOf(visit, fact));
    return id === undefined ? [] : [[keyOf(visit, fact), id]];
  }

  function remembered(rows: readonly Row[], open: Open, former: ReadonlyMap<string, string>): Remembered {
    const events = new Set(rows.filter(({ kind }) => kind === 'event').map(({ id }) => id));
    const stored = new Map(
      rows
        .filter(({ kind }) => kind === 'fact')
        .map(({ id, visit, fact }) => [keyOf(visit ?? '', fact ?? ''), id]),
    );
    const added: Remembered['added'] = { events: [], facts: [] };
    return {
      added,
      hasEvent: (id) => openEvents.has(id) || open.events.has(id) || events.has(id),
      lastEvent: (visit, fact) => {
        const found = (key: string) => openFacts.get(key) ?? open.facts.get(key) ?? stored.get(key);
        return (found(keyOf(visit, fact)) ?? found(keyOf(former.get(visit) ?? '', fact))) || undefined;
      },
      addEvent(id) {
        openEvents.add(id);
        added.events.push(id);
      },
      addFact(one) {
        openFacts.set(keyOf(one.visit, one.fact), one.id);
        added.facts.push(one);
      },
    };
  }
};

const deferred = (): Written => {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { waiting: promise, done: resolve };
};
