import { CODE_LISTS, type Code } from '@causeway/schemas/agreements/code-lists';
import type { Standing } from '../measurement/lag.ts';

/** In place of a figure where nothing was measured; a nought would be a claim. */
export const NOT_MEASURED = '–';

/** A rate as people read it: two digits where it is small, whole and grouped where it is large. */
export function perSecondInWords(rate: number | null): string {
  if (rate === null) return NOT_MEASURED;
  if (rate === 0) return '0';
  if (rate < 0.1) return 'under 0.1';
  return rate < 100 ? rate.toFixed(1) : countInWords(Math.round(rate));
}

/** Short enough for a label: what is rare is counted by the minute. */
export function shortRateInWords(rate: number | null): string {
  return rate !== null && rate > 0 && rate < 1
    ? `${Math.ceil(rate * 60)} / min`
    : `${perSecondInWords(rate)} / s`;
}

export function countInWords(count: number): string {
  return count.toLocaleString('en-GB');
}

/** An age in the two largest units that matter: "8 s", "3 min 20 s", "2 h 5 min", "4 days". */
export function ageInWords(seconds: number): string {
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return joined(minutes, 'min', whole % 60, 's');
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return joined(hours, 'h', minutes % 60, 'min');
  return `${Math.floor(hours / 24)} days`;
}

function joined(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** Time of day in the United Kingdom, where all users of the console work. */
export function timeInWords(at: number): string {
  return new Date(at).toLocaleTimeString('en-GB', { timeZone: 'Europe/London' });
}

/** A moment in short: the time today, with the date when it was another day. */
export function momentInWords(at: number | null, now: number): string {
  if (at === null) return 'none yet';
  const day = (ms: number) =>
    new Date(ms).toLocaleDateString('en-GB', { timeZone: 'Europe/London', day: 'numeric', month: 'short' });
  return day(at) === day(now) ? timeInWords(at) : `${day(at)}, ${timeInWords(at)}`;
}

export const STANDING_IN_WORDS: Record<Standing, { text: string; tag: string }> = {
  'not-known': { text: 'Not known', tag: 'grey' },
  'nothing-yet': { text: 'No events yet', tag: 'grey' },
  'up-to-date': { text: 'Up to date', tag: 'green' },
  'catching-up': { text: 'Catching up', tag: 'blue' },
  'falling-behind': { text: 'Falling behind', tag: 'orange' },
  'not-moving': { text: 'Not moving', tag: 'red' },
};

/** How long ago: "8 s", "3 min 20 s", "2 h 5 min". */
export function sinceInWords(at: number, now: number): string {
  return ageInWords(Math.max(0, (now - at) / 1000));
}

/** A day as people write it: 5 October 2026. `YYYY-MM-DD` in, anything else comes back as it is. */
export function dayInWords(day: string): string {
  const at = Date.parse(`${day}T12:00:00Z`);
  if (Number.isNaN(at)) return day;
  return new Date(at).toLocaleDateString('en-GB', {
    timeZone: 'Europe/London',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
  });
}

/** A share of a whole: "12 %", "under 1 %", and a dash where there is no whole. */
export function shareInWords(part: number, whole: number): string {
  if (whole === 0) return NOT_MEASURED;
  if (part === 0) return '0 %';
  const share = (100 * part) / whole;
  return share < 1 ? 'under 1 %' : `${Math.round(share)} %`;
}

/** A duration in hours where it is long, in minutes and seconds where it is short. */
export function durationInWords(seconds: number | null): string {
  if (seconds === null) return NOT_MEASURED;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3_600).toFixed(1).replace(/\.0$/, '')} h`;
}

/** A code as a tag or heading shows it: `not-active` becomes "Not active". */
export function codeInWords(code: string): string {
  const words = code.replaceAll(/[-_]/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A code of a list as the list itself calls it: "Care Act 2014, section 6: co-operating generally". */
export function listedInWords(list: 'purpose' | 'gateways', code: string): string {
  const codes: readonly Code[] = CODE_LISTS[list].codes;
  return codes.find((one) => one.code === code)?.title ?? codeInWords(code);
}

const UNITS: Record<string, string> = { Y: 'year', M: 'month', W: 'week', D: 'day' };

/** How long something is kept: `P2Y` becomes "2 years". Anything but one whole unit comes back as it is. */
export function periodInWords(period: string): string {
  const [, count, letter = ''] = /^P(\d+)([YMWD])$/.exec(period) ?? [];
  if (count === undefined) return period;
  return `${Number(count)} ${UNITS[letter]}${Number(count) === 1 ? '' : 's'}`;
}

/** Who gave something up, as part of a sentence: our own services with an article, an adapter by its name. */
export function componentInWords(component: string): string {
  return component === 'exchange' || component === 'gateway' ? `the ${component}` : component;
}
