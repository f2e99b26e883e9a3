/** What polling does with a page of rows: compare, translate, write down, send. */
import { randomUUID } from 'node:crypto';
import type { Tokeniser } from '@causeway/runtime/bus/pseudonyms';
import type { Contact } from '@causeway/schemas/generated/types';
import { instantOf } from './mark.ts';
import { type SendParts, sendOutgoing } from './outgoing.ts';
import {
  type Changed,
  differs,
  isReal,
  normalised,
  peopleOf,
  personState,
  plannedRow,
  type Setting,
} from './page.ts';
import { type KnownPerson, personIn } from './person.ts';
import type { Key, Position, ReportingDatabase, ReportingQuery } from './reporting-database.ts';
import type { Row } from './row.ts';
import type { View } from './stated.ts';
import type { Store, ViewState } from './store.ts';

export type PollParts = SendParts & {
  organisation: string;
  reading: ReportingDatabase;
  /** By the name of the view, `persons` among them. */
  queryOf(name: string): ReportingQuery;
  store: Store;
  tokeniser: Tokeniser;
  contact(): Contact;
  /** How far back each poll looks, for clocks that differ and transactions that take their time. */
  overlapMs: number;
  /** How often a view is read whole. */
  sweepMs: number;
  /** Share of a view's rows, 0 to 1, that may be gone at once. */
  mayBeGone: number;
  /** Rows at a time. */
  pageSize?: number;
  /** Asked before each page. @throws where the work has to stop: the service ends, or another instance took over */
  mayGoOn(): void;
};

export const PERSONS = 'persons';

const PAGE = 500;
/** A row of a view that was empty at first, and that does not say when it was written, is news after this time. */
const FIRST_READING_MS = 3_600_000;

export const createPageWork = (parts: PollParts) => {
  const { reading, store, queryOf, pageSize = PAGE, mayGoOn } = parts;
  const send = (): Promise<void> => sendOutgoing(parts);

  const stateOf = async (name: string, now: string): Promise<ViewState> =>
    store.view(name, randomUUID(), now);

  const settingOf = (now: string, { generation, complete, beganAt }: ViewState): Setting => ({
    organisation: parts.organisation,
    tokeniser: parts.tokeniser,
    contact: parts.contact(),
    now,
    generation,
    // Later on, clocks that differ and transactions that took their time must not turn news into history.
    historyUntil: complete ? instantOf(Date.parse(beganAt) - parts.overlapMs) : beganAt,
    firstReading: !complete && Date.parse(now) - Date.parse(beganAt) < FIRST_READING_MS,
  });

  const indexOf = async (ids: readonly string[]): Promise<Map<string, KnownPerson>> => {
    const wanted = [...new Set(ids)];
    if (wanted.length === 0) return new Map();
    const rows = await reading.withKeys(queryOf(PERSONS), 'person_id', wanted);
    return new Map(uniquePeople(rows).map((known) => [known.personId, known]));
  };

  const rememberedOf = async (ids: readonly string[]): Promise<Map<string, KnownPerson>> => {
    const states = await store.people([...new Set(ids)]);
    return new Map([...states].map(([id, { identity }]) => [id, identity]));
  };

  /** Translates changed rows, writes down what they lead to, and sends it. */
  const work = async (view: View, changes: readonly Changed[], setting: Setting): Promise<void> => {
    if (changes.length === 0) return;
    mayGoOn();
    const ids = changes.flatMap(peopleOf);
    const [indexed, remembered] = [await indexOf(ids), await rememberedOf(ids)];
    const results = changes.map((changed) => plannedRow(view, changed, indexed, remembered, setting));
    await store.apply({
      view: view.name,
      rows: results.flatMap(({ state }) => state ?? []),
      gone: changes.flatMap(({ rowId }, index) => (results[index]?.state === undefined ? [rowId] : [])),
      // Those who are remembered already are compared first: other cases of theirs may have to be said again.
      people: [...indexed.values()].filter(({ personId }) => !remembered.has(personId)).map(personState),
      outgoing: results.flatMap(({ outgoing }) => outgoing),
    });
    await send();
  };

  /** Those of a page that are new or differ, as they are to be worked on. */
  const changedIn = async (view: View, rows: readonly Row[], now: string) => {
    const all = rows.map((row) => ({ row: normalised(view, row, now), changedAt: row.changed_at ?? null }));
    const real = all.filter(({ row }) => isReal(row));
    const states = await store.rows(
      view.name,
      real.map(({ row }) => row.row_id ?? ''),
    );
    const changes = real.map(({ row, changedAt }): Changed => {
      const rowId = row.row_id ?? '';
      return { rowId, row, changedAt, state: states.get(rowId) };
    });
    return {
      changes: changes.filter(({ row, state }) => row && differs(row, state)),
      known: states.size,
      all: changes,
    };
  };

  async function* changedPages(
    query: ReportingQuery,
    key: Key,
    from: Position,
  ): AsyncGenerator<Row[], void, undefined> {
    for (let position = from; ; ) {
      mayGoOn();
      const rows = await reading.changed(query, key, position, pageSize);
      if (rows.length > 0) yield rows;
      const last = rows.at(-1);
      if (last === undefined || rows.length < pageSize) return;
      position = { changedAt: last.changed_at ?? '', rowId: last[key] ?? '' };
    }
  }

  return { pageSize, send, stateOf, settingOf, indexOf, rememberedOf, work, changedIn, changedPages };
};

export type PageWork = ReturnType<typeof createPageWork>;

/** Where a person has several rows, the same one each time. */
export const uniquePeople = (rows: readonly Row[]): KnownPerson[] => {
  const chosen = new Map<string, Row>();
  for (const row of rows) {
    const id = row.person_id;
    if (id === null || id === undefined) continue;
    const other = chosen.get(id);
    if (other === undefined || JSON.stringify(row) < JSON.stringify(other)) chosen.set(id, row);
  }
  return [...chosen.values()].map(personIn);
};
