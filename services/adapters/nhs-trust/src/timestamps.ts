/**
 * HL7 v2 times: `YYYY[MM[DD[HH[MM[SS[.S…]]]]]][±ZZZZ]`, and the dashed dates some feeds send instead.
 * Without an offset, which is the rule, a time is the wall clock of Europe/London.
 */
import type { PartialDate } from '@causeway/schemas/generated/types';

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

const offsetMinutes = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  if (text === 'Z') return 0;
  const digits = text.replace(':', '');
  return (digits.startsWith('-') ? -1 : 1) * (Number(digits.slice(1, 3)) * 60 + Number(digits.slice(3, 5)));
};

const daysIn = (year: number, month: number): number => new Date(Date.UTC(year, month, 0)).getUTCDate();

const isReal = (parts: Parts): boolean =>
  parts.year >= 1800 &&
  within(parts.month, 1, 12) &&
  within(parts.day, 1, daysIn(parts.year, parts.month ?? 1)) &&
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
    offset: offsetMinutes(found[8]),
  };
  return isReal(parts) ? parts : undefined;
};

const london = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/London', timeZoneName: 'longOffset' });
const offsets = new Map<number, number>();
const HOUR = 3_600_000;

/** Minutes east of Greenwich in London at an instant; asked per hour, because every change falls on one. */
const londonOffset = (at: number): number => {
  const hour = Math.floor(at / HOUR);
  const known = offsets.get(hour);
  if (known !== undefined) return known;
  const name = london.formatToParts(hour * HOUR).find((part) => part.type === 'timeZoneName')?.value ?? '';
  const offset = offsetMinutes(name.slice(3) || 'Z') ?? 0;
  if (offsets.size > 10_000) offsets.clear();
  offsets.set(hour, offset);
  return offset;
};

/**
 * The offset of a London wall-clock time. The hour that October repeats is taken as its first pass (summer
 * time); the hour that March skips as if the clock had not been put forward yet.
 */
const offsetOfWallClock = (wall: number): number => {
  const before = londonOffset(wall - 12 * HOUR);
  const after = londonOffset(wall + 12 * HOUR);
  const fits = [before, after].find((offset) => londonOffset(wall - offset * 60_000) === offset);
  return fits ?? before;
};

const two = (value: number): string => String(value).padStart(2, '0');

const written = (wall: number, fraction: string, offset: number): string => {
  const sign = offset < 0 ? '-' : '+';
  const minutes = Math.abs(offset);
  const zone = `${sign}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
  return `${new Date(wall).toISOString().slice(0, 19)}${fraction}${zone}`;
};

/** An instant in RFC 3339 with its offset; undefined unless the text says at least the minute. */
export const parseInstant = (text: string | undefined): string | undefined => {
  const parts = text === undefined ? undefined : read(text);
  if (parts?.month === undefined || parts.day === undefined) return undefined;
  if (parts.hour === undefined || parts.minute === undefined) return undefined;
  const wall = Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second);
  if (parts.offset !== undefined) return written(wall, parts.fraction, parts.offset);
  const offset = offsetOfWallClock(wall);
  const skipped = londonOffset(wall - offset * 60_000) !== offset;
  return skipped ? written(wall + HOUR, parts.fraction, offset + 60) : written(wall, parts.fraction, offset);
};

/** The calendar date as far as it is said; a time of day behind it is left out. */
export const parsePartialDate = (text: string | undefined): PartialDate | undefined => {
  const parts = text === undefined ? undefined : read(text);
  if (parts === undefined) return undefined;
  const year = String(parts.year);
  if (parts.month === undefined) return { value: year, precision: 'year' };
  const month = `${year}-${two(parts.month)}`;
  if (parts.day === undefined) return { value: month, precision: 'month' };
  return { value: `${month}-${two(parts.day)}`, precision: 'day' };
};
