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

/** Time of day in the United Kingdom, where everybody who reads this works. */
export function timeInWords(at: number): string {
  return new Date(at).toLocaleTimeString('en-GB', { timeZone: 'Europe/London' });
}

/** A moment as one speaks of it: the time today, with the date when it was another day. */
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
