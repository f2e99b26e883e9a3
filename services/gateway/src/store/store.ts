import { runLoop } from '@causeway/runtime/async/run-loop';
import { onceThere } from '@causeway/runtime/async/timeout';
import { connectDatabase, type Database } from '@causeway/runtime/postgres/database';
import type { Logger } from '@causeway/runtime/telemetry/log';
import type { Metrics } from '@causeway/runtime/telemetry/metrics';

/** The gateway's schema in PostgreSQL. Reading needs nothing of it, so the gateway starts without it. */
export type Store = Pick<Database, 'query' | 'transaction' | 'migrate' | 'close'>;

const MIGRATIONS = new URL('../../migrations/', import.meta.url);
const RETRY_MS = 2_000;
/** A caller is told that it cannot be done now rather than kept waiting. */
const PATIENCE_MS = 3_000;
const CONNECTIONS = 8;

export const openStore = (
  { url, schema, log, metrics }: { url: string; schema: string; log: Logger; metrics: Metrics },
  signal: AbortSignal,
): Store => {
  const database = connectDatabase({ url, schema, log, metrics, connections: CONNECTIONS });
  const migrated = runLoop({
    name: 'gateway-migration',
    signal,
    step: async () => {
      await database.migrate(MIGRATIONS);
      return 'done';
    },
    retryMs: RETRY_MS,
    log,
    metrics,
  });
  const ready = onceThere(PATIENCE_MS, 'database', migrated);
  return {
    query: async (sql, params) => {
      await ready();
      return database.query(sql, params);
    },
    transaction: async (fn) => {
      await ready();
      return database.transaction(fn);
    },
    migrate: (directory, table) => database.migrate(directory, table),
    close: () => database.close(),
  };
};
