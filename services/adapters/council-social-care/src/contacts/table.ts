/**
 * The staging table in the council's database: what the adapter asks of it, and the same for PostgreSQL. A council whose table is in
 * another database gives `ContactTable` over its driver.
 */

import { errorCode } from '@causeway/runtime/errors';
import type { Database, Query } from '@causeway/runtime/postgres/database';
import { type ContactRow, type Corrects, standingAfter } from './contact.ts';

export type ContactTable = {
  /** Whatever keeps the adapter from working with the table, each in one sentence; none where it can. @throws RetryableError */
  problems(): Promise<string[]>;
  /** Puts a contact in, once for each event, and links it with what it corrects. @throws RetryableError, PermanentError */
  put(row: ContactRow, corrects: Corrects | undefined): Promise<void>;
  /** Rows above `after` about which the council has said something that their partner has not been told. */
  untold(after: number): Promise<ContactAnswer[]>;
  /** The partner has been told this much. `note` is for whoever answered; null takes an earlier one away. */
  told(answer: ContactAnswer, note: string | null): Promise<void>;
  /** Writes only the note, where the table lets us and says something else yet. */
  note(answer: ContactAnswer, note: string): Promise<void>;
};

/** What the council's people have written into a row. */
export type ContactAnswer = {
  contactId: number;
  eventId: string;
  position: string;
  state: string | null;
  team: string | null;
  reference: string | null;
};

type Expected = { types: readonly string[]; rights: readonly Right[] };
type Right = 'select' | 'insert' | 'update';

const TEXT = ['text', 'character varying', 'character'];
const NUMBER = ['bigint', 'integer'];
const TIME = ['timestamp with time zone'];
const JSON_TYPES = ['jsonb', 'json', 'text'];

const read = (types: readonly string[]): Expected => ({ types, rights: ['select'] });
const filled = (types: readonly string[]): Expected => ({ types, rights: ['select', 'insert'] });
const kept = (types: readonly string[]): Expected => ({ types, rights: ['select', 'update'] });

const COLUMNS: Record<string, Expected> = {
  contact_id: read(NUMBER),
  state: read(TEXT),
  team: read(TEXT),
  reference: read(TEXT),
  priority: filled(TEXT),
  act_by: filled(TEXT),
  person_name: filled(TEXT),
  date_of_birth: filled(TEXT),
  summary: filled(TEXT),
  ring: filled(TEXT),
  handling: filled(TEXT),
  match: filled(TEXT),
  received_from: filled(TEXT),
  act_by_at: filled(TIME),
  happened_at: filled(TIME),
  event_id: filled(TEXT),
  event_source: filled(TEXT),
  event_type: filled(TEXT),
  event_corrects: filled(TEXT),
  inbox_position: filled(TEXT),
  event: filled(JSON_TYPES),
  standing: kept(TEXT),
  corrects: kept(NUMBER),
  corrected_by: kept(NUMBER),
  told_state: kept(TEXT),
  told_team: kept(TEXT),
  told_reference: kept(TEXT),
};

const SHAPE = `
  select attname as name, format_type(atttypid, null) as type,
    attnotnull and not atthasdef and attidentity = '' as required,
    has_column_privilege(attrelid, attnum, 'select') as "select",
    has_column_privilege(attrelid, attnum, 'insert') as "insert",
    has_column_privilege(attrelid, attnum, 'update') as "update"
  from pg_attribute where attrelid = to_regclass($1) and attnum > 0 and not attisdropped`;

const UNIQUE = `
  select 1 from pg_index where indrelid = to_regclass($1) and indisunique and indpred is null and
    (select array_agg(attname::text order by attname) from pg_attribute
     where attrelid = indrelid and attnum = any(indkey)) = array['event_id', 'event_source']`;

/** Without the right to use its schema a table cannot even be looked for. */
const NO_PRIVILEGE = 'database-42501';

type Column = { name: string; type: string; required: boolean } & Record<Right, boolean>;

