/**
 * The two errors that decide an outcome. Whoever throws knows whether a second try can help; the one place
 * that owns the retries only asks `isPermanent`. An error of any other class is a defect or an outage nobody
 * foresaw and is treated as retryable, because giving up loses something and trying again does not.
 *
 * `code` is a stable word in kebab-case: it becomes the reason of a dead letter, a metric label, a log field.
 * Neither code nor message ever carries personal data.
 */

/** The same thing may succeed later: an outage, a time-out, a lost leadership. */
export class RetryableError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'RetryableError';
    this.code = code;
  }
}

/** Trying the same thing again cannot help: the input, the request or the configuration is wrong. */
export class PermanentError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
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
