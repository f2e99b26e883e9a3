/** A topic's writer may write anything into it: what enters the database is checked here. */

/** A short word of printable characters: an id, a code, a type. */
export function isWord(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]{1,200}$/.test(value);
}

export function isEventId(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9_-]{16,64}$/.test(value);
}

const EARLIEST = Date.UTC(1900, 0);
const LATEST = Date.UTC(2200, 0);

/** A time in ISO form, or undefined where it is none that anybody can have meant. */
export function timeOf(value: unknown): string | undefined {
  const at = typeof value === 'string' && value.length <= 40 ? Date.parse(value) : Number.NaN;
  return at >= EARLIEST && at < LATEST ? new Date(at).toISOString() : undefined;
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 31;
}
