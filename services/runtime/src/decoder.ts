import type { AvroSchema } from '@causeway/schemas/avro-schema';
import { type Codec, schemaIdOf } from './avro.ts';
import { within } from './deadline.ts';
import { errorCode, RetryableError } from './errors.ts';

/** The fields of an inbox record's value, and the schema that it was written with: the view. */
export type Decoded = { data: unknown; schema: AvroSchema };

export type Decode = (value: Buffer | null) => Promise<Decoded>;

/** A registry that has lost a schema, or has not got it yet, is given this long: the exchange gives it as long. */
const UNKNOWN_SCHEMA_MS = 30_000;
const DECODE_MS = 5_000;
const MAX_AWAITED = 1_000;

/**
 * Decodes with a deadline, and with patience for a schema that the registry does not know: an exchange registers
 * a view before it uses it, so an unknown one is rather the registry's trouble than the record's.
 *
 * The function throws RetryableError while the record may become readable, PermanentError when it will not.
 */
export const createDecoder = (codec: Pick<Codec, 'decode' | 'schemaOf'>, now: () => number): Decode => {
  const unknownSince = new Map<number, number>();
  return async (value) => {
    const id = schemaIdOf(value);
    try {
      const reading = Promise.all([codec.decode(value ?? Buffer.alloc(0)), codec.schemaOf(id)]);
      const [{ data }, schema] = await within(DECODE_MS, 'registry', reading);
      unknownSince.delete(id);
      return { data, schema };
    } catch (error) {
      if (errorCode(error) !== 'unknown-schema') throw error;
      const since = unknownSince.get(id) ?? now();
      if (now() - since >= UNKNOWN_SCHEMA_MS) throw error;
      if (unknownSince.size < MAX_AWAITED) unknownSince.set(id, since);
      throw new RetryableError('schema-awaited', `The registry does not have schema ${id} now`, {
        cause: error,
      });
    }
  };
};
