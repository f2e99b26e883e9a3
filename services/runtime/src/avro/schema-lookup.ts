import type { AvroSchema } from '@causeway/schemas/avro/schema';
import { withTimeout } from '../async/timeout.ts';
import { errorCode, RetryableError } from '../errors.ts';
import { type Codec, schemaIdOf, type WriterSchema } from './codec.ts';

/** The fields of an inbox record's value, and the schema that it was written with: the view. */
export type Decoded = { data: unknown; schema: AvroSchema };

export type Decode = (value: Buffer | null) => Promise<Decoded>;

/** The schema that a value was written with; no promise where it is known already. */
export type WriterOf = (value: Buffer | null) => WriterSchema | Promise<WriterSchema>;

/** A registry that has lost a schema, or has not got it yet, is given this long: the exchange gives it as long. */
const UNKNOWN_SCHEMA_MS = 30_000;
const DECODE_MS = 5_000;
const MAX_AWAITED = 1_000;

/**
 * Looks schemas up with a deadline, and with patience for one that the registry does not know: an exchange registers
 * a view before it uses it, so an unknown one is rather the registry's trouble than the record's.
 *
 * The function throws, or rejects with, RetryableError while the record may become readable, PermanentError when it will not.
 */
export const createWriterOf = (codec: Pick<Codec, 'writer'>, now: () => number): WriterOf => {
  const unknownSince = new Map<number, number>();

  const found = async (id: number, looking: Promise<WriterSchema>): Promise<WriterSchema> => {
    try {
      const writer = await withTimeout(DECODE_MS, 'registry', looking);
      unknownSince.delete(id);
      return writer;
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

  return (value) => {
    const id = schemaIdOf(value);
    const writer = codec.writer(id);
    return writer instanceof Promise ? found(id, writer) : writer;
  };
};

/** Decodes whole values, with the patience and the errors of `createWriterOf`. */
export const createDecoder = (codec: Pick<Codec, 'writer'>, now: () => number): Decode => {
  const writerOf = createWriterOf(codec, now);
  return async (value) => {
    const writer = await writerOf(value);
    return { data: writer.decode(value ?? NOTHING), schema: writer.schema };
  };
};

const NOTHING = Buffer.alloc(0);
