import { RetryableError } from '../errors.ts';
import type { Database } from '../postgres/database.ts';
import type { Logger } from '../telemetry/log.ts';
import { createIdFilter, type IdFilter } from './bloom-filter.ts';
import { type Added, createDedupWriter, type KnownFact, keyOf } from './dedup-writer.ts';

export type { KnownFact } from './dedup-writer.ts';

/**
 * `written`: it must be written down before the answer. `seldom`: hardly any visit has it, so the database is asked only where this
 * process cannot tell by itself; what another instance on the same database has seen counts from the next start. `former`: the visit by
 * the partnership key of before, under which the fact counts where nothing is known under the one of now.
 */
export type FactQuestion = {
  visit: string;
  former?: string | undefined;
  fact: string;
  written: boolean;
  seldom?: true;
};

/** What a group of messages knows when it is planned, and what it adds. */
export type DedupLookup = {
  hasEvent(id: string): boolean;
  /** Id of the last event that stated this fact about this visit; undefined also where the fact has ended. */
  lastEvent(visit: string, fact: string): string | undefined;
  addEvent(id: string): void;
  addFact(fact: KnownFact): void;
  added: Added;
};

type DedupStore = {
  /**
   * What is known about these ids and facts. The database is asked only for what this process cannot tell by itself.
   * A fact that is to be withdrawn (`written`) is written down before this resolves.
   * @throws RetryableError when the database is needed and away, or has been away for some seconds
   */
  lookup(ids: readonly string[], facts: readonly FactQuestion[]): Promise<DedupLookup>;
  /** The group was published: what it added is written down soon. */
  record(lookup: DedupLookup): void;
  /** The group, and every later one, was not published. */
  discard(lookup: DedupLookup): void;
  /** Resolves once everything recorded so far is written down. */
  recorded(): Promise<void>;
  /** Drops ids older than 90 days and facts older than a year: by then a stay is over or was recorded again. */
  prune(): Promise<void>;
  /** Writes down what is left. */
  close(): Promise<void>;
};

const LOOKUP = `
  select 'event' as kind, id, null as visit, null as fact from recent_event where id = any($1)
  union all
  select 'fact', event_id, visit, fact from remembered_fact
  where (visit, fact) in (select * from unnest($2::text[], $3::text[]))`;

const PAGE = 'select id from recent_event where id > $1 order by id limit 20000';
const FACTS_PAGE = `
  select visit, fact from remembered_fact where (visit, fact) > ($1, $2) order by visit, fact limit 20000`;

/** With more than this unwritten nothing new is accepted: a crash would forget too much. */
const MOST_UNWRITTEN = 20_000;

type Row = { kind: 'event' | 'fact'; id: string; visit: string | null; fact: string | null };
/** Ids of events, and the newest event of each fact by its key. */
type Entries = { events: Set<string>; facts: Map<string, string> };

/** The tables of `migrations/001_source-memory.sql`, with what was published last in front of them. */
export const createDedupStore = (database: Database, log: Logger): DedupStore => {
  /** Of groups that are planned but not yet written down. */
  const open: Entries = { events: new Set(), facts: new Map() };
  const forget = ({ events, facts }: Added) => {
    for (const id of events) open.events.delete(id);
    for (const { visit, fact, id } of facts) {
      const key = keyOf(visit, fact);
      if (open.facts.get(key) === id) open.facts.delete(key);
    }
  };
  const writer = createDedupWriter(database, log, forget);
  const filter = createStoreFilter(database, log, () => [...open.events, ...open.facts.keys()]);

  return {
    async lookup(ids, questions) {
      writer.assertCurrent();
      if (open.events.size > MOST_UNWRITTEN)
        throw new RetryableError('database-unavailable', 'what was published cannot be written down');
      const former = new Map(questions.flatMap((one) => (one.former ? [[one.visit, one.former]] : [])));
      const facts = questions.flatMap((one) =>
        [one.visit, ...(one.former ? [one.former] : [])].map((visit) => ({
          ...one,
          visit,
          key: keyOf(visit, one.fact),
        })),
      );
      const withdrawn = facts.filter(({ written }) => written);
      while (withdrawn.some(({ key }) => open.facts.has(key))) await writer.changed();
      // Taken before the question: what is written down while it is asked is neither open afterwards nor in its answer.
      const before: Entries = {
        events: new Set(ids.filter((id) => open.events.has(id))),
        facts: new Map(
          facts.flatMap(({ key }) => {
            const id = open.facts.get(key);
            return id === undefined ? [] : [[key, id]];
          }),
        ),
      };
      const asked = ids.filter((id) => !before.events.has(id) && filter.mayHave(id));
      const possible = facts.filter(({ key, seldom }) => !seldom || filter.mayHave(key));
      const rows =
        asked.length + possible.length === 0
          ? []
          : await database.query<Row>(LOOKUP, [
              asked,
              possible.map(({ visit }) => visit),
              possible.map(({ fact }) => fact),
            ]);
      return lookupOf([open, before, entriesOf(rows)], open, former);
    },
    record({ added }) {
      writer.add(added);
      filter.add([...added.events, ...added.facts.map(({ visit, fact }) => keyOf(visit, fact))]);
    },
    discard({ added }) {
      forget(added);
      writer.discarded();
    },
    recorded: writer.recorded,
    async prune() {
      await database.query("delete from recent_event where published_at < now() - interval '90 days'");
      await database.query("delete from remembered_fact where published_at < now() - interval '1 year'");
      filter.renew();
    },
    async close() {
      filter.close();
      await writer.close();
    },
  };
};

