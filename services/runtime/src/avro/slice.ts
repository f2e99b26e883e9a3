import { isUtf8 } from 'node:buffer';
import {
  type AvroEnum,
  type AvroField,
  type AvroRecord,
  type AvroSchema,
  type AvroType,
  isArray,
  isEnum,
  isRecord,
  type NamedTypes,
  namedTypes,
  resolveType,
} from '@causeway/schemas/avro/schema';

/**
 * Copies what a view keeps out of the writer's bytes, and checks on the way everything that it passes over. Returns
 * where the output ends, or `NOT_PLAIN` where the bytes are not exactly those that our own encoder would have
 * written: then nothing is known about them, and whoever asked has to decode.
 */
export type Cut = (value: Buffer, start: number, output: Buffer, at: number) => number;

export const NOT_PLAIN = -1;

/** A schema of ours is not nested as deeply; one that contains itself would be compiled for ever. */
export const DEEPEST = 32;

/**
 * Compiles the cut from values of a writer schema to a view of it. Null where cutting and resolving could differ: a kept
 * part has another type, another order or other enum symbols in the two, or the view has a field that the writer has not.
 * With a view of `null` everything is checked and nothing kept.
 */
export const compileCut = (writer: AvroSchema, view: AvroSchema | null): Cut | null => {
  let step: Step;
  try {
    const names = { writer: namedTypes(writer), view: view ? namedTypes(view) : new Map() };
    step = recordStep(writer, view, names, 0);
  } catch {
    return null;
  }
  return (value, start, output, at) => {
    const cursor: Cursor = { value, at: start, keptFrom: NOTHING, output, outputAt: at };
    if (!step(cursor) || cursor.at !== value.length) return NOT_PLAIN;
    flush(cursor);
    return cursor.outputAt;
  };
};

/** Ends the compilation; a schema outside our subset ends it as well, with an error of its own. */
class NotIdentical extends Error {}

const NOTHING = -1;

/** Bytes from `keptFrom` to `at` are kept and not copied yet; neighbours that are kept are copied in one go. */
type Cursor = { value: Buffer; at: number; keptFrom: number; output: Buffer; outputAt: number };

/** Moves the cursor over one value. False where it is not as our encoder writes it. */
type Step = (cursor: Cursor) => boolean;

type Names = { writer: NamedTypes; view: NamedTypes };

const flush = (cursor: Cursor) => {
  const { value, at, keptFrom, output } = cursor;
  if (keptFrom < 0) return;
  value.copy(output, cursor.outputAt, keptFrom, at);
  cursor.outputAt += at - keptFrom;
  cursor.keptFrom = NOTHING;
};

const kept =
  (step: Step): Step =>
  (cursor) => {
    if (cursor.keptFrom < 0) cursor.keptFrom = cursor.at;
    return step(cursor);
  };

const skipped =
  (step: Step): Step =>
  (cursor) => {
    flush(cursor);
    return step(cursor);
  };

const recordStep = (writer: AvroRecord, view: AvroRecord | null, names: Names, depth: number): Step => {
  if (depth > DEEPEST) throw new NotIdentical();
  const wanted = view ? [...view.fields] : [];
  const steps = writer.fields.map((field) => {
    const match = wanted[0]?.name === field.name ? wanted.shift() : undefined;
    return fieldStep(field, match, names, depth);
  });
  // Left over: a field that the writer has not, or has in another place.
  if (wanted.length > 0) throw new NotIdentical();
  return (cursor) => {
    for (const step of steps) if (!step(cursor)) return false;
    return true;
  };
};

const fieldStep = (field: AvroField, match: AvroField | undefined, names: Names, depth: number): Step =>
  typeStep(field.type, match?.type, names, depth);

const typeStep = (writer: AvroType, view: AvroType | undefined, names: Names, depth: number): Step => {
  const mark = view === undefined ? skipped : kept;
  if (Array.isArray(writer)) {
    if (view !== undefined && !Array.isArray(view)) throw new NotIdentical();
    return nullable(mark, typeStep(branch(writer), view && branch(view), names, depth));
  }
  if (view !== undefined && Array.isArray(view)) throw new NotIdentical();
  if (isArray(writer)) {
    if (view !== undefined && !isArray(view)) throw new NotIdentical();
    return array(mark, typeStep(writer.items, view?.items, names, depth));
  }
  if (view !== undefined && isArray(view)) throw new NotIdentical();
  const written = named(writer, names.writer);
  const seen = view === undefined ? undefined : named(view, names.view);
  if (typeof written === 'object' && isRecord(written)) {
    if (seen !== undefined && !(typeof seen === 'object' && isRecord(seen))) throw new NotIdentical();
    return recordStep(written, seen ?? null, names, depth + 1);
  }
  if (seen !== undefined && !sameLeaf(written, seen)) throw new NotIdentical();
  return mark(leafStep(written));
};

