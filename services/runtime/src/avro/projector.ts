import type { AvroSchema } from '@causeway/schemas/avro/schema';
import { applyGeneralise, type Generalise } from '@causeway/schemas/disclosure/generalisers';
import avro, { type Schema as RawSchema, type Type } from 'avsc';
import { PermanentError } from '../errors.ts';
import { NOT_PLAIN, type Walk } from './compile.ts';

/** A function from values of one schema to values of a view of it. @throws PermanentError `undecodable`, `cannot-project` */
export type Projector = (value: Buffer) => Buffer;

/** Of the wire format: byte 0, four bytes of schema id, Avro. */
export const HEADER_BYTES = 5;

export const frame = (id: number, body: Buffer): Buffer => {
  const framed = Buffer.allocUnsafe(HEADER_BYTES + body.length);
  framed[0] = 0;
  framed.writeInt32BE(id, 1);
  body.copy(framed, HEADER_BYTES);
  return framed;
};

export const hasAny = (generalise: Generalise | undefined): generalise is Generalise =>
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
    // The library's own messages quote the value, and values are people: they are not passed on.
    try {
      return frame(viewId, view.toBuffer(hasAny(generalise) ? applyGeneralise(data, generalise) : data));
    } catch {
      throw new PermanentError('cannot-project', 'The value cannot be read with the schema of the view');
    }
  };
};

/** What is not plain is resolved, which also finds out what is wrong with it. */
export const slicingProjector =
  (slice: Walk, viewId: number, resolving: Projector): Projector =>
  (value) => {
    // What is kept is never longer than what there was.
    const output = Buffer.allocUnsafe(value.length);
    const end = slice(value, HEADER_BYTES, output, HEADER_BYTES);
    if (end === NOT_PLAIN) return resolving(value);
    output[0] = 0;
    output.writeInt32BE(viewId, 1);
    return output.subarray(0, end);
  };

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

export const resolverOf = (reader: Type, writer: Type) => {
  try {
    return reader.createResolver(writer);
  } catch {
    throw new PermanentError('cannot-project', `A value of ${writer.name} cannot be read as ${reader.name}`);
  }
};

export const decodeBody = (
  type: Type,
  value: Buffer,
  resolver?: ReturnType<Type['createResolver']>,
): unknown => {
  try {
    return type.fromBuffer(value.subarray(HEADER_BYTES), resolver);
  } catch {
    throw new PermanentError('undecodable', `The value is not a valid ${type.name}`);
  }
};
