import type { PartialDate } from '../generated/types.ts';

/** Whether the parts make a date of the Gregorian calendar, from 1800 on; a missing part is not wrong. */
export function isRealDate(year: number, month?: number, day?: number): boolean {
  if (year < 1800 || year > 9999) return false;
  if (month === undefined) return day === undefined;
  if (month < 1 || month > 12) return false;
  return day === undefined || (day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate());
}

/** The parts as a partial date, with the precision that they have. */
export function partialDate(year: number, month?: number, day?: number): PartialDate {
  const two = (value: number) => String(value).padStart(2, '0');
  if (month === undefined) return { value: String(year), precision: 'year' };
  if (day === undefined) return { value: `${year}-${two(month)}`, precision: 'month' };
  return { value: `${year}-${two(month)}-${two(day)}`, precision: 'day' };
}

/** Reads `YYYY`, `YYYY-MM` or `YYYY-MM-DD`; undefined for anything else and for dates that do not exist. */
export function parseIsoDate(text: string): PartialDate | undefined {
  const found = /^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$/.exec(text.trim());
  return found ? real(found[1], found[2], found[3]) : undefined;
}

/**
 * Reads `DD/MM/YYYY`, as SSDA903 files and police forms write it; undefined for anything else. Years of two digits are refused: they
 * do not say which century, and a date of birth is either.
 */
export function parseDayMonthYear(text: string): PartialDate | undefined {
  const found = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(text.trim());
  return found ? real(found[3], found[2], found[1]) : undefined;
}

/** Whether the text is a full date, `YYYY-MM-DD`, that exists. */
export function isFullDate(text: string): boolean {
  return parseIsoDate(text)?.precision === 'day' && text.length === 10;
}

function real(year = '', month?: string, day?: string): PartialDate | undefined {
  const parts = [year, month, day].map((part) => (part === undefined ? undefined : Number(part)));
  const [y = 0, m, d] = parts;
  return isRealDate(y, m, d) ? partialDate(y, m, d) : undefined;
}
