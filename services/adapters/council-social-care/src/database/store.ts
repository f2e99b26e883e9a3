/** What the adapter remembers of the reporting views, in its own schema. */
import type { Database, Query } from '@causeway/runtime/postgres/database';
import type { StatedBefore } from './difference.ts';
import type { Outgoing, OutgoingStore } from './outgoing.ts';
import type { KnownPerson } from './person.ts';
import type { Position } from './reporting-database.ts';
import type { Row } from './row.ts';
import type { Stands } from './standing.ts';

export type ViewState = {
  generation: string;
  beganAt: string;
  complete: boolean;
  mark: Position | undefined;
  sweptAt: Date | null;
};

export type RowState = {
  rowId: string;
  personId: string;
  version: number;
  hash: string;
  problem: string | null;
  said: StatedBefore | null;
  stands: Stands | null;
};

export type PersonState = { personId: string; hash: string; identity: KnownPerson };

/** What one page of rows leads to, written in one transaction. */
type Step = {
  view: string;
  rows: readonly RowState[];
  gone: readonly string[];
  people: readonly PersonState[];
  outgoing: readonly Outgoing[];
};

export type Store = OutgoingStore & {
  prepare(): Promise<void>;
  /** The state of a view, begun with these values where it is new. */
  view(name: string, generation: string, beganAt: string): Promise<ViewState>;
  mark(name: string, mark: Position): Promise<void>;
  swept(name: string): Promise<void>;
  rows(view: string, rowIds: readonly string[]): Promise<Map<string, RowState>>;
  /** Ids of some rows of a view, at random. */
  someRows(view: string, count: number): Promise<string[]>;
  people(personIds: readonly string[]): Promise<Map<string, PersonState>>;
  /** Rows that stand for a person, in any view. */
  standing(personIds: readonly string[]): Promise<(RowState & { view: string })[]>;
  /** Rows whose interest or safeguard is to be said again by that day. */
  toRenew(today: string, limit: number): Promise<(RowState & { view: string })[]>;
  personIdsAfter(personId: string, limit: number): Promise<string[]>;
  apply(step: Step): Promise<void>;
  /** Views that have been read whole at least once. */
  completeViews(): Promise<string[]>;
  /** Drops people whom no row is about any more. */
  forgetPeople(): Promise<void>;
  sweep: Sweep;
};

/** The tables of a sweep that is under way. */
type Sweep = {
  begin(view: string): Promise<void>;
  /** Notes that the rows are there; returns how many were not noted yet. */
  note(view: string, rowIds: readonly string[]): Promise<number>;
  /** Keeps rows that differ until the whole view was read. */
  keep(view: string, rows: readonly { rowId: string; row: Row }[]): Promise<void>;
  found(view: string, limit: number): Promise<{ rowId: string; row: Row }[]>;
  /** Rows that were kept and have been worked on. */
  worked(view: string, rowIds: readonly string[]): Promise<void>;
  known(view: string): Promise<number>;
  missing(view: string): Promise<number>;
  missingAfter(view: string, after: string, limit: number): Promise<string[]>;
  end(view: string): Promise<void>;
};

const MIGRATIONS = new URL('migrations', import.meta.url);

const ROW = `row_id as "rowId", person_id as "personId", version, hash, problem, said, stands`;

const json = (value: unknown): string | null =>
  value === null || value === undefined ? null : JSON.stringify(value);

export const createStore = (database: Database): Store => {
  const { query } = database;
  return {
    prepare: () => database.migrate(MIGRATIONS, 'reporting_migrations'),
    async view(name, generation, beganAt) {
      await query(
        'insert into reporting_view (view, generation, began_at) values ($1, $2, $3) on conflict do nothing',
        [name, generation, beganAt],
      );
      const [row] = await query<ViewState & { markChangedAt: string | null; markRowId: string | null }>(
        `select generation, began_at as "beganAt", complete, mark_changed_at as "markChangedAt", mark_row_id as "markRowId",
           swept_at as "sweptAt"
         from reporting_view where view = $1`,
        [name],
      );
      if (row === undefined) throw new Error('a view that was just written is gone');
      const { markChangedAt, markRowId, ...state } = row;
      return {
        ...state,
        mark: markChangedAt === null ? undefined : { changedAt: markChangedAt, rowId: markRowId },
      };
    },
    async mark(name, { changedAt, rowId }) {
      await query('update reporting_view set mark_changed_at = $2, mark_row_id = $3 where view = $1', [
        name,
        changedAt,
        rowId,
      ]);
    },
    async swept(name) {
      await query('update reporting_view set complete = true, swept_at = now() where view = $1', [name]);
    },
    async rows(view, rowIds) {
      const found = await query<RowState>(
        `select ${ROW} from reporting_row where view = $1 and row_id = any($2)`,
        [view, rowIds],
      );
      return new Map(found.map((row) => [row.rowId, row]));
    },
    async someRows(view, count) {
      const found = await query<{ id: string }>(
        'select row_id as id from reporting_row where view = $1 order by random() limit $2',
        [view, count],
      );
      return found.map(({ id }) => id);
    },
    async people(personIds) {
      const found = await query<PersonState>(
        'select person_id as "personId", hash, identity from reporting_person where person_id = any($1)',
        [personIds],
      );
      return new Map(found.map((person) => [person.personId, person]));
    },
    standing: (personIds) =>
      query(
        `select view, ${ROW} from reporting_row
         where renew_on is not null
           and exists (select from json_array_elements_text(stands->'people') as other (id) where other.id = any($1))`,
        [personIds],
      ),
    toRenew: (today, limit) =>
      query(`select view, ${ROW} from reporting_row where renew_on <= $1 order by view, row_id limit $2`, [
        today,
        limit,
      ]),
    async personIdsAfter(personId, limit) {
      const found = await query<{ id: string }>(
        'select person_id as id from reporting_person where person_id > $1 order by person_id limit $2',
        [personId, limit],
      );
      return found.map(({ id }) => id);
    },
    apply: (step) => database.transaction((inTransaction) => apply(inTransaction, step)),
    outgoing: (limit) => query('select id, message from reporting_outgoing order by id limit $1', [limit]),
    async sent(ids) {
      await query('delete from reporting_outgoing where id = any($1)', [ids]);
    },
    async refused(view, rowId, reason, said) {
      await query('update reporting_row set problem = $3, said = $4 where view = $1 and row_id = $2', [
        view,
        rowId,
        reason,
        json(said),
      ]);
    },
    async completeViews() {
      const rows = await query<{ view: string }>('select view from reporting_view where complete');
      return rows.map(({ view }) => view);
    },
    async forgetPeople() {
      await query(`delete from reporting_person as person
        where not exists (select from reporting_row where reporting_row.person_id = person.person_id)
          and not exists (select from reporting_row, json_array_elements_text(stands->'people') as other (id)
            where stands is not null and other.id = person.person_id)`);
    },
    sweep: createSweep(query),
  };
};

