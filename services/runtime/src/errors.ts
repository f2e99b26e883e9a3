/**
 * The two errors that decide an outcome. Whoever throws knows whether a second try can help; the one place
 * that owns the retries only asks `isPermanent`. An error of any other class is a defect or an outage nobody
 * foresaw and is treated as retryable, because giving up loses something and trying again does not.
 *
 * `code` is a stable word in kebab-case: it becomes the reason of a dead letter, a metric label, a log field.
 * Neither code nor message ever carries personal data.
 */

/** Every code outside a family, in alphabetical order; those of an adapter stand here too. */
export const ERROR_CODES = [
  'agreement-refused',
  'agreements-away',
  'agreements-not-current',
  'append-failed',
  'bad-date',
  'bad-reference',
  'cannot-project',
  'configuration',
  'console-ledger',
  'contact-table',
  'drop-folder-unreadable-file',
  'drop-folder-unusable',
  'endpoint-refused',
  'ends-before-it-begins',
  'fenced',
  'id-conflict',
  'incompatible-schema',
  'invalid-attribute',
  'invalid-data',
  'invalid-identifier',
  'invalid-interest',
  'invalid-link',
  'invalid-safeguard',
  'invalid-setting',
  'issuer-unavailable',
  'lane-closed',
  'lease-lost',
  'left',
  'left-open',
  'marking-too-high',
  'mesh-answer',
  'mesh-refused',
  'mesh-unavailable',
  'migration-failed',
  'missing-attribute',
  'missing-value',
  'name-not-resolved',
  'no-assignment',
  'no-identifier',
  'no-origin',
  'no-person',
  'no-subscription',
  'not-a-note',
  'not-acknowledgeable',
  'not-authorised',
  'not-possible',
  'not-redrivable',
  'not-simulated',
  'not-supported',
  'not-there',
  'nothing-to-change',
  'other-source',
  'out-of-range',
  'over',
  'partition-stopped',
  'port-in-use',
  'producer-closed',
  'producer-full',
  'query-failed',
  'reading-on',
  'registry-unavailable',
  'rms-unavailable',
  'rms-unreadable',
  'row-gone',
  'row-id-twice',
  'safeguards-not-current',
  'schema-awaited',
  'secret-unreadable',
  'sign-in-unavailable',
  'standby',
  'starting',
  'stopping',
  'taken-by-another',
  'time-out',
  'too-large',
  'type-mismatch',
  'undecodable',
  'unknown-agreement',
  'unknown-code',
  'unknown-fact',
  'unknown-schema',
  'version-exists',
  'version-not-next',
  'view-missing',
  'view-shrunk',
  'weak-key',
  'writer-broken',
  'wrong-source',
] as const;

/**
 * A code of the list or of a family: Kafka's and PostgreSQL's own names of a failure and ours about them, what did not
 * answer in time, and what the adapter of a partner adds.
 */
export type ErrorCode =
  | (typeof ERROR_CODES)[number]
  | `kafka-${string}`
  | `database-${string}`
  | `${string}-slow`
  | `adapter-${string}`;

/** The same thing may succeed later: an outage, a time-out, a lost leadership. */
export class RetryableError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'RetryableError';
    this.code = code;
  }
}

/** Trying the same thing again cannot help: the input, the request or the configuration is wrong. */
export class PermanentError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'PermanentError';
    this.code = code;
  }
}

/** Whether trying again is pointless. */
export function isPermanent(error: unknown): error is PermanentError {
  return error instanceof PermanentError;
}

/** The stable code of an error: ours, the platform's (`ECONNREFUSED`), or `unexpected`. Never its message. */
export function errorCode(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return 'unexpected';
}

/** A `RetryableError` that passes on the code of the failure behind it, ours or the platform's. */
export function retryableFor(error: unknown, message: string, options?: { cause?: unknown }): RetryableError {
  return new RetryableError(errorCode(error) as ErrorCode, message, options);
}