const entriesOf = (rows: readonly Row[]): Entries => ({
  events: new Set(rows.filter(({ kind }) => kind === 'event').map(({ id }) => id)),
  facts: new Map(
    rows
      .filter(({ kind }) => kind === 'fact')
      .map(({ id, visit, fact }) => [keyOf(visit ?? '', fact ?? ''), id]),
  ),
});

/** @param sources newest first; what is added is `open` at once, for this and every later lookup */
const lookupOf = (
  sources: readonly Entries[],
  open: Entries,
  former: ReadonlyMap<string, string>,
): DedupLookup => {
  const added: Added = { events: [], facts: [] };
  const find = (visit: string, fact: string): string | undefined =>
    sources.map(({ facts }) => facts.get(keyOf(visit, fact))).find((id) => id !== undefined);
  return {
    added,
    hasEvent: (id) => sources.some(({ events }) => events.has(id)),
    lastEvent: (visit, fact) => (find(visit, fact) ?? find(former.get(visit) ?? '', fact)) || undefined,
    addEvent(id) {
      open.events.add(id);
      added.events.push(id);
    },
    addFact(one) {
      open.facts.set(keyOf(one.visit, one.fact), one.id);
      added.facts.push(one);
    },
  };
};

/** Tells of most ids and facts that the database does not have them, once it has read what it has. */
const createStoreFilter = (database: Database, log: Logger, open: () => Iterable<string>) => {
  const closing = new AbortController();
  let filter: IdFilter | undefined;
  let warming: IdFilter | undefined;

  const readAll = async <T extends object>(sql: string, first: T, add: (row: T) => void): Promise<void> => {
    for (let last: T | undefined = first; last !== undefined && !closing.signal.aborted; ) {
      const rows: T[] = await database.query<T>(sql, Object.values(last));
      rows.forEach(add);
      last = rows.at(-1);
    }
  };
  const warmUp = async (): Promise<void> => {
    const fresh = createIdFilter();
    for (const id of open()) fresh.add(id);
    warming = fresh;
    await readAll(PAGE, { id: '' }, ({ id }) => fresh.add(id));
    await readAll(FACTS_PAGE, { visit: '', fact: '' }, ({ visit, fact }) => fresh.add(keyOf(visit, fact)));
    if (!closing.signal.aborted) filter = fresh;
  };
  const warmUpInBackground = (): void => {
    warmUp()
      .catch((error) =>
        log.warn(
          { event: 'dedup.degraded', err: error },
          'recent event ids could not be loaded; each is looked up in the database',
        ),
      )
      .finally(() => {
        warming = undefined;
      });
  };
  warmUpInBackground();

  return {
    mayHave: (key: string): boolean => filter === undefined || filter.mayHave(key),
    add(keys: readonly string[]) {
      for (const key of keys) {
        filter?.add(key);
        warming?.add(key);
      }
    },
    /** Reads everything again where that is due. */
    renew() {
      if (filter === undefined || filter.full()) warmUpInBackground();
    },
    close: () => closing.abort(),
  };
};
