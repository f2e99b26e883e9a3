/** For tests: a council's database with the staging table, made as the DBA makes it, and the adapter's narrow log-in. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connectDatabase, type Database } from '@causeway/runtime/postgres/database';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { testVariable } from '@causeway/testing/bus';
import { CONTACT_TABLE_SQL } from '../../simulator/prepare-contacts.ts';

export type TestCouncil = {
  schema: string;
  /** The log-in with nothing but the documented rights. */
  url: string;
  /** The DBA. */
  dba: Database;
  /** The adapter's own connection. */
  adapter: Database;
  close(): Promise<void>;
};

/** The grants that the DDL names in its comment, for this log-in. */
const grantsIn = (sql: string, role: string): string[] =>
  [...sql.matchAll(/^--\s+(grant .* to causeway_adapter);$/gm)].map(([, grant = '']) =>
    grant.replace('causeway_adapter', role),
  );

export const createTestCouncil = async (): Promise<TestCouncil> => {
  const name = `council_${randomBytes(5).toString('hex')}`;
  const log = createLogger('test', 'silent');
  const url = testVariable('DATABASE_URL');
  const dba = connectDatabase({ url, schema: name, log, connections: 4 });
  await dba.query(`create schema ${name}`);
  const sql = readFileSync(CONTACT_TABLE_SQL, 'utf8');
  await dba.query(sql);
  const password = randomBytes(12).toString('hex');
  await dba.query(`create role ${name} login password '${password}'`);
  await dba.query(`grant usage on schema ${name} to ${name}`);
  for (const grant of grantsIn(sql, name)) await dba.query(grant);
  const own = new URL(url);
  own.username = name;
  own.password = password;
  const adapter = connectDatabase({ url: own.href, schema: name, log, connections: 4 });
  return {
    schema: name,
    url: own.href,
    dba,
    adapter,
    async close() {
      await adapter.close();
      await dba.query(`drop schema ${name} cascade`);
      await dba.query(`drop owned by ${name}`);
      await dba.query(`drop role ${name}`);
      await dba.close();
    },
  };
};
