/** One row of a reporting view, as text, and what its columns say. */
import { type ErrorCode, PermanentError } from '@causeway/runtime/errors';
import { parseInstant } from '@causeway/schemas/dates/hl7';
import { instantInLondon } from '@causeway/schemas/dates/london';
import { isRealDate } from '@causeway/schemas/dates/partial-dates';

/** Columns by their names in lower case, each as the database writes it; no spaces around, null for an empty one. */
export type Row = Readonly<Record<string, string | null>>;

/** Stands in place of a date that lies in the future: what is planned has not happened yet. */
export const FUTURE = 'future';

/** A row with a value that cannot be what its column is for. The message names the column and never the value. */
export const badRow = (code: ErrorCode, column: string): PermanentError =>
  new PermanentError(code, `the column ${column} does not hold what it should`);

export const textOf = (row: Row, column: string): string | null => row[column] ?? null;

/** @throws PermanentError `missing-value` */
export const requiredText = (row: Row, column: string): string => {
  const text = textOf(row, column);
  if (text === null) throw badRow('missing-value', column);
  return text;
};

const DASHED = /^(\d{4})-(\d{2})-(\d{2})(?:$|[T ])/;
const SLASHED = /^(\d{2})\/(\d{2})\/(\d{4})(?:$|[T ])/;

/** The day of a date or time, `YYYY-MM-DD`; undefined for what is none. Views may write 2026-03-05 or 05/03/2026. */
export const dayOf = (text: string): string | undefined => {
  const dashed = DASHED.exec(text);
  const slashed = SLASHED.exec(text);
  const [year, month, day] = dashed
    ? [dashed[1], dashed[2], dashed[3]]
    : [slashed?.[3], slashed?.[2], slashed?.[1]];
  if (!year || !month || !day || !isRealDate(Number(year), Number(month), Number(day))) return undefined;
  return `${year}-${month}-${day}`;
};

/** @throws PermanentError `bad-date` */
export const dateIn = (row: Row, column: string): string | null => {
  const text = textOf(row, column);
  if (text === null) return null;
  const day = dayOf(text);
  if (day === undefined) throw badRow('bad-date', column);
  return day;
};

/** @throws PermanentError `missing-value`, `bad-date` */
export const requiredDate = (row: Row, column: string): string => {
  const day = dateIn(row, column);
  if (day === null) throw badRow('missing-value', column);
  return day;
};

/** The first moment of a day in London. */
export const startOfDay = (day: string): string => instantInLondon(Date.parse(`${day}T00:00:00Z`));

/** A time in RFC 3339 with its offset; one without an offset is London's, a day alone its first moment. */
export const parseTime = (text: string): string | undefined => {
  // PostgreSQL writes an offset of whole hours as +01.
  const instant = parseInstant(text.replace(/([ T]\d{2}:\d{2}\S*[+-]\d{2})$/, '$1:00'));
  if (instant !== undefined) return instant;
  const day = dayOf(text);
  return day !== undefined && /^\S+$/.test(text) ? startOfDay(day) : undefined;
};

/** @throws PermanentError `bad-date` */
export const timeIn = (row: Row, column: string): string | null => {
  const text = textOf(row, column);
  if (text === null) return null;
  const time = parseTime(text);
  if (time === undefined) throw badRow('bad-date', column);
  return time;
};

/** @throws PermanentError `missing-value`, `bad-date` */
export const requiredTime = (row: Row, column: string): string => {
  const time = timeIn(row, column);
  if (time === null) throw badRow('missing-value', column);
  return time;
};

const YES = /^(Y|YES|TRUE|T|1)$/i;
const NO = /^(N|NO|FALSE|F|0)$/i;

/** True, false, or null where the column says neither. */
export const flagIn = (row: Row, column: string): boolean | null => {
  const text = textOf(row, column) ?? '';
  return YES.test(text) ? true : NO.test(text) ? false : null;
};

/** What a code of a closed list means. @throws PermanentError `unknown-code` */
export const codeIn = <T>(row: Row, column: string, meaning: (code: string) => T | undefined): T | null => {
  const code = textOf(row, column);
  if (code === null) return null;
  const meant = meaning(code);
  if (meant === undefined) throw badRow('unknown-code', column);
  return meant;
};
