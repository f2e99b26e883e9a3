/** What the file source remembers, in its own tables. */
import type { Database } from '@causeway/runtime/postgres/database';
import type { Ended } from './facts.ts';
import type { CaseKind, Child, Values } from './stated.ts';

export type KnownCase = {
  kind: CaseKind;
  /** Token of the child. */
  child: string;
  began: string;
  /** Tells those apart that began on one day, from 1. */
  number: number;
  reference: string;
  start: Values | null;
  end: Ended | null;
  startHistory: boolean;
  endHistory: boolean;
  said: number;
  /** Which reading of a file said the last of it. */
  toldBy: string | null;
};

/** What files have said that protects a child. */
export type KnownProtection = {
  restricted: boolean;
  exclude: string[];
  adoptionFrom: string | null;
  adopted: boolean;
};

export type KnownChild = Pick<Child, 'sex' | 'born' | 'upn'>;
type ChildRow = KnownChild & { child: string };
type RememberedChild = KnownChild & { toldBy: string | null };

/** What names a case among those of its kind and child. */
export type CaseName = Pick<KnownCase, 'began' | 'number'>;

export type KnownRows = {
  /** When this reading of the file began: the same after a crash, until the file is finished. */
  begin(file: string): Promise<Date>;
  finish(file: string): Promise<void>;
  children(tokens: readonly string[]): Promise<Map<string, RememberedChild>>;
  /** By the tokens under which children are protected. */
  protections(tokens: readonly string[]): Promise<Map<string, KnownProtection>>;
  keepProtections(protections: ReadonlyMap<string, KnownProtection>): Promise<void>;
  /** All cases of a kind that these children have. */
  cases(kind: CaseKind, tokens: readonly string[]): Promise<KnownCase[]>;
  /** Keeps what is new of children, each at most once. */
  keepChildren(rows: readonly ChildRow[], toldBy: string): Promise<void>;
  /** `was`: what the case was named by before, where that has changed. */
  keepCases(cases: readonly (KnownCase & { was: CaseName })[]): Promise<void>;
  /** These were mentioned again. */
  keepAlive(cases: readonly KnownCase[]): Promise<void>;
  /** Forgets what no file has mentioned for three years. */
  forget(): Promise<void>;
};

type CaseRow = {
  kind: CaseKind;
  child: string;
  began: string;
  number: number;
  reference: string;
  start_said: Values | null;
  end_said: Ended | null;
  start_history: boolean;
  end_history: boolean;
  said: number;
  told_by: string | null;
};

