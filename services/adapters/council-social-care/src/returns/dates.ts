/** Dates as council systems, spreadsheets and export tools write them, to `YYYY-MM-DD`. */
import { instantInLondon } from '@causeway/schemas/dates/london';
import { parseDayMonthYear, parseIsoDate } from '@causeway/schemas/dates/partial-dates';

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
/** A time of day behind a date says nothing in a return. */
const TIME = /[T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?$/i;

/**
 * Day before month always: the return is British. A year of two digits is one of the last hundred years up to the next one, unless
 * `wholeYears`: where a value may have been cut off, 20 can be the beginning of 2017.
 */
export const dateOf = (written: string, today: string, wholeYears = false): string | undefined => {
  const text = written.trim().replace(TIME, '');
  const iso = /^\d{4}-\d{2}-\d{2}$/.test(text)
    ? text
    : text.replace(/^(\d{4})[/.]?(\d{2})[/.]?(\d{2})$/, '$1-$2-$3');
  const found = /^(\d{1,2})[/. -](\d{1,2}|[A-Za-z]{3})[/. -](\d{4}|\d{2})$/.exec(text);
  if (found === null) {
    const date = parseIsoDate(iso);
    return date?.precision === 'day' ? date.value : undefined;
  }
  const [, day, named = '', year = ''] = found;
  if (year.length === 2 && wholeYears) return undefined;
  const month = /\d/.test(named) ? named : String(MONTHS.indexOf(named.toUpperCase()) + 1);
  return parseDayMonthYear(`${day}/${month}/${fullYear(year, today)}`)?.value;
};

/** What systems write where there is no date: the first days that they know, and the last. */
export const isNoDate = (written: string): boolean =>
  /^(?:1900[-/.]?01[-/.]?01|9999[-/.]?12[-/.]?31|0?1[-/. ](?:0?1|jan)[-/. ]1900|31[-/. ](?:12|dec)[-/. ]9999)$/i.test(
    written.trim().replace(TIME, ''),
  );

const fullYear = (year: string, today: string): string => {
  if (year.length === 4) return year;
  const next = Number(today.slice(0, 4)) + 1;
  const recent = Number(`${String(next).slice(0, 2)}${year}`);
  return String(recent > next ? recent - 100 : recent);
};

/** Whether a date can only be read with its month first, as in the United States: then the other dates of its file cannot be trusted. */
export const isMonthFirst = (written: string): boolean => {
  const found = /^(\d{1,2})[/.-](\d{1,2})[/.-](?:\d{4}|\d{2})$/.exec(written.trim().replace(TIME, ''));
  return (
    found !== null &&
    Number(found[1]) >= 1 &&
    Number(found[1]) <= 12 &&
    Number(found[2]) > 12 &&
    Number(found[2]) <= 31
  );
};

/** The beginning of a day in the United Kingdom, RFC 3339 with offset. */
export const startOfDay = (date: string): string => instantInLondon(Date.parse(`${date}T00:00:00Z`));

/** `YYYY-MM-DD`, so many days later. */
export const addDays = (date: string, days: number): string =>
  new Date(Date.parse(`${date}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);

/** Completed years at a day. */
export const ageAt = (born: string, day: string): number =>
  Number(day.slice(0, 4)) - Number(born.slice(0, 4)) - (day.slice(5) < born.slice(5) ? 1 : 0);
