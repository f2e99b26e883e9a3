/** The query files: a council puts its own in a folder of its own, file by file; the rest stays as it comes with the adapter. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PermanentError } from '@causeway/runtime/errors';
import type { ReportingQuery } from './reporting-database.ts';

const SHIPPED = fileURLToPath(new URL('queries', import.meta.url));

/** @throws PermanentError `configuration` where a file cannot be read or is empty */
export const loadQuery = (name: string, directory: string | undefined): ReportingQuery => {
  const own = directory === undefined ? undefined : join(directory, `${name}.sql`);
  const path = own !== undefined && existsSync(own) ? own : join(SHIPPED, `${name}.sql`);
  let sql: string;
  try {
    sql = readFileSync(path, 'utf8').trim();
  } catch {
    throw new PermanentError('configuration', `the query file ${name}.sql cannot be read`);
  }
  if (sql === '') throw new PermanentError('configuration', `the query file ${name}.sql is empty`);
  return { name, sql };
};
