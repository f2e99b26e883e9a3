import { PermanentError } from '../errors.ts';

/** Reading records of our own topics that hold JSON: what they say is checked before anybody relies on it. */

/** @throws PermanentError `undecodable` */
export const decodeObject = (value: Buffer | null, what: string): Record<string, unknown> => {
  try {
    const object: unknown = JSON.parse(value?.toString('utf8') ?? '');
    if (typeof object === 'object' && object !== null && !Array.isArray(object))
      return object as Record<string, unknown>;
  } catch {
    // Said below, without the parser's words: they quote the record.
  }
  throw new PermanentError('undecodable', `A ${what} record is not a JSON object`);
};

/**
 * A member that must be there and have that form.
 * @throws PermanentError `undecodable`, with the name of the member and never its value
 */
export const required = <T>(
  object: Record<string, unknown>,
  name: string,
  isRight: (value: unknown) => boolean,
): T => {
  const value = object[name];
  if (!isRight(value)) throw new PermanentError('undecodable', `The member ${name} does not have its form`);
  return value as T;
};
