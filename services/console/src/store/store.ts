import { errorCode, RetryableError } from '@causeway/runtime/errors';
import { connectDatabase, type Database } from '@causeway/runtime/postgres/database';
import type { Logger } from '@causeway/runtime/telemetry/log';
import { within } from '../measurement/deadline.ts';

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
  const migrate = async () => {
    for (let said = false; !signal.aborted; ) {
      try {
        return await database.migrate(MIGRATIONS);
      } catch (error) {
        if (!said) log.warn({ err: error }, 'the tables cannot be made now; trying again');
        said = true;
        await pause(RETRY_MS, signal);
      }
    }
  };
  return { ...database, migrated: migrate() };
}

const PATIENCE_MS = 4_000;

/**
 * The same for pages: somebody waits. A database that has stopped without a word is away after four seconds.
 * @throws RetryableError `database-unavailable`
 */
export function forPages(store: Pick<Store, 'query' | 'transaction'>): Pick<Store, 'query' | 'transaction'> {
  const soon = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await within(PATIENCE_MS, work);
    } catch (error) {
      if (errorCode(error) !== 'no-answer') throw error;
      throw new RetryableError('database-unavailable', 'PostgreSQL does not answer', { cause: error });
    }
  };
  return {
    query: (sql, params) => soon(store.query(sql, params)),
    // Whether it was committed must be known.
    transaction: store.transaction,
  };
}

/** Resolves after `ms`, or as soon as `signal` is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
