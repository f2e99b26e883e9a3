import { outcodeOf } from '../identifiers/places.ts';

/** Released forms of a value that say less than the value does. Pure; applying one twice changes nothing more. */

const GENERALISERS = ['outcode', 'year', 'month', 'initials'] as const;
export type Generaliser = (typeof GENERALISERS)[number];

/** From leaf path, with `[]` for arrays of records, to the form that the leaf is released in. */
export type Generalise = Readonly<Record<string, Generaliser>>;

const DATE = /^(\d{4})(?:-(0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01])(?:[Tt ].*)?)?)?$/;

/** The year of an RFC 3339 date or time, or of a partial date; of a precision, `year`. */
export function year(value: string): string | null {
  if (isPrecision(value)) return value === 'UNKNOWN' ? value : 'year';
  return DATE.exec(value)?.[1] ?? null;
}

/** The year and month of an RFC 3339 date or time, or of a partial date, or the year where only that is known. */
export function month(value: string): string | null {
  if (isPrecision(value)) return value === 'day' ? 'month' : value;
  const [, years, months] = DATE.exec(value) ?? [];
  if (years === undefined) return null;
  return months === undefined ? years : `${years}-${months}`;
}

/** The first letter of each word in capitals (`Alda May` gives `A M`), or null where there is no letter. */
export function initials(value: string): string | null {
  const letters = value
    .normalize('NFC')
    .split(/\s+/)
    .flatMap((word) => /\p{L}/u.exec(word.toUpperCase())?.[0] ?? []);
  return letters.length > 0 ? letters.join(' ') : null;
}

/** The precisions of a partial date: generalising the date coarsens its precision with it. */
export const PRECISIONS: readonly string[] = ['day', 'month', 'year', 'UNKNOWN'];

function isPrecision(value: string): boolean {
  return PRECISIONS.includes(value);
}

const FUNCTIONS: Readonly<Record<Generaliser, (value: string) => string | null>> = {
  outcode: outcodeOf,
  year,
  month,
  initials,
};

/**
 * The decoded value with each named leaf in its general form. What does not parse becomes null; elements of a list
 * that do not parse are left out. The value given is not changed.
 */
export function applyGeneralise<T>(value: T, generalise: Generalise): T {
  let result: unknown = value;
  for (const [path, generaliser] of Object.entries(generalise)) {
    result = rewrite(result, path.split('.'), FUNCTIONS[generaliser]);
  }
  return result as T;
}

function rewrite(value: unknown, path: readonly string[], form: (value: string) => string | null): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return generaliseLeaf(value, form);
  if (!isObject(value)) return value;
  const name = step.endsWith('[]') ? step.slice(0, -2) : step;
  if (!Object.hasOwn(value, name)) return value;
  const inner = value[name];
  const rewritten =
    rest.length > 0 && Array.isArray(inner)
      ? inner.map((item) => rewrite(item, rest, form))
      : rewrite(inner, rest, form);
  return { ...value, [name]: rewritten };
}

function generaliseLeaf(value: unknown, form: (value: string) => string | null): unknown {
  if (typeof value === 'string') return form(value);
  if (Array.isArray(value)) {
    return value.flatMap((item) => (typeof item === 'string' ? (form(item) ?? []) : []));
  }
  return null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
