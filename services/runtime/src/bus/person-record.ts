import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type ErrorCode, PermanentError } from '../errors.ts';

/** What interests and safeguards have in common: how their records are named and what their parts look like. */

export const tokenForm = z.string().regex(/^[A-Za-z0-9_-]{22}$/);
export const dateForm = z.iso.date();

/** Of one record, those of its identifiers under both keys included. */
export const MOST_TOKENS = 20;

/** Which adapter or service keeps the record, and under which reference of its own. */
export const namedForm = {
  writer: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/),
  reference: z.string().regex(/^[A-Za-z0-9._:/-]{1,200}$/),
};

/** Who is meant: a token for each certain identifier, the source's own included, and that of name and date of birth. */
export const personForm = {
  tokens: z.array(tokenForm).max(MOST_TOKENS),
  demographic: tokenForm.optional(),
};

export const namesPerson = ({
  tokens,
  demographic,
}: {
  tokens: string[];
  demographic?: string | undefined;
}) => tokens.length > 0 || demographic !== undefined;

/**
 * Key of a record: the writer and a digest of its reference. So each writer has records of its own, one person can have several,
 * a record is replaced or withdrawn without knowing what was in it, and the key says nothing by itself.
 */
export const personKey = (
  organisation: string,
  { writer, reference }: { writer: string; reference: string },
) => {
  const digest = createHash('sha256').update(JSON.stringify([organisation, writer, reference]));
  return `${writer}.${digest.digest('base64url').slice(0, 22)}`;
};

/** @throws PermanentError with `code`, naming the members that are wrong and never what they hold */
export const checked = <T>(schema: z.ZodType<T>, value: unknown, code: ErrorCode, what: string): T => {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const wrong = [
    ...new Set(result.error.issues.map(({ path }) => path.map(String).join('.') || 'the whole')),
  ];
  throw new PermanentError(code, `${what} is not as it must be: ${wrong.join(', ')}`);
};

/** @throws PermanentError with `code` for what is no JSON */
export const parsedJson = (value: Buffer, code: ErrorCode, what: string): unknown => {
  try {
    return JSON.parse(value.toString('utf8'));
  } catch {
    throw new PermanentError(code, `${what} is not JSON`);
  }
};

const sums = new Map<string, string>();

/** Asked for each release of each event; agreements have few different dates. */
export const addDays = (date: string, days: number): string => {
  const key = `${date}+${days}`;
  const known = sums.get(key);
  if (known) return known;
  const sum = new Date(Date.parse(`${date}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
  if (sums.size < 1_000) sums.set(key, sum);
  return sum;
};
