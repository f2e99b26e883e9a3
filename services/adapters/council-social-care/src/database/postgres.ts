import { RetryableError } from '@causeway/runtime/errors';
import type { Logger } from '@causeway/runtime/telemetry/log';
import pg from 'pg';
import type { Position, ReportingDatabase, ReportingQuery } from './reporting-database.ts';
import { parseTime, type Row } from './row.ts';

type PostgresOptions = { url: string; statementMs: number; log: Logger };

const CONNECT_MS = 5_000;
/** One for pages, one for a sweep. */
const CONNECTIONS = 2;

/** A schema, table, column, function or right that is not there. */
const MISSING = /^(3F000|42P01|42703|42883|42501|3D000|28)/;
const UNAVAILABLE = /^(08|53|57P|57014|25P0[34]|25006|F0|XX)/;

/**
 * A reporting database in PostgreSQL. Its sessions are read-only, take no locks but those of reading, and end a statement after its time.
 * Every value comes as text: what a number or date means is for the translation to say, and nothing is rounded on the way.
 */
export const connectPostgres = ({ url, statementMs, log }: PostgresOptions): ReportingDatabase => {
  const pool = new pg.Pool({
    connectionString: url,
    max: CONNECTIONS,
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: statementMs,
    query_timeout: statementMs + 1_000,
    idle_in_transaction_session_timeout: 4 * statementMs,
    options:
      '-c default_transaction_read_only=on -c TimeZone=Europe/London -c DateStyle=ISO -c lock_timeout=5s',
    application_name: 'causeway council-social-care',
    keepAlive: true,
    types: { getTypeParser: () => String },
  });
  pool.on('error', (error) =>
    log.warn(
      { event: 'database.connection_lost', code: stateOf(error) ?? 'lost' },
      'reporting connection lost',
    ),
  );

  const ask = async (sql: string, params: readonly unknown[] = [], on: Asked = pool): Promise<Row[]> => {
    try {
      const { rows } = await on.query(sql, [...params]);
      return rows.map(rowOf);
    } catch (error) {
      throw reportingError(error);
    }
  };

  return {
    async now() {
      const [row] = await ask('select clock_timestamp() as now');
      const now = parseTime(row?.now ?? '');
      if (now === undefined) throw new RetryableError('query-failed', 'the reporting database tells no time');
      return now;
    },
    changed: (query, key, { changedAt, rowId }: Position, limit) =>
      ask(
        `select * from (${bare(query)}) as q where ${
          rowId === null ? 'changed_at >= $1' : `(changed_at, ${key}) > ($1, $3)`
        } order by changed_at, ${key} limit $2`,
        rowId === null ? [changedAt, limit] : [changedAt, limit, rowId],
      ),
    async *all(query, size) {
      const client = await pool.connect().catch((error) => {
        throw reportingError(error);
      });
      let broken = true;
      const onError = () => undefined;
      client.on('error', onError);
      try {
        await ask('begin isolation level repeatable read read only', [], client);
        await ask(`declare sweep no scroll cursor for select * from (${bare(query)}) as q`, [], client);
        for (;;) {
          const page = await ask(`fetch ${size} from sweep`, [], client);
          if (page.length > 0) yield page;
          if (page.length < size) break;
        }
        await ask('rollback', [], client);
        broken = false;
      } finally {
        client.off('error', onError);
        client.release(broken);
      }
    },
    async withKeys(query, key, values) {
      const select = `select * from (${bare(query)}) as q where`;
      try {
        return await ask(`${select} ${key} = any($1)`, [values]);
      } catch (error) {
        // The ids of another view need not have the type of this one's.
        if (!(error instanceof RetryableError && error.message.includes('(22P02)'))) throw error;
        return ask(`${select} cast(${key} as text) = any($1)`, [values]);
      }
    },
    close: () => pool.end(),
  };
};

type Asked = Pick<pg.Pool, 'query'> | Pick<pg.PoolClient, 'query'>;

/** Without the semicolon that an analyst's tool wants at the end. */
const bare = ({ sql }: ReportingQuery): string => `${sql.replace(/;\s*$/, '')}\n`;

const rowOf = (raw: Record<string, unknown>): Row =>
  Object.fromEntries(
    Object.entries(raw).map(([name, value]) => {
      const text = typeof value === 'string' ? value.trim() : '';
      return [name.toLowerCase(), text === '' ? null : text];
    }),
  );

const stateOf = (error: unknown): string | undefined =>
  error instanceof pg.DatabaseError ? error.code : undefined;

const reportingError = (error: unknown): RetryableError => {
  if (error instanceof RetryableError) return error;
  const state = stateOf(error);
  if (state === undefined || UNAVAILABLE.test(state))
    return new RetryableError(
      'database-unavailable',
      `the reporting database does not answer${state === undefined ? '' : ` (${state})`}`,
    );
  if (MISSING.test(state))
    return new RetryableError(
      'view-missing',
      `a view, column or right that a query needs is missing in the reporting database (${state})`,
    );
  return new RetryableError('query-failed', `the reporting database refuses a query (${state})`);
};
