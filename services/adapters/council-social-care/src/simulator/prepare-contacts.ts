/** The staging table of a simulated council, which has no DBA. */
import { readFileSync } from 'node:fs';
import { PermanentError } from '@causeway/runtime/errors';
import type { Database } from '@causeway/runtime/postgres/database';

/** What a council's DBA runs. */
export const CONTACT_TABLE_SQL = new URL('../contacts/inbound_contact.sql', import.meta.url);

/** Makes the table in the connection's schema where it is not there. May be called again and by several at once. */
export const prepareContactTable = (database: Pick<Database, 'transaction'>): Promise<void> =>
  database.transaction(async (query) => {
    await query("select pg_advisory_xact_lock(hashtextextended('inbound_contact', 0))");
    const [found] = await query<{ there: boolean }>(
      "select to_regclass('inbound_contact') is not null as there",
    );
    if (!found?.there) await query(readFileSync(CONTACT_TABLE_SQL, 'utf8'));
  });

/**
 * A simulator answers partners in the council's name, so it works only in a database that it can have made itself: an empty one, or one with
 * nothing but the simulated casework.
 * @throws PermanentError `not-simulated`
 */
export const refuseRealDatabase = async (database: Pick<Database, 'query'>): Promise<void> => {
  const [found] = await database.query<{ foreign: number; casework: boolean; contacts: boolean }>(
    `select count(*) filter (where schemaname <> 'casework' and tablename <> 'inbound_contact') as foreign,
       bool_or(schemaname = 'casework') as casework, bool_or(tablename = 'inbound_contact') as contacts
     from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  if (found === undefined || (found.foreign === 0 && (found.casework || !found.contacts))) return;
  throw new PermanentError(
    'not-simulated',
    'COUNCIL_DATABASE_URL is a real database: the simulated front door works only in one of its own',
  );
};
