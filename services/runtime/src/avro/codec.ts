import type { AvroSchema } from '@causeway/schemas/avro/schema';
import { fullName } from '@causeway/schemas/avro/schema';
import type { Generalise } from '@causeway/schemas/disclosure/generalisers';
import { PermanentError } from '../errors.ts';
import type { Logger } from '../telemetry/log.ts';
import { boundArrays } from './bounded-arrays.ts';
import { NOT_PLAIN } from './compile.ts';
import { compileJson } from './json.ts';
import {
  decodeBody,
  frame,
  HEADER_BYTES,
  hasAny,
  type Projector,
  resolverOf,
  resolvingProjector,
  slicingProjector,
} from './projector.ts';
import { createRegistry, type Registry, type RegistryOptions } from './registry.ts';
import { compileSlice } from './slice.ts';

export type { Projector } from './projector.ts';

export type WriterSchema = {
  id: number;
  /** Full Avro name. */
  name: string;
  schema: AvroSchema;
  /** Checks a value as decoding does, but keeps nothing of it. @throws PermanentError `undecodable` */
  check(value: Buffer): void;
  /** @throws PermanentError `undecodable` */
  decode(value: Buffer): unknown;
  /**
   * Writes a value as JSON text into `output` from `at` on and returns where the text ends: beyond the output where there was too little
   * room, which is then to be tried again with more.
   * @throws PermanentError `undecodable`
   */
  writeJson(value: Buffer, output: Buffer, at: number): number;
};

export type Codec = Omit<Registry, 'typeOf'> & {
  /** Full Avro name of a registered schema. */
  nameOf(id: number): Promise<string>;
  /** @throws PermanentError `invalid-data`; the message names the fields that are wrong, never their values */
  encode(id: number, data: unknown): Promise<Buffer>;
  /** @throws PermanentError `undecodable` */
  decode(value: Buffer): Promise<{ id: number; data: unknown }>;
  /** What a reader of many records of one schema needs; no promise where the schema is known already. */
  writer(id: number): WriterSchema | Promise<WriterSchema>;
  /** Decodes with an older or narrower schema than the writer's. @throws PermanentError `cannot-project` */
  decodeAs(value: Buffer, readerId: number): Promise<unknown>;
  /**
   * A function from values written with one schema to values of a view of it; what the view does not have is
   * never decoded into anything. Where nothing is generalised and what the view keeps stands in the same form in both schemas, the
   * kept bytes are cut out instead of decoded and encoded again, with the same result.
   * The function throws PermanentError `undecodable` or `cannot-project`.
   */
  projector(writerId: number, viewId: number, generalise?: Generalise): Promise<Projector>;
};

/**
 * Schema id of a value in the Confluent wire format: byte 0, four bytes of id, Avro.
 * @throws PermanentError `undecodable`
 */
export const schemaIdOf = (value: Buffer | null): number => {
  if (value === null || value.length < HEADER_BYTES || value[0] !== 0)
    throw new PermanentError(
      'undecodable',
      'The value is not in the wire format: byte 0, four bytes of schema id, Avro',
    );
  return value.readInt32BE(1);
};

/** No connection is opened before the first look-up. */
export const createCodec = (options: RegistryOptions, log: Logger): Codec => {
  boundArrays();
  const { typeOf, ...registry } = createRegistry(options, log);
  const { schemaOf } = registry;
  const projectors = new Map<string, Promise<Projector>>();
  const writers = new Map<number, WriterSchema>();

  const makeProjector = async (
    writerId: number,
    viewId: number,
    generalise?: Generalise,
  ): Promise<Projector> => {
    const [writer, view] = await Promise.all([typeOf(writerId), typeOf(viewId)]);
    const resolving = resolvingProjector(writer, view, viewId, generalise);
    if (hasAny(generalise)) return resolving;
    const slice = compileSlice(await schemaOf(writerId), await schemaOf(viewId));
    return slice ? slicingProjector(slice, viewId, resolving) : resolving;
  };

  const loadWriter = async (id: number): Promise<WriterSchema> => {
    const [type, schema] = await Promise.all([typeOf(id), schemaOf(id)]);
    const check = compileSlice(schema, null);
    const json = compileJson(schema);
    const decode = (value: Buffer) => decodeBody(type, value);
    const writer: WriterSchema = {
      id,
      name: fullName(schema),
      schema,
      decode,
      writeJson(value, output, at) {
        const end = json === null ? NOT_PLAIN : json(value, HEADER_BYTES, output, at);
        if (end !== NOT_PLAIN) return end;
        const text = JSON.stringify(decode(value));
        output.write(text, Math.min(at, output.length), 'utf8');
        return at + Buffer.byteLength(text);
      },
      check(value) {
        if (check === null || check(value, HEADER_BYTES, NO_OUTPUT, 0) === NOT_PLAIN) decode(value);
      },
    };
    writers.set(id, writer);
    return writer;
  };

  return {
    ...registry,
    nameOf: async (id) => fullName(await schemaOf(id)),

    encode: async (id, data) => {
      const type = await typeOf(id);
      const wrong = new Set<string>();
      type.isValid(data, { noUndeclaredFields: true, errorHook: (path) => wrong.add(path.join('.')) });
      if (wrong.size > 0)
        throw new PermanentError(
          'invalid-data',
          `These fields do not fit the schema: ${[...wrong].join(', ')}`,
        );
      return frame(id, type.toBuffer(data));
    },

    decode: async (value) => {
      const id = schemaIdOf(value);
      return { id, data: decodeBody(await typeOf(id), value) };
    },

    writer: (id) => writers.get(id) ?? loadWriter(id),

    decodeAs: async (value, readerId) => {
      const [writer, reader] = await Promise.all([typeOf(schemaIdOf(value)), typeOf(readerId)]);
      return decodeBody(reader, value, resolverOf(reader, writer));
    },

    projector: (writerId, viewId, generalise) => {
      const key = JSON.stringify([writerId, viewId, generalise ?? {}]);
      const known = projectors.get(key);
      if (known) return known;
      const making = makeProjector(writerId, viewId, generalise);
      projectors.set(key, making);
      making.catch(() => projectors.delete(key));
      return making;
    },
  };
};

const NO_OUTPUT = Buffer.alloc(0);
