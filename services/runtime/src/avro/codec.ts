import type { AvroSchema } from '@causeway/schemas/avro/schema';
import { fullName } from '@causeway/schemas/avro/schema';
import { applyGeneralise, type Generalise } from '@causeway/schemas/disclosure/generalisers';
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import avro, { type Schema as RawSchema, type Type } from 'avsc';
import { PermanentError, RetryableError } from '../errors.ts';
import type { Logger } from '../telemetry/log.ts';
import { compileJsonText } from './json.ts';
import { type Cut, compileCut, NOT_PLAIN } from './slice.ts';

/**
 * The only file that knows avsc and the registry client. The client does the look-ups; types and resolvers are
 * kept here, because the client builds a resolver anew for every message, remembers no failed look-up
 * and has no time-out. Registration is a plain request: the client's `register` compares and
 * overwrites the compatibility rule of the subject.
 */

export type CodecOptions = {
  /** Base of the Confluent-compatible API, such as `http://127.0.0.1:8083/apis/ccompat/v7`. */
  registryUrl: string;
  timeoutMs?: number;
};

export type Projector = (value: Buffer) => Buffer;

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

export type Codec = {
  /**
   * Registers a schema, or finds it where it is registered already, and sets the subject's rule.
   * @throws PermanentError `incompatible-schema` with the registry's list of differences
   */
  register(subject: string, schema: AvroSchema, compatibility: 'FULL_TRANSITIVE' | 'NONE'): Promise<number>;
  /** @throws PermanentError `unknown-schema` where exactly this schema is not registered under the subject */
  idOf(subject: string, schema: AvroSchema): Promise<number>;
  /** The schema as it was registered, with documentation and sensitivities. */
  schemaOf(id: number): Promise<AvroSchema>;
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

const HEADER_BYTES = 5;
const UNKNOWN_FOR_MS = 10_000;
const TIMEOUT_MS = 3_000;

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

const frame = (id: number, body: Buffer): Buffer => {
  const framed = Buffer.allocUnsafe(HEADER_BYTES + body.length);
  framed[0] = 0;
  framed.writeInt32BE(id, 1);
  body.copy(framed, HEADER_BYTES);
  return framed;
};

const statusOf = (error: unknown): number | undefined => (error as { status?: number }).status;

const unavailable = (cause: unknown) =>
  new RetryableError('registry-unavailable', 'The schema registry did not answer. It is asked again.', {
    cause,
  });

/** No connection is opened before the first look-up. */
export const createCodec = ({ registryUrl, timeoutMs = TIMEOUT_MS }: CodecOptions, log: Logger): Codec => {
  boundArrays();
  const texts = new Map<number, string>();
  const sources = new Map<number, AvroSchema>();
  const types = new Map<number, Promise<Type>>();
  const projectors = new Map<string, Promise<Projector>>();
  const writers = new Map<number, WriterSchema>();
  const unknownUntil = new Map<number, number>();

  const client = new SchemaRegistry({
    host: registryUrl,
    retry: { retries: 1, maxRetryTimeInSecs: 1, initialRetryTimeInSecs: 0.1 },
    middlewares: [
      () => ({
        prepareRequest: async (next) => (await next()).enhance({ timeout: timeoutMs }),
        // The client hands out compiled types only; documentation and sensitivities are in the text.
        response: async (next) => {
          const response = await next();
          const id = /\/schemas\/ids\/(\d+)/.exec(response.request().path())?.[1];
          const { schema } = response.data<{ schema?: string }>() ?? {};
          if (id && schema) texts.set(Number(id), schema);
          return response;
        },
      }),
    ],
  });

  const fetchType = async (id: number): Promise<Type> => {
    if (id < 1 || (unknownUntil.get(id) ?? 0) > Date.now()) throw unknownSchema(id);
    try {
      const type = (await client.getSchema(id)) as Type;
      if (type.typeName !== 'record') throw new TypeError(`schema ${id} is no record`);
      return type;
    } catch (error) {
      // A schema that came and cannot be used is not an outage: nobody waits for it to change.
      const unusable = texts.has(id) && statusOf(error) === undefined;
      if (statusOf(error) !== 404 && !unusable) throw unavailable(error);
      if (unknownUntil.size > 10_000) unknownUntil.clear();
      unknownUntil.set(id, Date.now() + UNKNOWN_FOR_MS);
      throw unknownSchema(id);
    }
  };

  const typeOf = (id: number): Promise<Type> => {
    const known = types.get(id);
    if (known) return known;
    const loading = fetchType(id);
    types.set(id, loading);
    loading.catch(() => types.delete(id));
    return loading;
  };

  const schemaOf = async (id: number): Promise<AvroSchema> => {
    await typeOf(id);
    const known = sources.get(id);
    if (known) return known;
    const text = texts.get(id);
    if (text === undefined) throw unavailable(undefined);
    const schema: AvroSchema = JSON.parse(text);
    sources.set(id, schema);
    return schema;
  };

  const makeProjector = async (
    writerId: number,
    viewId: number,
    generalise?: Generalise,
  ): Promise<Projector> => {
    const [writer, view] = await Promise.all([typeOf(writerId), typeOf(viewId)]);
    const resolving = resolvingProjector(writer, view, viewId, generalise);
    if (hasAny(generalise)) return resolving;
    const cut = compileCut(await schemaOf(writerId), await schemaOf(viewId));
    return cut ? cuttingProjector(cut, viewId, resolving) : resolving;
  };

  const loadWriter = async (id: number): Promise<WriterSchema> => {
    const [type, schema] = await Promise.all([typeOf(id), schemaOf(id)]);
    const cut = compileCut(schema, null);
    const json = compileJsonText(schema);
    const decode = (value: Buffer) => decodeBody(type, value);
    const writer: WriterSchema = {
      id,
      name: fullName(schema),
      schema,
      decode,
      writeJson: (value, output, at) => {
        const end = json === null ? NOT_PLAIN : json(value, HEADER_BYTES, output, at);
        if (end !== NOT_PLAIN) return end;
        const text = JSON.stringify(decode(value));
        output.write(text, Math.min(at, output.length), 'utf8');
        return at + Buffer.byteLength(text);
      },
      check: (value) => {
        if (cut === null || cut(value, HEADER_BYTES, NO_OUTPUT, 0) === NOT_PLAIN) decode(value);
      },
    };
    writers.set(id, writer);
    return writer;
  };

  return {
    register: (subject, schema, compatibility) =>
      register(registryUrl, timeoutMs, subject, schema, compatibility, log),

    idOf: async (subject, schema) => {
      try {
        const text = JSON.stringify(schema);
        return await client.getRegistryIdBySchema(subject, { type: SchemaType.AVRO, schema: text });
      } catch (error) {
        if (statusOf(error) !== 404 && (error as Error).name !== 'ConfluentSchemaRegistryError')
          throw unavailable(error);
        throw new PermanentError(
          'unknown-schema',
          `The schema of ${subject} is not registered as this program has it. Run the deployment step of this version first.`,
        );
      }
    },

    schemaOf,
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

const hasAny = (generalise: Generalise | undefined): generalise is Generalise =>
  generalise !== undefined && Object.keys(generalise).length > 0;

/** Decodes with the view as the reader's schema and encodes the result: right for every pair of schemas. */
export const resolvingProjector = (
  writer: Type,
  view: Type,
  viewId: number,
  generalise?: Generalise,
): Projector => {
  const resolver = resolverOf(view, writer);
  return (value) => {
    const data = decodeBody(view, value, resolver);
    try {
      return frame(viewId, view.toBuffer(hasAny(generalise) ? applyGeneralise(data, generalise) : data));
    } catch (error) {
      throw cannotProject(error);
    }
  };
};

/** What the cut does not take for plain is resolved, which also finds out what is wrong with it. */
export const cuttingProjector =
  (cut: Cut, viewId: number, resolving: Projector): Projector =>
  (value) => {
    // What is kept is never longer than what there was.
    const output = Buffer.allocUnsafe(value.length);
    const end = cut(value, HEADER_BYTES, output, HEADER_BYTES);
    if (end === NOT_PLAIN) return resolving(value);
    output[0] = 0;
    output.writeInt32BE(viewId, 1);
    return output.subarray(0, end);
  };

const unknownSchema = (id: number) =>
  new PermanentError('unknown-schema', `No record schema with id ${id} is registered`);

// The library's own messages quote the value, and values are people.
const cannotProject = (_cause: unknown) =>
  new PermanentError('cannot-project', 'The value cannot be read with the schema of the view');

/**
 * What a recipient would get of some data, without any registry: encoded with the event's schema, read with the view's,
 * put in its general forms and written and read again, as a release is.
 * @throws PermanentError `invalid-data`, `cannot-project`
 */
export const previewProjection = (
  event: AvroSchema,
  view: AvroSchema,
  generalise: Generalise,
  data: unknown,
): unknown => {
  const [writer, reader] = [event, view].map((schema) =>
    avro.Type.forSchema(schema as unknown as RawSchema),
  ) as [Type, Type];
  if (!writer.isValid(data)) throw new PermanentError('invalid-data', `This is no ${writer.name}`);
  const read = reader.fromBuffer(writer.toBuffer(data), resolverOf(reader, writer));
  return JSON.parse(JSON.stringify(reader.fromBuffer(reader.toBuffer(applyGeneralise(read, generalise)))));
};

type Tap = { buf: Buffer; pos: number; readLong(): number; skipLong(): void };
type Item = { _read(tap: Tap): unknown; _skip(tap: Tap): void };
type ArrayReader = { itemsType: Item };

/**
 * The library believes the length that an array claims: ten bytes that announce 2^40 items keep it busy until the
 * memory is full, and a negative size sends it backwards for ever. Here a block has at most as many items as
 * bytes are left, because every item of our schemas takes at least one. Resolvers take these readers over. Set for all
 * types at once, because the library freezes each of them.
 */
const boundArrays = () => {
  const arrays = (avro.types as unknown as { ArrayType: { prototype: object } }).ArrayType.prototype;
  Object.assign(arrays, {
    _read(this: ArrayReader, tap: Tap) {
      const items: unknown[] = [];
      forEachItem(tap, () => items.push(this.itemsType._read(tap)));
      return items;
    },
    _skip(this: ArrayReader, tap: Tap) {
      forEachItem(tap, () => this.itemsType._skip(tap));
    },
  });
};

const forEachItem = (tap: Tap, take: () => void) => {
  for (let count = tap.readLong(); count !== 0; count = tap.readLong()) {
    // A negative count is followed by the size of the block in bytes, which nothing here needs.
    if (count < 0) tap.skipLong();
    const length = Math.abs(count);
    if (!(length <= tap.buf.length - tap.pos)) throw new RangeError('more items than bytes');
    for (let index = 0; index < length; index += 1) take();
  }
};

const resolverOf = (reader: Type, writer: Type) => {
  try {
    return reader.createResolver(writer);
  } catch {
    throw new PermanentError('cannot-project', `A value of ${writer.name} cannot be read as ${reader.name}`);
  }
};

const decodeBody = (type: Type, value: Buffer, resolver?: ReturnType<Type['createResolver']>): unknown => {
  try {
    return type.fromBuffer(value.subarray(HEADER_BYTES), resolver);
  } catch {
    throw new PermanentError('undecodable', `The value is not a valid ${type.name}`);
  }
};

const register = async (
  registryUrl: string,
  timeoutMs: number,
  subject: string,
  schema: AvroSchema,
  compatibility: 'FULL_TRANSITIVE' | 'NONE',
  log: Logger,
): Promise<number> => {
  // A schema that avsc cannot compile would be found out by its first reader otherwise.
  avro.Type.forSchema(schema as unknown as RawSchema);
  const request = async (method: 'POST' | 'PUT', path: string, body: object) => {
    const answer = await fetch(`${registryUrl}${path}`, {
      method,
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs * 3),
    }).catch((error) => {
      throw unavailable(error);
    });
    if (answer.status === 409 || answer.status === 422)
      throw new PermanentError(
        'incompatible-schema',
        `The registry refuses the schema of ${subject}: ${await answer.text()}`,
      );
    if (!answer.ok) throw unavailable(new Error(`status ${answer.status}`));
    return answer.json();
  };
  const name = encodeURIComponent(subject);
  const { id } = (await request('POST', `/subjects/${name}/versions`, {
    schema: JSON.stringify(schema),
  })) as { id: number };
  // Only once the subject exists can it have a rule, and its rule does not override a global one.
  const setRule = () => request('PUT', `/config/${name}`, { compatibility });
  // Of two deployments that make the same rule at once the registry refuses one; asked again, it takes it as a change.
  if (compatibility !== 'NONE') await setRule().catch(setRule);
  log.debug({ subject, id }, 'Schema registered');
  return id;
};
