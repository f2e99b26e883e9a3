/** The polling of one council's reporting views: new rows by mark, late edits and deletions by whole readings. */
import { randomUUID } from 'node:crypto';
import type { Tokeniser } from '@causeway/runtime/bus/pseudonyms';
import { PermanentError, RetryableError } from '@causeway/runtime/errors';
import { londonOffset, writeInstant } from '@causeway/schemas/dates/london';
import type { Contact } from '@causeway/schemas/generated/types';
import { type SendParts, sendOutgoing } from './outgoing.ts';
import {
  type Changed,
  differs,
  isReal,
  type Led,
  led,
  normalised,
  peopleOf,
  personState,
  type Setting,
  saidAgain,
} from './page.ts';
import { type Known, personIn } from './person.ts';
import type { Key, Position, ReportingDatabase, ReportingQuery } from './reporting-database.ts';
import { parseTime, type Row } from './row.ts';
import type { View } from './stated.ts';
import type { RowState, Store, ViewState } from './store.ts';

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
/** Rows that are looked for where many new ones turn up at once. */
const SAMPLE = 100;
/** Gone rows that never need anybody's word. */
const ALWAYS_GONE = 5;

export type Poll = {
  /** Reads what changed in a view, or all of it where that is due. @throws RetryableError */
  view(view: View): Promise<void>;
  /** Notices that people changed whom an interest or a safeguard names. @throws RetryableError */
  persons(): Promise<void>;
  /** Says again what would expire. @throws RetryableError */
  renew(): Promise<void>;
  /** Sends what an earlier run has left behind. @throws RetryableError */
  send(): Promise<void>;
  /** Looks at one row once more, whether or not it changed; why it still says nothing, or null. @throws RetryableError, PermanentError */
  again(view: View, rowId: string): Promise<string | null>;
};

