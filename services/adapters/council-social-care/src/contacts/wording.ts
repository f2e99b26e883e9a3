/** Values of an event as a duty worker reads them. What was not released is `not released`; what the source does not know, `not known`. */
export const NOT_RELEASED = 'not released';
const NOT_KNOWN = 'not known';

const clock = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/London',
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  timeZoneName: 'short',
});
const calendar = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  day: 'numeric',
  month: 'long',
  year: 'numeric',
});
const months = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', month: 'long', year: 'numeric' });

/** `Mon 9 Nov 2026, 20:00 GMT`: the time on the wall, and which of the two in the hour that October repeats. */
export const localTime = (time: string): string => {
  const at = Date.parse(time);
  if (Number.isNaN(at)) return inBrief(time);
  const parts = new Map(clock.formatToParts(at).map(({ type, value }) => [type, value]));
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? '';
  const day = `${part('weekday')} ${part('day')} ${part('month')} ${part('year')}`;
  return `${day}, ${part('hour')}:${part('minute')} ${part('timeZoneName')}`;
};

/** `2011-03-14`, `2011-03` and `2011`, as they are said. */
export const day = (date: string): string => {
  const whole = /^\d{4}-\d\d-\d\d$/.test(date) ? calendar : /^\d{4}-\d\d$/.test(date) ? months : undefined;
  const at = Date.parse(date);
  return whole === undefined || Number.isNaN(at) ? inBrief(date) : whole.format(at);
};

/** One line: what would begin another one, or could end a text early, is a space. */
export const oneLine = (text: string): string =>
  text
    .replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .toWellFormed()
    .trim();

const LONGEST = 400;

/** Somebody's own words: the whole of them stands in the event. */
export const inBrief = (text: string): string => {
  const line = oneLine(text);
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST).toWellFormed()} …`;
};

/** `local_authority_foster` as words. */
export const words = (code: string): string => oneLine(code).replaceAll('_', ' ');

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether there is anything to read in it. */
export const isText = (value: unknown): value is string => typeof value === 'string' && oneLine(value) !== '';

/** `Fakenham-Smith, Ella Rose` */
export const nameOf = (person: unknown): string => {
  if (!isRecord(person) || !('name' in person)) return NOT_RELEASED;
  const { name } = person;
  if (!isRecord(name)) return NOT_KNOWN;
  const given = Array.isArray(name.givenNames) ? name.givenNames.filter(isText).join(' ') : '';
  const whole = [name.familyName, given].filter(isText).map(oneLine).join(', ');
  return whole === '' ? NOT_KNOWN : whole;
};

export const birthOf = (person: unknown): string => {
  if (!isRecord(person) || !('dateOfBirth' in person)) return NOT_RELEASED;
  const { dateOfBirth } = person;
  const value = isRecord(dateOfBirth) ? dateOfBirth.value : dateOfBirth;
  return isText(value) ? day(value) : NOT_KNOWN;
};
