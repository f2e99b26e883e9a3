import { runLoop } from '@causeway/runtime/async/run-loop';
import { withTimeout } from '@causeway/runtime/async/timeout';
import { connectDatabase, type Database } from '@causeway/runtime/postgres/database';
import type { Logger } from '@causeway/runtime/telemetry/log';

export type Store = Database & {
  /** Resolves once the tables are there; a database that is away is waited for. */
  migrated: Promise<void>;
};

const MIGRATIONS = new URL('../../migrations/', import.meta.url);
const RETRY_MS = 2_000;
const CONNECTIONS = 6;

/**
 * The console's schema in PostgreSQL. A database that is away does not keep the console from starting: it is something to
 * show, and everything that needs it says so until it is back.
 */
export function openStore({
  url,
  schema,
  log,
  signal,
}: {
  url: string;
  schema: string;
  log: Logger;
  signal: AbortSignal;
}): Store {
  const database = connectDatabase({ url, schema, log, connections: CONNECTIONS });
  const step = async () => {
    await database.migrate(MIGRATIONS);
    return 'done' as const;
  };
  const migrated = runLoop({ name: 'migration', signal, step, retryMs: RETRY_MS, log });
  return { ...database, migrated };
}

const PATIENCE_MS = 4_000;

/**
 * The same for pages, where a person waits: a database that hangs counts as away after four seconds.
 * @throws RetryableError `database-unavailable`
 */
export function forPages(store: Pick<Store, 'query' | 'transaction'>): Pick<Store, 'query' | 'transaction'> {
  return {
    query: (sql, params) =>
      withTimeout(PATIENCE_MS, 'database', store.query(sql, params), 'database-unavailable'),
    // Whether it was committed must be known.
    transaction: store.transaction,
  };
}
