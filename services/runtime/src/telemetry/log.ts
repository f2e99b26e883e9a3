import pino from 'pino';
import type { LogEvent } from './log-events.ts';

type Write = (fields: { event: LogEvent } & Record<string, unknown>, message: string) => void;

/** A pino logger whose lines of level `info` and above name their event; `debug` and `trace` are free. */
export type Logger = Pick<pino.Logger, 'debug' | 'trace'> &
  Record<'fatal' | 'error' | 'warn' | 'info', Write> & { child(bindings: pino.Bindings): Logger };
type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

/**
 * What a log line never shows, at any depth: credentials, and what says something about a person. Code does not
 * log such things in the first place; the list is the net below it. Compared without case, `-` and `_`.
 */
const REDACTED_KEYS: readonly string[] = [
  ...['authorization', 'proxyAuthorization', 'cookie', 'setCookie', 'password', 'passphrase', 'secret'],
  ...['clientSecret', 'token', 'accessToken', 'idToken', 'refreshToken', 'privateKey', 'partnershipKey'],
  ...['signingKey', 'sessionKey', 'cursorKey', 'connectionString', 'databaseUrl'],
  ...['person', 'patient', 'child', 'children', 'name', 'familyName', 'givenName', 'givenNames', 'firstName'],
  ...['lastName', 'surname', 'forename', 'forenames', 'fullName', 'dateOfBirth', 'dob', 'birthDate'],
  ...['nhsNumber', 'upn', 'pncId', 'address', 'postcode', 'telephone', 'email', 'narrative', 'description'],
  ...[
    'freeText',
    'data',
    'body',
    'payload',
    'params',
    'parameters',
    'headers',
    'rawHeaders',
    'req',
    'request',
    'res',
    'response',
  ],
];

const REDACTED = new Set(REDACTED_KEYS.map(plain));
const MAX_DEPTH = 6;

/**
 * A logger that writes one JSON object per line to standard output, synchronously, so that the last line before
 * an exit is there. Errors are reduced to type, code, message, stack and cause: drivers hang whole rows and
 * requests on theirs. Bytes are shown as their length.
 */
export function createLogger(name: string, level: LogLevel, destination?: pino.DestinationStream): Logger {
  const options: pino.LoggerOptions = {
    level,
    base: { service: name },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: {
      level: (label) => ({ level: label }),
      log: (object) => redact(object, 0) as Record<string, unknown>,
    },
    serializers: { err: describeError },
    // Bindings of a child logger do not pass the formatter above.
    redact: { paths: [...REDACTED_KEYS], censor: '[redacted]' },
  };
  return destination ? pino(options, destination) : pino(options, pino.destination({ dest: 1, sync: true }));
}

function redact(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (value instanceof Error) return describeError(value);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth === MAX_DEPTH) return '[too deep]';
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  const entries = Object.entries(value).map(([key, item]) => [key, redactEntry(key, item, depth)]);
  return Object.fromEntries(entries);
}

function plain(key: string): string {
  return key.replace(/[-_]/g, '').toLowerCase();
}

function redactEntry(key: string, item: unknown, depth: number): unknown {
  return isRedacted(key) ? '[redacted]' : redact(item, depth + 1);
}

/** Keys are a small set; the limit only guards against ones that are not. */
const MOST_KEYS = 1_000;
const knownKeys = new Map<string, boolean>();

function isRedacted(key: string): boolean {
  const known = knownKeys.get(key);
  if (known !== undefined) return known;
  const redacted = REDACTED.has(plain(key));
  if (knownKeys.size < MOST_KEYS) knownKeys.set(key, redacted);
  return redacted;
}

function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = 'code' in error ? { code: error.code } : {};
  const cause = error.cause === undefined ? {} : { cause: describeError(error.cause) };
  return { type: error.name, ...code, message: error.message, stack: error.stack, ...cause };
}
