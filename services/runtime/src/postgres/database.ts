import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import { PermanentError, RetryableError } from '../errors.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** Runs one statement with `$1`, `$2`… as parameters and gives its rows. */
export type Query = <T extends object = Record<string, unknown>>(
  sql: string,
  params?: readonly unknown[],
) => Promise<T[]>;

/**
 * A service's own schema in PostgreSQL. `bigint` comes as a number (an error beyond 2^53), `date` as text,
 * `timestamptz` as Date.
 *
 * Errors: RetryableError `database-unavailable` (no connection, connection lost, time-out, server going down),
 * `database-conflict` (serialisation failure, deadlock, lock not available); PermanentError
 * `database-<SQLSTATE>` for the rest, which names table and constraint but not the values.
 */
export type Database = {
  query: Query;
  /**
   * Runs `fn` in one transaction; rolled back if it throws. Where the connection is lost during COMMIT the
   * outcome is not known: the caller that tries again must be idempotent.
   */
  transaction<R>(fn: (query: Query) => Promise<R>): Promise<R>;
  /**
   * Brings the schema up to the plain .sql files of a directory, in order of their numbers, each once. Each directory
   * needs a table of its own (default `migrations`) in which to remember what has run.
   */
  migrate(directory: string | URL, table?: string): Promise<void>;
  /** A readiness check. */
  ping(): Promise<void>;
  /** Waits for running statements, then closes every connection. */
  close(): Promise<void>;
};

export type DatabaseOptions = {
  url: string;
  schema: string;
  log: Logger;
  metrics?: Metrics;
  /** Connections at most; default 10. */
  connections?: number;
  /** The server ends a statement after this time (default 10 s), the client gives up one second later. */
  statementMs?: number;
};

const CONNECT_MS = 3_000;
const MIGRATION_LOCK_MS = 60_000;

/** A pool that connects when first used and recovers by itself: nothing is opened or awaited here. */
export function connectDatabase(options: DatabaseOptions): Database {
  const { url, schema, log, metrics, connections = 10, statementMs = 10_000 } = options;
  if (!/^[a-z_][a-z0-9_]*$/.test(schema))
    throw new PermanentError('configuration', 'a schema name is a lower-case word');
  const connection = {
    connectionString: url,
    options: `-c search_path=${schema}`,
    application_name: `causeway ${schema}`,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    types: { getTypeParser },
  };
  const pool = new pg.Pool({
    ...connection,
    max: connections,
    statement_timeout: statementMs,
    // The server's limit does nothing where the server is gone without a word.
    query_timeout: statementMs + 1_000,
    idle_in_transaction_session_timeout: 3 * statementMs,
  });
  // Idle connections die with the server. Without a listener that would end the process.
  pool.on('error', (error) => lost(error));

  function lost(error: Error): void {
    metrics?.databaseErrors.inc({ kind: 'connection' });
    log.warn(
      { event: 'database.connection_lost', code: sqlState(error) ?? errorName(error) },
      'database connection lost',
    );
  }

  async function attempt<R>(work: () => Promise<R>): Promise<R> {
    try {
      return await work();
    } catch (error) {
      const known = databaseError(error);
      metrics?.databaseErrors.inc({
        kind: known.code === 'database-unavailable' ? 'connection' : 'statement',
      });
      throw known;
    }
  }

  return {
    query: (sql, params) => attempt(async () => (await pool.query(sql, [...(params ?? [])])).rows),
    transaction: (fn) => transaction(pool, attempt, lost, fn),
    migrate: (directory, table = 'migrations') =>
      attempt(() => migrate(connection, schema, directory, table, log)),
    ping: () => attempt(async () => void (await pool.query('select 1'))),
    close: once(() => pool.end()),
  };
}

type Attempt = <R>(work: () => Promise<R>) => Promise<R>;