export const createPoll = (parts: PollParts): Poll => {
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

  const indexOf = async (ids: readonly string[]): Promise<Map<string, Known>> => {
    const wanted = [...new Set(ids)];
    if (wanted.length === 0) return new Map();
    const rows = await reading.withKeys(queryOf(PERSONS), 'person_id', wanted);
    return new Map(uniquePeople(rows).map((known) => [known.personId, known]));
  };

  const rememberedOf = async (ids: readonly string[]): Promise<Map<string, Known>> => {
    const states = await store.people([...new Set(ids)]);
    return new Map([...states].map(([id, { identity }]) => [id, identity]));
  };

  /** Translates changed rows, writes down what they lead to, and sends it. */
  const work = async (view: View, changes: readonly Changed[], setting: Setting): Promise<void> => {
    if (changes.length === 0) return;
    mayGoOn();
    const ids = changes.flatMap(peopleOf);
    const [indexed, remembered] = [await indexOf(ids), await rememberedOf(ids)];
    const results = changes.map((changed) => led(view, changed, indexed, remembered, setting));
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

  /**
   * Reads what changed; false where the view has to be read whole at once. News comes first, and how far it was read is noted after each
   * page: a process that dies often gets on all the same. Then it looks back, while the mark is young.
   */
  const readChanges = async (view: View, state: ViewState, now: string): Promise<boolean> => {
    const setting = settingOf(now, state);
    const from = state.mark ?? { changedAt: state.beganAt, rowId: null };
    const pages = (position: Position) => changedPages(queryOf(view.name), 'row_id', position);
    let mark = state.mark;
    for await (const rows of pages(from)) {
      const { changes, known } = await changedIn(view, rows, now);
      // As many rows that nobody has seen before can be a warehouse that was built anew under other keys.
      if (known === 0 && changes.length >= pageSize && !(await isStillThere(view))) return false;
      await work(view, lastOfEach(changes), setting);
      const reached = rows.reduce((furthest, row) => further(furthest, row, now), mark);
      if (reached !== undefined && reached !== mark) await store.mark(view.name, reached);
      mark = reached;
    }
    const back = lookBack(from, now, parts.overlapMs);
    if (back === undefined) return true;
    for await (const rows of pages(back)) {
      const { changes } = await changedIn(view, rows, now);
      await work(view, lastOfEach(changes), setting);
      if (isBehind(rows.at(-1), from)) break;
    }
    return true;
  };

  /** Whether the view still has what was read before, by a sample. */
  const isStillThere = async (view: View): Promise<boolean> => {
    const sample = await store.someRows(view.name, SAMPLE);
    const rows = await reading.withKeys(queryOf(view.name), 'row_id', sample);
    const missing = sample.length - new Set(rows.map((row) => row.row_id)).size;
    return missing <= Math.max(ALWAYS_GONE, sample.length * parts.mayBeGone);
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

  const sweep = async (view: View, state: ViewState, now: string): Promise<void> => {
    const setting = settingOf(now, state);
    // What a first reading found before it was cut short need not be found again: the view has nothing to compare it with yet.
    if (!state.complete) await workOnFound(view, setting);
    await store.sweep.begin(view.name);
    let present = 0;
    let mark = state.mark;
    for await (const rows of reading.all(queryOf(view.name), pageSize)) {
      mayGoOn();
      const { changes } = await changedIn(view, rows, now);
      const ids = rows.map((row) => row.row_id ?? '').filter((_, index) => isReal(rows[index] as Row));
      const noted = await store.sweep.note(view.name, ids);
      if (noted < ids.length)
        throw new RetryableError(
          'row-id-twice',
          `the query ${view.name} gives more than one row with the same row_id; nothing is read until it does not`,
        );
      present += noted;
      await store.sweep.keep(
        view.name,
        changes.map(({ rowId, row, changedAt }) => ({ rowId, row: { ...row, changed_at: changedAt } })),
      );
      mark = rows.reduce((furthest, row) => further(furthest, row, now), mark);
    }
    await checkGone(view, present);
    await workOnFound(view, setting);
    await workOnGone(view, setting);
    if (mark !== undefined) await store.mark(view.name, mark);
    // A view that has never had a row has not been read yet: its warehouse may be about to be filled.
    if (state.complete || present > 0) await store.swept(view.name);
    await store.sweep.end(view.name);
  };

  const checkGone = async (view: View, present: number): Promise<void> => {
    const [known, missing] = [await store.sweep.known(view.name), await store.sweep.missing(view.name)];
    const allowed = Math.max(ALWAYS_GONE, Math.floor(known * parts.mayBeGone));
    if (missing <= 1 || parts.mayBeGone >= 1 || (present > 0 && missing <= allowed)) return;
    throw new RetryableError(
      'view-shrunk',
      `${missing} of ${known} rows are gone from what the query ${view.name} gives; nothing of it is published until they are back, ` +
        'or until COUNCIL_SOCIAL_CARE_MAY_BE_GONE_PERCENT is set to 100 for as long as it takes to withdraw them',
    );
  };

  const workOnFound = async (view: View, setting: Setting): Promise<void> => {
    for (;;) {
      mayGoOn();
      const page = await store.sweep.found(view.name, pageSize);
      if (page.length === 0) return;
      const rowIds = page.map(({ rowId }) => rowId);
      const states = await store.rows(view.name, rowIds);
      const changes = page.map(
        ({ rowId, row: { changed_at: changedAt = null, ...row } }): Changed => ({
          rowId,
          row,
          changedAt,
          state: states.get(rowId),
        }),
      );
      await work(
        view,
        changes.filter(({ row, state }) => row && differs(row, state)),
        setting,
      );
      await store.sweep.worked(view.name, rowIds);
    }
  };

  const workOnGone = async (view: View, setting: Setting): Promise<void> => {
    for (let after = ''; ; ) {
      mayGoOn();
      const rowIds = await store.sweep.missingAfter(view.name, after, pageSize);
      const last = rowIds.at(-1);
      if (last === undefined) return;
      const states = await store.rows(view.name, rowIds);
      const gone = rowIds.map(
        (rowId): Changed => ({
          rowId,
          row: undefined,
          changedAt: null,
          state: states.get(rowId),
        }),
      );
      await work(view, gone, setting);
      after = last;
    }
  };

  /** Says again what stands for people whose identifiers are others now. */
  const compare = async (ids: readonly string[], setting: Setting): Promise<void> => {
    const states = await store.people(ids);
    if (states.size === 0) return;
    const indexed = await indexOf([...states.keys()]);
    const different = [...indexed.values()].filter(
      (known) => states.get(known.personId)?.hash !== personState(known).hash,
    );
    if (different.length === 0) return;
    const rows = await store.standing(different.map(({ personId }) => personId));
    await sayAgain(rows, setting);
    await store.apply({
      view: PERSONS,
      rows: [],
      gone: [],
      people: different.map(personState),
      outgoing: [],
    });
  };

  const sayAgain = async (
    rows: readonly (RowState & { view: string })[],
    setting: Setting,
  ): Promise<void> => {
    const ids = rows.flatMap(({ stands }) => stands?.people ?? []);
    const [indexed, remembered] = [await indexOf(ids), await rememberedOf(ids)];
    for (const [view, some] of Map.groupBy(rows, (row) => row.view)) {
      const results: Led[] = some.map(({ view: _, ...state }) =>
        saidAgain(view, state, indexed, remembered, setting),
      );
      await store.apply({
        view,
        rows: results.flatMap(({ state }) => state ?? []),
        gone: [],
        people: [],
        outgoing: results.flatMap(({ outgoing }) => outgoing),
      });
    }
    await send();
  };

  const changedPeople = async (state: ViewState, now: string): Promise<void> => {
    const from = state.mark ?? { changedAt: state.beganAt, rowId: null };
    let mark = state.mark;
    for await (const rows of changedPages(
      queryOf(PERSONS),
      'person_id',
      lookBack(from, now, parts.overlapMs) ?? from,
    )) {
      await compare(
        rows.flatMap((row) => row.person_id ?? []),
        settingOf(now, state),
      );
      mark = rows.reduce(
        (furthest, row) => further(furthest, { ...row, row_id: row.person_id ?? null }, now),
        mark,
      );
    }
    if (mark !== undefined && mark !== state.mark) await store.mark(PERSONS, mark);
  };

  const everybody = async (state: ViewState, now: string): Promise<void> => {
    for (let after = ''; ; ) {
      mayGoOn();
      const ids = await store.personIdsAfter(after, pageSize);
      const last = ids.at(-1);
      if (last === undefined) break;
      await compare(ids, settingOf(now, state));
      after = last;
    }
    await store.forgetPeople();
    await store.swept(PERSONS);
  };

  const isDue = ({ complete, sweptAt }: ViewState): boolean =>
    !complete || sweptAt === null || Date.now() - sweptAt.getTime() >= parts.sweepMs;

  return {
    send,
    async again(view, rowId) {
      const now = await reading.now();
      const setting = settingOf(now, await stateOf(view.name, now));
      const rows = await reading.withKeys(queryOf(view.name), 'row_id', [rowId]);
      const [changed] = (await changedIn(view, rows.slice(0, 1), now)).all;
      if (changed === undefined) throw new PermanentError('row-gone', 'the row is not in the view any more');
      if (changed.state?.problem !== null) await work(view, [changed], setting);
      return (await store.rows(view.name, [rowId])).get(rowId)?.problem ?? null;
    },
    async view(view) {
      const now = await reading.now();
      const state = await stateOf(view.name, now);
      // News first: a whole reading can take its time.
      const read = state.complete && (await readChanges(view, state, now));
      if (!read || isDue(state)) await sweep(view, await stateOf(view.name, now), await reading.now());
    },
    async persons() {
      const now = await reading.now();
      const state = await stateOf(PERSONS, now);
      await changedPeople(state, now);
      if (isDue(state)) await everybody(state, now);
    },
    async renew() {
      const now = await reading.now();
      const state = await stateOf(PERSONS, now);
      for (;;) {
        mayGoOn();
        const rows = await store.toRenew(now.slice(0, 10), pageSize);
        if (rows.length === 0) return;
        await sayAgain(rows, settingOf(now, state));
      }
    },
  };
};

/** Where a person has several rows, the same one each time. */
const uniquePeople = (rows: readonly Row[]): Known[] => {
  const chosen = new Map<string, Row>();
  for (const row of rows) {
    const id = row.person_id;
    if (id === null || id === undefined) continue;
    const other = chosen.get(id);
    if (other === undefined || JSON.stringify(row) < JSON.stringify(other)) chosen.set(id, row);
  }
  return [...chosen.values()].map(personIn);
};

/** A row that moved while it was read is in two pages, or, behind other rows, twice in one. */
const lastOfEach = (changes: readonly Changed[]): Changed[] => [
  ...new Map(changes.map((changed) => [changed.rowId, changed])).values(),
];

/** Where to look once more before a mark that is young: clocks differ, and a transaction may have taken its time. */
const lookBack = (mark: Position, now: string, overlapMs: number): Position | undefined => {
  const at = parseTime(mark.changedAt);
  if (at === undefined || Date.parse(now) - Date.parse(at) > overlapMs) return undefined;
  return { changedAt: instantOf(Date.parse(at) - overlapMs), rowId: null };
};

/** Whether a row lies behind a position, in time. */
const isBehind = (row: Row | undefined, position: Position): boolean => {
  const at = parseTime(row?.changed_at ?? '');
  const of = parseTime(position.changedAt);
  return at !== undefined && of !== undefined && Date.parse(at) > Date.parse(of);
};

/** In London, with its offset: where the column has none, the database takes the clock's reading alone. */
const instantOf = (at: number): string => {
  const offset = londonOffset(at);
  return writeInstant(at + offset * 60_000, '', offset);
};

/** The later of a mark and a row; what lies in the future by the council's own clock is no mark. */
const further = (mark: Position | undefined, row: Row, now: string): Position | undefined => {
  const changedAt = row.changed_at ?? null;
  const at = changedAt === null ? undefined : parseTime(changedAt);
  if (changedAt === null || at === undefined || Date.parse(at) > Date.parse(now)) return mark;
  const before = mark === undefined ? undefined : parseTime(mark.changedAt);
  if (before !== undefined && Date.parse(before) > Date.parse(at)) return mark;
  return { changedAt, rowId: row.row_id ?? null };
};
