/** An agreement's `where`: per path the values that let an event through. All paths must be met. */
export type Where = Readonly<Record<string, ReadonlyArray<string | boolean>>>;

/**
 * Whether a decoded event meets every condition. Null, an absent field and the symbol UNKNOWN never do.
 * A path through an array (`children[].fromCare`) is met when one element meets it.
 */
export function meetsWhere(where: Where, data: unknown): boolean {
  return Object.entries(where).every(([path, allowed]) =>
    valuesAt(data, path.split('.')).some((value) => value !== 'UNKNOWN' && isAmong(value, allowed)),
  );
}

function isAmong(value: unknown, allowed: ReadonlyArray<string | boolean>): boolean {
  return (typeof value === 'string' || typeof value === 'boolean') && allowed.includes(value);
}

function valuesAt(value: unknown, path: readonly string[]): unknown[] {
  if (Array.isArray(value)) return value.flatMap((item) => valuesAt(item, path));
  const [step, ...rest] = path;
  if (step === undefined) return [value];
  if (typeof value !== 'object' || value === null) return [];
  const name = step.endsWith('[]') ? step.slice(0, -2) : step;
  return Object.hasOwn(value, name) ? valuesAt((value as Record<string, unknown>)[name], rest) : [];
}
