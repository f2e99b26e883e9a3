import { isUtf8 } from 'node:buffer';
import {
  type AvroEnum,
  type AvroPrimitive,
  type AvroRecord,
  type AvroSchema,
  type AvroType,
  isArray,
  type NamedTypes,
  namedTypes,
  resolveType,
} from '@causeway/schemas/avro/schema';
import { readVarint, skipVarint } from './varint.ts';

/** Bytes from `keptFrom` to `at` are kept and not copied yet; -1 where there are none. */
export type Cursor = { value: Buffer; at: number; keptFrom: number; output: Buffer; outputAt: number };

/** Moves the cursor over one value. False where it is not as our encoder writes it. */
export type Step = (cursor: Cursor) => boolean;

/** Walks one value from `start` to the end of the bytes. Returns where the output ends, or `NOT_PLAIN`. */
export type Walk = (value: Buffer, start: number, output: Buffer, at: number) => number;

/** The bytes are not exactly those that our own encoder would have written: the caller has to decode them. */
export const NOT_PLAIN = -1;

export type Leaf = AvroPrimitive | AvroEnum;

/** What a walk writes. Each function compiles the step of a type from those of its parts; `isKept`: the view has it. */
export type Emitter = {
  record(fields: readonly { name: string; step: Step }[]): Step;
  nullable(inner: Step, isKept: boolean): Step;
  array(item: Step, isKept: boolean): Step;
  leaf(type: Leaf, isKept: boolean): Step;
};

/** Our schemas are not nested as deeply; one that contains itself would never end. */
const DEEPEST = 32;

/**
 * Compiles a walk over the values of a writer schema that keeps what a view of it has; with a view of `null` nothing.
 * Null for a schema outside our subset, and where a kept part has another type, another order or other enum symbols
 * in the two, or the view has a field that the writer has not.
 */
export const compileStep = (writer: AvroSchema, view: AvroSchema | null, emitter: Emitter): Step | null => {
  try {
    const names = { writer: namedTypes(writer), view: view ? namedTypes(view) : new Map() };
    return compiler(names, emitter)(writer, view ?? undefined, 0);
  } catch {
    return null;
  }
};

const compiler = (names: { writer: NamedTypes; view: NamedTypes }, emitter: Emitter) => {
  const recordStep = (written: AvroRecord, seen: AvroRecord | undefined, depth: number): Step => {
    if (depth > DEEPEST) throw new RangeError('nested too deeply');
    const wanted = [...(seen?.fields ?? [])];
    const fields = written.fields.map(({ name, type }) => {
      const match = wanted[0]?.name === name ? wanted.shift() : undefined;
      return { name, step: typeStep(type, match?.type, depth) };
    });
    // Left over: a field that the writer has not, or has in another place.
    if (wanted.length > 0) throw different();
    return emitter.record(fields);
  };

  const typeStep = (written: AvroType, seen: AvroType | undefined, depth: number): Step => {
    const isKept = seen !== undefined;
    if (isUnion(written)) {
      const union = alike(isUnion, seen);
      return emitter.nullable(typeStep(branch(written), union && branch(union), depth), isKept);
    }
    if (isArray(written))
      return emitter.array(typeStep(written.items, alike(isArray, seen)?.items, depth), isKept);
    const own = resolveType(written, names.writer);
    const other = isKept ? resolveType(seen, names.view) : undefined;
    if (other?.nullable || other?.inArray) throw different();
    if (own.kind === 'record') {
      if (other !== undefined && other.kind !== 'record') throw different();
      return recordStep(own.record, other?.record, depth + 1);
    }
    if (other !== undefined && !(other.kind === 'leaf' && isSameLeaf(own.type, other.type)))
      throw different();
    return emitter.leaf(own.type, isKept);
  };
  return recordStep;
};

/** Ends the compilation. */
const different = () => new TypeError('writer and view differ');

const isUnion = (type: AvroType): type is AvroType[] => Array.isArray(type);

const alike = <T extends AvroType>(
  is: (type: AvroType) => type is T,
  seen: AvroType | undefined,
): T | undefined => {
  if (seen === undefined || is(seen)) return seen;
  throw different();
};

/** The only union is `["null", T]`; any other is left to the resolver. */
const branch = ([first, second, ...more]: AvroType[]): AvroType => {
  if (first !== 'null' || second === undefined || isUnion(second) || more.length > 0) throw different();
  return second;
};

/** An index that is copied between different lists of symbols would be a different word. */
const isSameLeaf = (written: Leaf, seen: Leaf): boolean =>
  typeof written === 'string' || typeof seen === 'string'
    ? written === seen
    : written.symbols.join() === seen.symbols.join();

/** The count of an array as our encoder writes one: a single block, then 0; of no items only the 0. Negative where it is not. */
export const readCount = (cursor: Cursor): number => {
  const start = cursor.at;
  if (!skipVarint(cursor, 4)) return -1;
  const count = readVarint(cursor.value, start);
  // Every item of our schemas takes at least a byte.
  return count > cursor.value.length - cursor.at ? -1 : count;
};

/** Where a text ends, the cursor moved to its beginning; -1 where it is not as our encoder writes it. */
export const readTextEnd = (cursor: Cursor): number => {
  const start = cursor.at;
  if (!skipVarint(cursor, 4)) return -1;
  const length = readVarint(cursor.value, start);
  const end = cursor.at + length;
  return length < 0 || end > cursor.value.length ? -1 : end;
};

/** Each moves over a leaf and checks it, without writing anything. */
export const CHECKS: Record<AvroPrimitive, Step> = {
  null: () => true,
  boolean: (cursor) => {
    const byte = cursor.value[cursor.at++];
    return byte === 0 || byte === 1;
  },
  int: (cursor) => {
    const start = cursor.at;
    // The fifth byte may hold the last four of 32 bits.
    return skipVarint(cursor, 5) && (cursor.at < start + 5 || (cursor.value[start + 4] as number) <= 0x0f);
  },
  // Seven bytes hold 49 bits: what is longer may be out of range and is left to the decoder.
  long: (cursor) => skipVarint(cursor, 7),
  double: (cursor) => {
    cursor.at += 8;
    if (cursor.at > cursor.value.length) return false;
    // A number that is none has many forms, of which encoding keeps one.
    return !Number.isNaN(cursor.value.readDoubleLE(cursor.at - 8));
  },
  string: (cursor) => {
    const end = readTextEnd(cursor);
    if (end < 0) return false;
    const isPlain = isText(cursor.value, cursor.at, end);
    cursor.at = end;
    return isPlain;
  },
};

/** Most texts are short and ASCII: looked at here, they cost less than the call. */
const isText = (bytes: Buffer, start: number, end: number): boolean => {
  for (let at = start; at < end; at += 1)
    if ((bytes[at] as number) > 0x7f) return isUtf8(bytes.subarray(start, end));
  return true;
};