export const createContactTable = (
  database: Pick<Database, 'query' | 'transaction'>,
  { schema, table }: { schema: string; table: string },
): ContactTable => {
  const { query } = database;
  const name = `"${schema}"."${table}"`;
  const filledColumns = Object.keys(COLUMNS).filter((column) => COLUMNS[column]?.rights.includes('insert'));
  let mayNote: boolean | undefined;

  const insert = `
    insert into ${name} (${filledColumns.join(', ')})
    values (${filledColumns.map((_, index) => `$${index + 1}`).join(', ')})
    on conflict (event_id, event_source) do nothing returning contact_id`;

  const place = (column: keyof ContactRow) => `$${filledColumns.indexOf(column) + 1}`;
  /** Nearly every contact neither corrects one nor is corrected: it is put in at one go. */
  const insertUnlessCorrected = `
    with later as (select from ${name} where event_corrects = ${place('event_id')}
      and split_part(event_source, '/', 2) = split_part(${place('event_source')}, '/', 2)),
    added as (insert into ${name} (${filledColumns.join(', ')})
      select ${filledColumns.map((_, index) => `$${index + 1}`).join(', ')} where not exists (select from later)
      on conflict (event_id, event_source) do nothing)
    select exists (select from later) as corrected`;

  const problems = async (): Promise<string[]> => {
    const columns = await query<Column>(SHAPE, [name]).catch((error) => {
      if (errorCode(error) === NO_PRIVILEGE) return [];
      throw error;
    });
    if (columns.length === 0)
      return [
        `the table ${schema}.${table} is not there, or its schema may not be used; see inbound_contact.sql`,
      ];
    const unique = await query(UNIQUE, [name]);
    mayNote = columns.find((column) => column.name === 'note')?.update ?? false;
    return [
      ...shapeProblems(columns),
      ...(unique.length > 0 ? [] : ['a unique constraint on event_id and event_source is missing']),
    ];
  };

  const noting = async (): Promise<boolean> => {
    if (mayNote === undefined) await problems();
    return mayNote === true;
  };

  return {
    problems,
    async put(row, corrects) {
      const values = filledColumns.map((column) => row[column as keyof ContactRow]);
      if (corrects === undefined) {
        const [found] = await query<{ corrected: boolean }>(insertUnlessCorrected, values);
        if (!found?.corrected) return;
      }
      await database.transaction(async (run) => {
        const [added] = await run<{ contact_id: number }>(insert, values);
        if (added === undefined) return;
        await linkEarlier(run, name, added.contact_id, corrects);
        await linkLater(run, name, added.contact_id, row);
      });
    },
    async untold(after) {
      const rows = await query<Untold>(
        `select contact_id, event_id, inbox_position, state, team, reference from ${name}
         where state is distinct from 'new' and (told_state is distinct from state
           or told_team is distinct from team or told_reference is distinct from reference)
           and contact_id > $1 order by contact_id limit 200`,
        [after],
      );
      return rows.map(({ contact_id, event_id, inbox_position, ...said }) => ({
        contactId: contact_id,
        eventId: event_id,
        position: inbox_position,
        ...said,
      }));
    },
    async told({ contactId, state, team, reference }, note) {
      const alsoNote = await noting();
      await query(
        `update ${name} set told_state = $2, told_team = $3, told_reference = $4
           ${alsoNote ? ', note = $5' : ''} where contact_id = $1`,
        [contactId, state, team, reference, ...(alsoNote ? [note] : [])],
      );
    },
    async note({ contactId }, note) {
      if (!(await noting())) return;
      await query(`update ${name} set note = $2 where contact_id = $1 and note is distinct from $2`, [
        contactId,
        note,
      ]);
    },
  };
};

type Untold = Pick<ContactAnswer, 'state' | 'team' | 'reference'> & {
  contact_id: number;
  event_id: string;
  inbox_position: string;
};

const shapeProblems = (columns: readonly Column[]): string[] => {
  const found = new Map(columns.map((column) => [column.name, column]));
  const expected = Object.entries(COLUMNS).flatMap(([name, { types, rights }]) => {
    const column = found.get(name);
    if (column === undefined) return [`the column ${name} is missing`];
    if (!types.includes(column.type)) return [`the column ${name} is not ${types.join(' or ')}`];
    const lacking = rights.filter((right) => !column[right]);
    return lacking.length === 0 ? [] : [`the right to ${lacking.join(' and ')} ${name} is missing`];
  });
  const unknown = columns
    .filter(({ name, required }) => required && !(COLUMNS[name]?.rights.includes('insert') ?? false))
    .map(({ name }) => `the column ${name} must be null or have a default`);
  return [...expected, ...unknown];
};

/** A partner puts right its own contacts only. */
const linkEarlier = async (
  run: Query,
  name: string,
  contactId: number,
  corrects: Corrects | undefined,
): Promise<void> => {
  if (corrects === undefined) return;
  const { organisation, types, eventId, named, standing } = corrects;
  const byEvent = eventId !== null;
  const [earlier] = await run<{ contact_id: number }>(
    `select contact_id from ${name} where split_part(event_source, '/', 2) = $1 and event_type = any($2)
       and ${byEvent ? 'event_id = $3' : "event::jsonb -> 'data' ->> $4 = $3"} order by contact_id desc limit 1`,
    [organisation, types, byEvent ? eventId : named?.value, ...(byEvent ? [] : [named?.field])],
  );
  if (earlier !== undefined) await link(run, name, earlier.contact_id, contactId, standing);
};

/** The correction was there first: what it corrects had been refused, and was redriven. */
const linkLater = async (run: Query, name: string, contactId: number, row: ContactRow): Promise<void> => {
  const [later] = await run<{ contact_id: number; event_type: string }>(
    `select contact_id, event_type from ${name} where event_corrects = $1
       and split_part(event_source, '/', 2) = split_part($2, '/', 2) order by contact_id desc limit 1`,
    [row.event_id, row.event_source],
  );
  if (later !== undefined)
    await link(run, name, contactId, later.contact_id, standingAfter(later.event_type));
};

const link = async (
  run: Query,
  name: string,
  earlier: number,
  later: number,
  standing: string,
): Promise<void> => {
  await run(`update ${name} set standing = $2, corrected_by = $3 where contact_id = $1`, [
    earlier,
    standing,
    later,
  ]);
  await run(`update ${name} set corrects = $2 where contact_id = $1`, [later, earlier]);
};
