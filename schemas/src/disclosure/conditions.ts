/** An agreement's `where`: per path the values that let an event through. All paths must be met. */
export type Where = Readonly<Record<string, ReadonlyArray<string | boolean>>>;

/**
 * Whether a decoded event meets every condition. Null, an absent field and the symbol UNKNOWN never do.
 * A path through an array (`children[].fromCare`) is met when one element meets it.
 */
export function meetsWhere(where: Where, data: unknown): boolean {
  return everyPath(where, data, (values, allowed) => values.some((value) => isAmong(value, allowed)));
}

/**
 * Whether what a decoded event corrects can have met every condition: what it does not say can have been anything, what
 * it says counts.
 */
export function couldHaveMet(where: Where, data: unknown): boolean {
  return everyPath(where, data, (values, allowed) => {
    const known = values.filter((value) => value !== null && value !== undefined && value !== 'UNKNOWN');
    return (
      known.length < values.length || known.length === 0 || known.some((value) => isAmong(value, allowed))
    );
  });
}

/** Whether whatever meets the one meets the other too. */
export function implies(where: Where, other: Where): boolean {
  return Object.entries(other).every(([path, allowed]) => {
    const narrower = Object.hasOwn(where, path) ? where[path] : undefined;
    return narrower?.every((value) => allowed.includes(value)) ?? false;
  });
}

type Test = (values: unknown[], allowed: ReadonlyArray<string | boolean>) => boolean;

function everyPath(where: Where, data: unknown, test: Test): boolean {
  return Object.entries(where).every(([path, allowed]) => test(valuesAt(data, path.split('.')), allowed));
}

function isAmong(value: unknown, allowed: ReadonlyArray<string | boolean>): boolean {
  const known = (typeof value === 'string' && value !== 'UNKNOWN') || typeof value === 'boolean';
  return known && allowed.includes(value);
}

function valuesAt(value: unknown, path: readonly string[]): unknown[] {
  if (Array.isArray(value)) return value.flatMap((item) => valuesAt(item, path));
  const [step, ...rest] = path;
  if (step === undefined) return [value];
  if (typeof value !== 'object' || value === null) return [];
  const name = step.endsWith('[]') ? step.slice(0, -2) : step;
  return Object.hasOwn(value, name) ? valuesAt((value as Record<string, unknown>)[name], rest) : [];
}