async function transaction<R>(
  pool: pg.Pool,
  attempt: Attempt,
  lost: (error: Error) => void,
  fn: (query: Query) => Promise<R>,
): Promise<R> {
  const client = await attempt(() => pool.connect());
  // The pool listens only to idle connections; one that dies between two statements of ours must not end the process.
  let broken = false;
  const onError = (error: Error) => {
    broken = true;
    lost(error);
  };
  client.on('error', onError);
  const query: Query = (sql, params) =>
    attempt(async () => (await client.query(sql, [...(params ?? [])])).rows).catch((error) => {
      broken ||= isLost(error);
      throw error;
    });
  try {
    await query('begin');
    const result = await fn(query);
    await commit(client, attempt);
    return result;
  } catch (error) {
    broken ||= isLost(error);
    // On a broken connection the server rolls back by itself; asking it to would only wait for the time-out.
    if (!broken) await client.query('rollback').catch(() => (broken = true));
    throw error;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

/** COMMIT of a transaction in which a statement failed is answered with ROLLBACK, not with an error. */
async function commit(client: pg.PoolClient, attempt: Attempt): Promise<void> {
  const { command } = await attempt(() => client.query('commit'));
  if (command === 'COMMIT') return;
  throw new PermanentError(
    'database-rolled-back',
    'a statement failed and the transaction went on regardless',
  );
}

async function migrate(
  connection: pg.ClientConfig,
  schema: string,
  directory: string | URL,
  table: string,
  log: Logger,
): Promise<void> {
  // A connection of its own: a migration may take longer than any statement of a service.
  const client = new pg.Client({ ...connection, lock_timeout: MIGRATION_LOCK_MS });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const applied = await runMigrations(client, schema, directory, table, log);
    if (applied.length > 0)
      log.info(
        { event: 'database.migrated', schema, migrations: applied.map(({ name }) => name) },
        'database migrated',
      );
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function runMigrations(
  client: pg.Client,
  schema: string,
  directory: string | URL,
  table: string,
  log: Logger,
) {
  const quiet = () => undefined;
  try {
    return await runner({
      dbClient: client,
      dir: directory instanceof URL ? fileURLToPath(directory) : directory,
      direction: 'up',
      schema,
      createSchema: true,
      migrationsTable: table,
      // All that are due or none of them.
      singleTransaction: true,
      // Several instances start at once; one migrates, the others wait for it and find nothing left to do.
      advisoryLockMode: 'wait',
      lockValue: lockOf(schema),
      logger: {
        debug: quiet,
        info: quiet,
        error: quiet,
        warn: (text) => log.warn({ event: 'database.migrating' }, text),
      },
    });
  } catch (error) {
    // Neither an answer of the server nor a lost connection: the files themselves are wrong.
    if (error instanceof pg.DatabaseError || isConnectionError(error)) throw error;
    throw new PermanentError('migration-failed', 'the migrations cannot be run', { cause: error });
  }
}

function lockOf(schema: string): number {
  return createHash('sha256').update(`causeway migrations ${schema}`).digest().readUIntBE(0, 6);
}

// Classes 08 connection, 53 resources, 57P shut-down; 57014 is our own statement time-out; 25006 a server that
// has become a standby; 25P03 and 25P04 are sessions that the server ended.
const UNAVAILABLE = /^(08|53|57P|57014|58|25006|25P0[34]|F0|XX)/;
// Serialisation failure, deadlock, lock not available.
const CONFLICT = /^(40001|40P01|55P03)$/;

function databaseError(error: unknown): RetryableError | PermanentError {
  if (error instanceof RetryableError || error instanceof PermanentError) return error;
  const state = sqlState(error);
  if (state === undefined) {
    return new RetryableError('database-unavailable', `the database does not answer (${errorName(error)})`);
  }
  if (UNAVAILABLE.test(state))
    return new RetryableError('database-unavailable', `the database cannot answer (${state})`);
  if (CONFLICT.test(state))
    return new RetryableError('database-conflict', `another transaction was in the way (${state})`);
  // PostgreSQL quotes values in message and detail, so neither goes on, not even as the cause.
  const { table, column, constraint, routine } = error as pg.DatabaseError;
  const where = Object.entries({ table, column, constraint, routine }).filter(
    ([, name]) => name !== undefined,
  );
  const what = where.map(([kind, name]) => `${kind} ${name}`).join(', ');
  return new PermanentError(
    `database-${state}`,
    `the database refused the statement (${state}${what && `: ${what}`})`,
  );
}

function isLost(error: unknown): boolean {
  return error instanceof RetryableError && error.code === 'database-unavailable';
}

function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

/** Whether the driver lost its server; it has no error class for that. */
function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const network = ['connect', 'read', 'write', 'getaddrinfo'];
  if ('syscall' in error) return network.includes(String(error.syscall));
  return /connection|timeout/i.test(error.message);
}

function errorName(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error && /time-?out/i.test(error.message) ? 'time-out' : 'connection lost';
}

const { builtins } = pg.types;

function getTypeParser(oid: number, format?: 'text' | 'binary') {
  if (oid === builtins.INT8) return toSafeNumber;
  if (oid === builtins.DATE) return String;
  return format === 'binary' ? pg.types.getTypeParser(oid, 'binary') : pg.types.getTypeParser(oid, 'text');
}

function toSafeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value))
    throw new PermanentError('database-range', 'a bigint beyond 2^53 was read');
  return value;
}

function once(close: () => Promise<void>): () => Promise<void> {
  let closed: Promise<void> | undefined;
  return () => {
    closed ??= close();
    return closed;
  };
}
