/** Wall-clock times of Europe/London, which is what legacy systems write without saying so. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const london = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/London', timeZoneName: 'longOffset' });
const offsets = new Map<number, number>();

/** Minutes east of Greenwich in London at an instant (in ms); asked per hour, because every change falls on one. */
export function londonOffset(at: number): number {
  const hour = Math.floor(at / HOUR);
  const known = offsets.get(hour);
  if (known !== undefined) return known;
  const name = london.formatToParts(hour * HOUR).find((part) => part.type === 'timeZoneName')?.value ?? '';
  const offset = minutesOf(name.slice(3));
  if (offsets.size > 10_000) offsets.clear();
  offsets.set(hour, offset);
  return offset;
}

/** `+01:00`, `-0530` or `Z` in minutes east of Greenwich; 0 for an empty text. */
export function minutesOf(offset: string): number {
  if (offset === '' || offset === 'Z') return 0;
  const digits = offset.replace(':', '');
  return (digits.startsWith('-') ? -1 : 1) * (Number(digits.slice(1, 3)) * 60 + Number(digits.slice(3, 5)));
}

/**
 * The instant of a London wall-clock time in RFC 3339 with its offset. `wall` is that time in ms as if it were UTC, `fraction` is
 * empty or as written (`.123`). The hour that October repeats is taken as its first pass (summer time); a
 * time in the hour that March skips is moved forward by it.
 */
export function instantInLondon(wall: number, fraction = ''): string {
  const before = londonOffset(wall - 12 * HOUR);
  const after = londonOffset(wall + 12 * HOUR);
  const offset = [before, after].find((each) => londonOffset(wall - each * MINUTE) === each);
  return offset === undefined
    ? writeInstant(wall + HOUR, fraction, before + 60)
    : writeInstant(wall, fraction, offset);
}

/** A wall-clock time with its offset in minutes, in RFC 3339. */
export function writeInstant(wall: number, fraction: string, offset: number): string {
  const sign = offset < 0 ? '-' : '+';
  const minutes = Math.abs(offset);
  const zone = `${sign}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
  return `${new Date(wall).toISOString().slice(0, 19)}${fraction}${zone}`;
}

const two = (value: number): string => String(value).padStart(2, '0');
