import { isWord, timeOf } from '../journeys/checks.ts';
import { type Filter, STATES } from './dead-letters.ts';
import { LONGEST_REASON } from './redrive.ts';

type Given = Record<string, unknown>;

/** The filter of an address, a form or an API request; what is not a word is left out. */
export function filterIn(given: Given): Filter {
  const word = (name: string) => (isWord(given[name]) ? { [name]: given[name] } : {});
  const state = STATES.find((known) => known === given.state);
  return {
    ...word('organisation'),
    ...word('component'),
    ...word('reason'),
    ...word('type'),
    ...(state ? { state } : {}),
  };
}

/** The filter as the query of an address. */
export function queryOf({ organisation, component, reason, type, state }: Filter): string {
  const entries = Object.entries({ organisation, component, reason, type, state });
  return new URLSearchParams(
    entries.filter((entry): entry is [string, string] => entry[1] !== undefined),
  ).toString();
}

/** `<organisation>/<offset>` of ticked rows: one, several or none. */
export function pickedIn(pick: unknown): string[] {
  const all = Array.isArray(pick) ? pick : [pick];
  return all.filter(
    (one): one is string => typeof one === 'string' && /^[a-z][a-z0-9-]{1,62}\/\d{1,15}$/.test(one),
  );
}

/** Where the page before ended: `<time>/<organisation>/<offset>`. */
export function pageAfter({ after }: Given) {
  const [at = '', organisation, offset] = typeof after === 'string' ? after.split('/') : [];
  const time = timeOf(at);
  if (time === undefined || !isWord(organisation) || !/^\d{1,15}$/.test(offset ?? '')) return undefined;
  return { at: new Date(time), organisation, offset: Number(offset) };
}

/** The reason in the person's own words; undefined where none was given. */
export function reasonIn({ why, reason }: Given): string | undefined {
  const given = typeof why === 'string' ? why : reason;
  if (typeof given !== 'string') return undefined;
  const text = given.trim();
  // PostgreSQL keeps it, and neither NUL nor half a character is a text to it.
  const isText = text.isWellFormed() && !text.includes('\0');
  return isText && text.length >= 3 && text.length <= LONGEST_REASON ? text : undefined;
}
