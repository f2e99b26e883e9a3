/**
 * What the adapter asks of a council's reporting database. PostgreSQL is in `postgres.ts`; another product needs these functions
 * over its driver and nothing else.
 */
import type { Row } from './row.ts';

/** A query file: a SELECT whose columns have the names that the README documents, `row_id` or `person_id` among them. */
export type ReportingQuery = { name: string; sql: string };

/** How far a view has been read: `changed_at` and `row_id` exactly as the database wrote them. */
export type Position = { changedAt: string; rowId: string | null };

export type ReportingDatabase = {
  /** The server's clock as RFC 3339 with the offset of London. */
  now(): Promise<string>;
  /**
   * Rows in the order of `changed_at` and the key column, `limit` at most. With a row id those behind the position, without one those
   * that changed at its time or later. Rows without `changed_at` are left out.
   */
  changed(query: ReportingQuery, key: Key, after: Position, limit: number): Promise<Row[]>;
  /** All rows as they are at one moment, in pages of `size`, never more than one page in memory. */
  all(query: ReportingQuery, size: number): AsyncIterable<Row[]>;
  /** The rows whose column `key` has one of these values. */
  withKeys(query: ReportingQuery, key: Key, values: readonly string[]): Promise<Row[]>;
  close(): Promise<void>;
};

/** The column that names a row of a query. */
export type Key = 'row_id' | 'person_id';

// Every function throws RetryableError: `database-unavailable` where the server does not answer, `view-missing` where a table, view, column
// or right is missing, `query-failed` for any other refusal. Nothing that a row holds stands in a message.
