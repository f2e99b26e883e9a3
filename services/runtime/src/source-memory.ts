import type { Database } from './database.ts';

/** What is known when a group is decided, and what the group adds to it. */
export type Remembered = {
  hasEvent(id: string): boolean;
  /** Id of the last event that stated this fact about this visit. */
  lastEvent(visit: string, fact: string): string | undefined;
  addEvent(id: string): void;
  addFact(visit: string, fact: string, id: string): void;
  added(): { events: string[]; facts: { visit: string; fact: string; id: string }[] };
};

export type Memory = {
  /** One statement for a whole group. */
  recall(ids: readonly string[], facts: readonly { visit: string; fact: string }[]): Promise<Remembered>;
  /** Writes down what the group added, in one statement. */
  keep(remembered: Remembered): Promise<void>;
  /** Drops ids older than 90 days and facts older than a year: by then a stay is over or was recorded anew. */
  forget(): Promise<void>;
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

const keyOf = (visit: string, fact: string): string => `${visit} ${fact}`;

type Row = { kind: 'event' | 'fact'; id: string; visit: string | null; fact: string | null };

const remembered = (rows: readonly Row[]): Remembered => {
  const events = new Set(rows.filter(({ kind }) => kind === 'event').map(({ id }) => id));
  const facts = new Map(
    rows
      .filter(({ kind }) => kind === 'fact')
      .map(({ id, visit, fact }) => [keyOf(visit ?? '', fact ?? ''), id]),
  );
  const newEvents: string[] = [];
  const newFacts = new Map<string, { visit: string; fact: string; id: string }>();
  return {
    hasEvent: (id) => events.has(id),
    lastEvent: (visit, fact) => facts.get(keyOf(visit, fact)),
    addEvent(id) {
      events.add(id);
      newEvents.push(id);
    },
    addFact(visit, fact, id) {
      facts.set(keyOf(visit, fact), id);
      newFacts.set(keyOf(visit, fact), { visit, fact, id });
    },
    added: () => ({ events: newEvents, facts: [...newFacts.values()] }),
  };
};

/** The tables of `migrations/001_source-memory.sql`. */
export const createSourceMemory = (database: Database): Memory => ({
  async recall(ids, facts) {
    if (ids.length === 0) return remembered([]);
    return remembered(
      await database.query<Row>(RECALL, [
        ids,
        facts.map(({ visit }) => visit),
        facts.map(({ fact }) => fact),
      ]),
    );
  },
  async keep(group) {
    const { events, facts } = group.added();
    if (events.length === 0) return;
    await database.query(KEEP, [
      events,
      facts.map(({ visit }) => visit),
      facts.map(({ fact }) => fact),
      facts.map(({ id }) => id),
    ]);
  },
  async forget() {
    await database.query("delete from recent_event where published_at < now() - interval '90 days'");
    await database.query("delete from remembered_fact where published_at < now() - interval '1 year'");
  },
});
