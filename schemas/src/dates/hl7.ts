/**
 * HL7 v2 times: `YYYY[MM[DD[HH[MM[SS[.S…]]]]]][±ZZZZ]`, and the dashed dates some feeds send instead.
 * Without an offset, which is the rule, a time is the wall clock of Europe/London.
 */
import type { PartialDate } from '../generated/types.ts';
import { instantInLondon, minutesOf, writeInstant } from './london.ts';
import { isRealDate, partialDate } from './partial-dates.ts';

type Parts = {
  year: number;
  month: number | undefined;
  day: number | undefined;
  hour: number | undefined;
  minute: number | undefined;
  second: number;
  fraction: string;
  offset: number | undefined;
};

const COMPACT =
  /^(\d{4})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(\.\d{1,9})?)?)?)?)?)?([+-]\d{4})?$/;
const DASHED =
  /^(\d{4})-(\d{2})(?:-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(\.\d{1,9})?)?([+-]\d{2}:?\d{2}|Z)?)?)?$/;

const number = (digits: string | undefined): number | undefined =>
  digits === undefined ? undefined : Number(digits);

const isReal = (parts: Parts): boolean =>
  isRealDate(parts.year, parts.month, parts.day) &&
  within(parts.hour, 0, 23) &&
  within(parts.minute, 0, 59) &&
  within(parts.second, 0, 59) &&
  within(parts.offset, -12 * 60, 14 * 60);

const within = (value: number | undefined, least: number, most: number): boolean =>
  value === undefined || (value >= least && value <= most);

const read = (text: string): Parts | undefined => {
  const found = COMPACT.exec(text.trim()) ?? DASHED.exec(text.trim());
  if (found === null) return undefined;
  const parts: Parts = {
    year: Number(found[1]),
    month: number(found[2]),
    day: number(found[3]),
    hour: number(found[4]),
    minute: number(found[5]),
    second: number(found[6]) ?? 0,
    fraction: found[7] ?? '',
    offset: found[8] === undefined ? undefined : minutesOf(found[8]),
  };
  return isReal(parts) ? parts : undefined;
};

/** An instant in RFC 3339 with its offset; undefined unless the text says at least the minute. */
export function parseInstant(text: string | undefined): string | undefined {
  const parts = text === undefined ? undefined : read(text);
  if (parts?.month === undefined || parts.day === undefined) return undefined;
  if (parts.hour === undefined || parts.minute === undefined) return undefined;
  const wall = Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second);
  return parts.offset === undefined
    ? instantInLondon(wall, parts.fraction)
    : writeInstant(wall, parts.fraction, parts.offset);
}

/** The calendar date as far as it is said; a time of day behind it is left out. */
export function parsePartialDate(text: string | undefined): PartialDate | undefined {
  const parts = text === undefined ? undefined : read(text);
  return parts && partialDate(parts.year, parts.month, parts.day);
}