const apply = async (query: Query, { view, rows, gone, people, outgoing }: Step): Promise<void> => {
  if (rows.length > 0)
    await query(
      `insert into reporting_row (view, row_id, person_id, version, hash, problem, said, stands, renew_on)
       select $1, * from unnest($2::text[], $3::text[], $4::int[], $5::text[], $6::text[], $7::json[], $8::json[], $9::date[])
       on conflict (view, row_id) do update set person_id = excluded.person_id, version = excluded.version,
         hash = excluded.hash, problem = excluded.problem, said = excluded.said, stands = excluded.stands,
         renew_on = excluded.renew_on`,
      [
        view,
        rows.map((row) => row.rowId),
        rows.map((row) => row.personId),
        rows.map((row) => row.version),
        rows.map((row) => row.hash),
        rows.map((row) => row.problem),
        rows.map((row) => json(row.said)),
        rows.map((row) => json(row.stands)),
        rows.map((row) => (row.stands === null || isOver(row.stands) ? null : row.stands.renewOn)),
      ],
    );
  if (gone.length > 0)
    await query('delete from reporting_row where view = $1 and row_id = any($2)', [view, gone]);
  if (people.length > 0)
    await query(
      `insert into reporting_person (person_id, hash, identity)
       select * from unnest($1::text[], $2::text[], $3::json[])
       on conflict (person_id) do update set hash = excluded.hash, identity = excluded.identity`,
      [
        people.map(({ personId }) => personId),
        people.map(({ hash }) => hash),
        people.map(({ identity }) => json(identity)),
      ],
    );
  if (outgoing.length > 0)
    await query('insert into reporting_outgoing (message) select * from unnest($1::json[])', [
      outgoing.map(json),
    ]);
};

/** A case that has ended is not said again. */
const isOver = ({ interest }: Stands): boolean => interest?.until !== undefined;

const createSweep = (query: Query): Sweep => {
  const emptied = async (view: string): Promise<void> => {
    await query('delete from reporting_swept where view = $1', [view]);
    await query('delete from reporting_found where view = $1', [view]);
  };
  const MISSING = `from reporting_row where view = $1 and not exists (
    select from reporting_swept where reporting_swept.view = $1 and reporting_swept.row_id = reporting_row.row_id)`;
  return {
    begin: emptied,
    end: emptied,
    async note(view, rowIds) {
      const noted = await query(
        `insert into reporting_swept (view, row_id) select $1, unnest($2::text[])
         on conflict do nothing returning row_id`,
        [view, rowIds],
      );
      return noted.length;
    },
    async keep(view, rows) {
      await query(
        `insert into reporting_found (view, row_id, row) select $1, * from unnest($2::text[], $3::json[])
         on conflict do nothing`,
        [view, rows.map(({ rowId }) => rowId), rows.map(({ row }) => json(row))],
      );
    },
    found: (view, limit) =>
      query('select row_id as "rowId", row from reporting_found where view = $1 order by row_id limit $2', [
        view,
        limit,
      ]),
    async worked(view, rowIds) {
      await query('delete from reporting_found where view = $1 and row_id = any($2)', [view, rowIds]);
    },
    async known(view) {
      const [row] = await query<{ count: number }>(
        'select count(*) as count from reporting_row where view = $1',
        [view],
      );
      return row?.count ?? 0;
    },
    async missing(view) {
      const [row] = await query<{ count: number }>(`select count(*) as count ${MISSING}`, [view]);
      return row?.count ?? 0;
    },
    async missingAfter(view, after, limit) {
      const rows = await query<{ id: string }>(
        `select row_id as id ${MISSING} and row_id > $2 order by row_id limit $3`,
        [view, after, limit],
      );
      return rows.map(({ id }) => id);
    },
  };
};
