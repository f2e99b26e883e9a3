import { Problem } from '@causeway/runtime/service/http-server';

/** What a reader asks for, in the form in which it is checked and documented: one declaration for both. */
export const LIMIT = { minimum: 1, maximum: 1000, default: 100 };
export const WAIT_SECONDS = { minimum: 0, maximum: 30, default: 0 };
export const TYPE_PATTERN = '^uk\\.causeway\\.[a-z][a-z0-9-]*(\\.[a-z][a-z0-9-]*)+\\.v[1-9][0-9]*$';
export const SUBJECT_PATTERN = '^[A-Za-z0-9_-]{22}$';
export const EVENT_ID_PATTERN = '^[A-Za-z0-9_-]{16,64}$';
const TIME_PATTERN =
  '^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])T([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)$';
const MAX_TEXT = 200;

/** Where a reader starts: behind a cursor, at a time (milliseconds since 1970), or at the oldest event. */
export type Start = { after: string } | { from: number } | 'oldest';

export type Filter = { type: string | undefined; subject: string | undefined };
export type EventQuery = Filter & { start: Start; limit: number; waitMs: number };
export type StreamQuery = Filter & { start: Start };

type Fault = { parameter: string; detail: string };
type Bounds = { minimum: number; maximum: number; default: number };

/**
 * The query of GET /v1/events. Faults are all named at once; values are not repeated.
 *
 * @throws Problem 400 `invalid-parameter` with a member `parameters`
 */
export const parseEventQuery = (url: string): EventQuery => {
  const query = parametersOf(url, ['after', 'from', 'limit', 'wait', 'type', 'subject']);
  return query.checked({
    start: startOf(query, query.get('after')),
    limit: whole(query, 'limit', LIMIT),
    waitMs: whole(query, 'wait', WAIT_SECONDS) * 1000,
    ...filterOf(query),
  });
};

/**
 * The query of GET /v1/events/stream. A browser and most clients repeat the address when they connect again and send the id of the last event
 * beside it: so that counts before `after` and `from`.
 *
 * @throws Problem 400 `invalid-parameter` with a member `parameters`
 */
export const parseStreamQuery = (url: string, lastEventId: string | undefined): StreamQuery => {
  const query = parametersOf(url, ['after', 'from', 'type', 'subject']);
  const own = startOf(query, query.get('after'));
  return query.checked({ start: lastEventId ? { after: lastEventId } : own, ...filterOf(query) });
};

export type Parameters = {
  get(name: string): string | undefined;
  fault(parameter: string, detail: string): void;
  /** @throws Problem where there was a fault */
  checked<T>(value: T): T;
};

/** The parameters of an address, each at most once. */
export const parametersOf = (url: string, known: readonly string[]): Parameters => {
  const given = new URLSearchParams(url.includes('?') ? url.slice(url.indexOf('?') + 1) : '');
  const faults: Fault[] = [];
  for (const name of new Set(given.keys())) {
    if (!known.includes(name))
      faults.push({ parameter: shown(name), detail: `Unknown. The parameters are ${known.join(', ')}.` });
    else if (given.getAll(name).length > 1) faults.push({ parameter: name, detail: 'Give it once.' });
  }
  return {
    get: (name) => given.get(name) ?? undefined,
    fault: (parameter, detail) => void faults.push({ parameter, detail }),
    checked: (value) => {
      if (faults.length > 0) throw refused(faults);
      return value;
    },
  };
};

const startOf = (query: Parameters, after: string | undefined): Start => {
  const from = query.get('from');
  if (after === '')
    query.fault('after', 'Give the member `next` of the last page, or omit it to start at the oldest event.');
  if (after !== undefined && from !== undefined)
    query.fault('from', 'Give either `after` or `from`: a cursor already sets the start.');
  if (after !== undefined) return { after };
  if (from === undefined) return 'oldest';
  const time = new RegExp(TIME_PATTERN).test(from) ? Date.parse(from) : Number.NaN;
  if (Number.isNaN(time) || time < 0)
    query.fault('from', 'Give a date and time with offset, such as 2026-11-01T00:00:00Z (+ written as %2B).');
  return { from: time };
};

const filterOf = (query: Parameters): Filter => ({
  type: matching(
    query,
    'type',
    TYPE_PATTERN,
    'Give the full name of an event type, such as uk.causeway.<domain>.<fact>.v1.',
  ),
  subject: matching(
    query,
    'subject',
    SUBJECT_PATTERN,
    'Give the 22 characters of the member subject of an event.',
  ),
});

/** A whole number within bounds. */
export const whole = (query: Parameters, parameter: string, bounds: Bounds): number => {
  const value = query.get(parameter);
  if (value === undefined) return bounds.default;
  const number = /^(0|[1-9]\d{0,8})$/.test(value) ? Number(value) : Number.NaN;
  if (number >= bounds.minimum && number <= bounds.maximum) return number;
  query.fault(parameter, `Give a whole number from ${bounds.minimum} to ${bounds.maximum}, or omit it.`);
  return bounds.default;
};

const matching = (query: Parameters, parameter: string, pattern: string, detail: string) => {
  const value = query.get(parameter);
  if (value !== undefined && (value.length > MAX_TEXT || !new RegExp(pattern).test(value)))
    query.fault(parameter, detail);
  return value;
};

const refused = (parameters: Fault[]): Problem =>
  new Problem(
    400,
    'invalid-parameter',
    'The request is not valid',
    'Correct the parameters listed in `parameters`.',
    { parameters },
  );

/** The name of an unknown parameter is the caller's text: short and plain, or not at all. */
const shown = (name: string): string => (/^[A-Za-z0-9_.-]{1,40}$/.test(name) ? name : '(another parameter)');