/** The only union is `["null", T]`; any other is left to the resolver. */
export const branch = (union: AvroType[]): AvroType => {
  const [first, second] = union;
  if (union.length !== 2 || first !== 'null' || second === undefined || Array.isArray(second))
    throw new NotIdentical();
  return second;
};

export const named = (type: AvroType, names: NamedTypes): string | AvroRecord | AvroEnum => {
  const resolved = resolveType(type, names);
  return resolved.kind === 'record' ? resolved.record : resolved.type;
};

const sameLeaf = (written: string | AvroRecord | AvroEnum, seen: string | AvroRecord | AvroEnum): boolean => {
  if (typeof written === 'string' || typeof seen === 'string') return written === seen;
  // An index that is copied between different lists of symbols would be a different word.
  return isEnum(written) && isEnum(seen) && written.symbols.join() === seen.symbols.join();
};

const nullable = (mark: (step: Step) => Step, inner: Step): Step => {
  const index = mark((cursor) => {
    const byte = cursor.value[cursor.at++];
    return byte === 0 || byte === 2;
  });
  return (cursor) => index(cursor) && (cursor.value[cursor.at - 1] === 0 || inner(cursor));
};

/** As our encoder writes one: a single block with a positive count, then 0; of no items only the 0. */
const array = (mark: (step: Step) => Step, inner: Step): Step => {
  const length = mark((cursor) => skipVarint(cursor, 4));
  const end = mark((cursor) => cursor.value[cursor.at++] === 0);
  return (cursor) => {
    const start = cursor.at;
    if (!length(cursor)) return false;
    const count = readVarint(cursor.value, start);
    if (count === 0) return true;
    // Every item of our schemas takes at least a byte.
    if (count < 0 || count > cursor.value.length - cursor.at) return false;
    for (let index = 0; index < count; index += 1) if (!inner(cursor)) return false;
    return end(cursor);
  };
};

const leafStep = (type: string | AvroRecord | AvroEnum): Step => {
  if (typeof type === 'object') {
    if (!isEnum(type)) throw new NotIdentical();
    const { length } = type.symbols;
    return (cursor) => {
      const start = cursor.at;
      if (!skipVarint(cursor, 4)) return false;
      const index = readVarint(cursor.value, start);
      return index >= 0 && index < length;
    };
  }
  const step = LEAVES[type];
  if (!step) throw new NotIdentical();
  return step;
};

const LEAVES: Record<string, Step> = {
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
    const start = cursor.at;
    if (!skipVarint(cursor, 4)) return false;
    const length = readVarint(cursor.value, start);
    const end = cursor.at + length;
    if (length < 0 || end > cursor.value.length) return false;
    const plain = isText(cursor.value, cursor.at, end);
    cursor.at = end;
    return plain;
  },
};

/** Most texts are short and ASCII: looked at here, they cost less than the call. */
const isText = (bytes: Buffer, start: number, end: number): boolean => {
  for (let at = start; at < end; at += 1)
    if ((bytes[at] as number) > 0x7f) return isUtf8(bytes.subarray(start, end));
  return true;
};

/** Over a number of at most `longest` bytes in its shortest form. */
export const skipVarint = (cursor: Pick<Cursor, 'value' | 'at'>, longest: number): boolean => {
  const { value, at: start } = cursor;
  const limit = Math.min(start + longest, value.length);
  for (let at = start; at < limit; at += 1) {
    const byte = value[at] as number;
    if (byte > 0x7f) continue;
    cursor.at = at + 1;
    return byte !== 0 || at === start;
  }
  return false;
};

/** A number that `skipVarint` has found to be well formed; exact for up to four bytes. */
export const readVarint = (bytes: Buffer, start: number): number => {
  let value = 0;
  for (let at = start, shift = 0; ; at += 1, shift += 7) {
    const byte = bytes[at] as number;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
  }
};