export const createKnown = (database: Database): KnownRows => ({
  async begin(file) {
    const [row] = await database.query<{ first_read_at: Date }>(
      `insert into return_file (file) values ($1)
       on conflict (file) do update set finished_at = null,
         first_read_at = case when return_file.finished_at is null then return_file.first_read_at else now() end
       returning first_read_at`,
      [file],
    );
    return row?.first_read_at ?? new Date();
  },

  async finish(file) {
    await database.query('update return_file set finished_at = now() where file = $1', [file]);
  },

  async children(tokens) {
    const rows = await database.query<ChildRow & { told_by: string | null }>(
      'select child, sex, born, upn, told_by from return_child where child = any($1)',
      [tokens],
    );
    return new Map(rows.map(({ child, told_by, ...known }) => [child, { ...known, toldBy: told_by }]));
  },

  async cases(kind, tokens) {
    const rows = await database.query<CaseRow>(
      `select kind, child, began, number, reference, start_said, end_said, start_history, end_history, said, told_by
       from return_case where kind = $1 and child = any($2) order by began, number`,
      [kind, tokens],
    );
    return rows.map((row) => ({
      kind: row.kind,
      child: row.child,
      began: row.began,
      number: row.number,
      reference: row.reference,
      start: row.start_said,
      end: row.end_said,
      startHistory: row.start_history,
      endHistory: row.end_history,
      said: row.said,
      toldBy: row.told_by,
    }));
  },

  async protections(tokens) {
    const rows = await database.query<KnownProtection & { child: string; exclude: string }>(
      `select child, restricted, exclude, adoption_from as "adoptionFrom", adopted
       from return_protection where child = any($1)`,
      [tokens],
    );
    return new Map(
      rows.map(({ child, exclude, ...protection }) => [
        child,
        {
          restricted: protection.restricted,
          exclude: exclude === '' ? [] : exclude.split(' '),
          adoptionFrom: protection.adoptionFrom,
          adopted: protection.adopted,
        },
      ]),
    );
  },

  async keepProtections(protections) {
    const rows = [...protections].map(([child, { exclude, ...protection }]) => ({
      child,
      exclude: exclude.join(' '),
      ...protection,
    }));
    await database.query(
      `insert into return_protection (child, restricted, exclude, adoption_from, adopted)
       select child, restricted, exclude, "adoptionFrom", adopted from jsonb_to_recordset($1)
         as row (child text, restricted boolean, exclude text, "adoptionFrom" text, adopted boolean)
       on conflict (child) do update set restricted = excluded.restricted, exclude = excluded.exclude,
         adoption_from = excluded.adoption_from, adopted = excluded.adopted`,
      [JSON.stringify(rows)],
    );
  },

  async keepChildren(rows, toldBy) {
    // A column that the file does not have leaves what is known; an empty value does not.
    await database.query(
      `insert into return_child (child, sex, born, upn, told_by)
       select child, sex, born, upn, $5 from jsonb_to_recordset($1) as row (child text, sex text, born text, upn text)
       on conflict (child) do update set
         sex = case when $2 then excluded.sex else return_child.sex end,
         born = case when $3 then excluded.born else return_child.born end,
         upn = case when $4 then excluded.upn else return_child.upn end,
         told_by = excluded.told_by, seen_at = now()`,
      [
        JSON.stringify(rows),
        rows[0]?.sex !== undefined,
        rows[0]?.born !== undefined,
        rows[0]?.upn !== undefined,
        toldBy,
      ],
    );
  },

  keepCases: (cases) =>
    database.transaction(async (query) => {
      const renamed = cases.filter(({ was, began, number }) => was.began !== began || was.number !== number);
      if (renamed.length > 0)
        await query(
          `delete from return_case using jsonb_to_recordset($1) as row (kind text, child text, began text, number integer)
           where return_case.kind = row.kind and return_case.child = row.child
             and return_case.began = row.began and return_case.number = row.number`,
          [JSON.stringify(renamed.map(({ kind, child, was }) => ({ kind, child, ...was })))],
        );
      await query(
        `insert into return_case
           (kind, child, began, number, reference, start_said, end_said, start_history, end_history, said, told_by)
         select kind, child, began, number, reference, nullif("start", 'null'), nullif("end", 'null'), "startHistory", "endHistory", said, "toldBy"
         from jsonb_to_recordset($1) as row (kind text, child text, began text, number integer, reference text, "start" jsonb,
           "end" jsonb, "startHistory" boolean, "endHistory" boolean, said integer, "toldBy" text)
         on conflict (kind, child, began, number) do update set
           reference = excluded.reference, start_said = excluded.start_said, end_said = excluded.end_said,
           start_history = excluded.start_history, end_history = excluded.end_history, said = excluded.said,
           told_by = excluded.told_by, seen_at = now()`,
        [JSON.stringify(cases)],
      );
    }),

  async keepAlive(cases) {
    if (cases.length === 0) return;
    await database.query(
      `update return_case set seen_at = now() from jsonb_to_recordset($1) as row (kind text, child text, began text)
       where return_case.kind = row.kind and return_case.child = row.child and return_case.began = row.began
         and seen_at < now() - interval '30 days'`,
      [JSON.stringify(cases.map(({ kind, child, began }) => ({ kind, child, began })))],
    );
  },

  async forget() {
    await database.query("delete from return_case where seen_at < now() - interval '3 years'");
    await database.query("delete from return_child where seen_at < now() - interval '3 years'");
    await database.query("delete from return_file where first_read_at < now() - interval '3 years'");
  },
});
