import { Problem } from '@causeway/runtime/http';

/** What a reader asks for, in the form in which it is checked and documented: one declaration for both. */
export const LIMIT = { minimum: 1, maximum: 500, default: 100 };
export const WAIT_SECONDS = { minimum: 0, maximum: 30, default: 0 };
export const TYPE_PATTERN = '^uk\\.causeway\\.[a-z][a-z0-9-]*(\\.[a-z][a-z0-9-]*)+\\.v[1-9][0-9]*$';
export const SUBJECT_PATTERN = '^[A-Za-z0-9_-]{22}$';
const MAX_TYPE = 200;

export type EventQuery = {
  after: string | undefined;
  limit: number;
  waitMs: number;
  type: string | undefined;
  subject: string | undefined;
};

type Fault = { parameter: string; detail: string };
type Bounds = { minimum: number; maximum: number; default: number };

/**
 * The query of GET /v1/events. Faults are all named at once; values are not repeated.
 *
 * @throws Problem 400 `invalid-parameter` with a member `parameters`
 */
export const parseEventQuery = (url: string): EventQuery => {
  const given = new URLSearchParams(url.includes('?') ? url.slice(url.indexOf('?') + 1) : '');
  const faults: Fault[] = [];
  const fault = (parameter: string, detail: string) => void faults.push({ parameter, detail });

  const whole = (parameter: string, bounds: Bounds): number => {
    const value = given.get(parameter);
    if (value === null) return bounds.default;
    const number = /^(0|[1-9]\d{0,8})$/.test(value) ? Number(value) : Number.NaN;
    if (number >= bounds.minimum && number <= bounds.maximum) return number;
    fault(parameter, `Give a whole number from ${bounds.minimum} to ${bounds.maximum}, or leave it out.`);
    return bounds.default;
  };
  const matching = (parameter: string, pattern: string, detail: string): string | undefined => {
    const value = given.get(parameter);
    if (value === null) return undefined;
    if (value.length > MAX_TYPE || !new RegExp(pattern).test(value)) fault(parameter, detail);
    return value;
  };

  for (const name of new Set(given.keys())) {
    if (!PARAMETERS.has(name))
      fault(shown(name), `Unknown. The parameters are ${[...PARAMETERS].join(', ')}.`);
    else if (given.getAll(name).length > 1) fault(name, 'Give it once.');
  }
  const query = {
    after: given.get('after') ?? undefined,
    limit: whole('limit', LIMIT),
    waitMs: whole('wait', WAIT_SECONDS) * 1000,
    type: matching(
      'type',
      TYPE_PATTERN,
      'Give the full name of an event type, such as uk.causeway.<domain>.<fact>.v1.',
    ),
    subject: matching(
      'subject',
      SUBJECT_PATTERN,
      'Give the 22 characters of the member subject of an event.',
    ),
  };
  if (query.after === '')
    fault('after', 'Give the member next of the last answer, or leave it out to start at the oldest event.');
  if (faults.length > 0) throw refused(faults);
  return query;
};

const PARAMETERS = new Set(['after', 'limit', 'wait', 'type', 'subject']);

const refused = (parameters: Fault[]): Problem =>
  new Problem(
    400,
    'invalid-parameter',
    'The request cannot be read as it is',
    'Correct what the member parameters names.',
    {
      parameters,
    },
  );

/** The name of an unknown parameter is the caller's text: short and plain, or not at all. */
const shown = (name: string): string => (/^[A-Za-z0-9_.-]{1,40}$/.test(name) ? name : '(another parameter)');
