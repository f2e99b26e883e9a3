import { isUtf8 } from 'node:buffer';
import {
  type AvroEnum,
  type AvroRecord,
  type AvroSchema,
  type AvroType,
  isArray,
  isEnum,
  isRecord,
  type NamedTypes,
  namedTypes,
} from '@causeway/schemas/avro/schema';
import { branch, DEEPEST, NOT_PLAIN, named, readVarint, skipVarint } from './slice.ts';

/**
 * Writes a value of a schema as JSON text, straight from its bytes, as decoding and `JSON.stringify` would. Returns where the text ends:
 * beyond the output where there was too little room, which is then to be tried again with more; `NOT_PLAIN` where the bytes
 * are not exactly those that our own encoder would have written, so that whoever asked has to decode.
 */
export type JsonText = (value: Buffer, start: number, output: Buffer, at: number) => number;

/** Null for a schema outside our subset. */
export const compileJsonText = (schema: AvroSchema): JsonText | null => {
  let step: Step;
  try {
    step = recordStep(schema, namedTypes(schema), 0);
  } catch {
    return null;
  }
  return (value, start, output, at) => {
    const cursor: Cursor = { value, at: start, output, outputAt: at };
    return step(cursor) && cursor.at === value.length ? cursor.outputAt : NOT_PLAIN;
  };
};

type Cursor = { value: Buffer; at: number; output: Buffer; outputAt: number };

/** Moves the cursor over one value. False where it is not as our encoder writes it. */
type Step = (cursor: Cursor) => boolean;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const COMMA = 0x2c;
const ARRAY_BEGIN = 0x5b;
const ARRAY_END = 0x5d;
const RECORD_END = 0x7d;

/** What does not fit is not written: whoever reads where the text ends finds that out. */
const put = (cursor: Cursor, bytes: Uint8Array): void => {
  const { output } = cursor;
  let at = cursor.outputAt;
  for (let index = 0; index < bytes.length; index += 1) output[at++] = bytes[index] as number;
  cursor.outputAt = at;
};

const putByte = (cursor: Cursor, byte: number): void => {
  cursor.output[cursor.outputAt] = byte;
  cursor.outputAt += 1;
};

const putText = (cursor: Cursor, text: string): void => {
  cursor.output.write(text, Math.min(cursor.outputAt, cursor.output.length), 'utf8');
  cursor.outputAt += Buffer.byteLength(text);
};

const recordStep = ({ fields }: AvroRecord, names: NamedTypes, depth: number): Step => {
  if (depth > DEEPEST) throw new RangeError('a schema is nested too deeply');
  const steps = fields.map(({ name, type }, index) => ({
    label: Buffer.from(`${index === 0 ? '{' : ','}${JSON.stringify(name)}:`),
    write: typeStep(type, names, depth),
  }));
  const empty = fields.length === 0;
  return (cursor) => {
    if (empty) putByte(cursor, 0x7b);
    for (const { label, write } of steps) {
      put(cursor, label);
      if (!write(cursor)) return false;
    }
    putByte(cursor, RECORD_END);
    return true;
  };
};

const typeStep = (type: AvroType, names: NamedTypes, depth: number): Step => {
  if (Array.isArray(type)) return nullable(typeStep(branch(type), names, depth));
  if (isArray(type)) return array(typeStep(type.items, names, depth));
  const found = named(type, names);
  if (typeof found === 'object' && isRecord(found)) return recordStep(found, names, depth + 1);
  return leafStep(found);
};

const NULL = Buffer.from('null');

const nullable =
  (inner: Step): Step =>
  (cursor) => {
    const byte = cursor.value[cursor.at++];
    if (byte === 2) return inner(cursor);
    put(cursor, NULL);
    return byte === 0;
  };

/** As our encoder writes one: a single block with a positive count, then 0; of no items only the 0. */
const array =
  (inner: Step): Step =>
  (cursor) => {
    const start = cursor.at;
    if (!skipVarint(cursor, 4)) return false;
    const count = readVarint(cursor.value, start);
    // Every item of our schemas takes at least a byte.
    if (count < 0 || count > cursor.value.length - cursor.at) return false;
    putByte(cursor, ARRAY_BEGIN);
    for (let index = 0; index < count; index += 1) {
      if (index > 0) putByte(cursor, COMMA);
      if (!inner(cursor)) return false;
    }
    putByte(cursor, ARRAY_END);
    return count === 0 || cursor.value[cursor.at++] === 0;
  };

const leafStep = (type: string | AvroRecord | AvroEnum): Step => {
  if (typeof type === 'object') {
    if (!isEnum(type)) throw new TypeError('not a leaf');
    const symbols = type.symbols.map((symbol) => Buffer.from(JSON.stringify(symbol)));
    return (cursor) => {
      const start = cursor.at;
      if (!skipVarint(cursor, 4)) return false;
      const symbol = symbols[readVarint(cursor.value, start)];
      if (symbol === undefined) return false;
      put(cursor, symbol);
      return true;
    };
  }
  const step = LEAVES[type];
  if (!step) throw new TypeError(`no leaf of ours is a ${type}`);
  return step;
};

const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');

const LEAVES: Record<string, Step> = {
  null: (cursor) => {
    put(cursor, NULL);
    return true;
  },
  boolean: (cursor) => {
    const byte = cursor.value[cursor.at++];
    put(cursor, byte === 1 ? TRUE : FALSE);
    return byte === 0 || byte === 1;
  },
  int: (cursor) => {
    const start = cursor.at;
    // The fifth byte may hold the last four of 32 bits.
    if (!skipVarint(cursor, 5) || (cursor.at === start + 5 && (cursor.value[start + 4] as number) > 0x0f))
      return false;
    putText(cursor, String(readLong(cursor.value, start)));
    return true;
  },
  // Seven bytes hold 49 bits: what is longer may be out of range and is left to the decoder.
  long: (cursor) => {
    const start = cursor.at;
    if (!skipVarint(cursor, 7)) return false;
    putText(cursor, String(readLong(cursor.value, start)));
    return true;
  },
  double: (cursor) => {
    cursor.at += 8;
    if (cursor.at > cursor.value.length) return false;
    putText(cursor, JSON.stringify(cursor.value.readDoubleLE(cursor.at - 8)));
    return true;
  },
  string: (cursor) => {
    const start = cursor.at;
    if (!skipVarint(cursor, 4)) return false;
    const length = readVarint(cursor.value, start);
    const end = cursor.at + length;
    if (length < 0 || end > cursor.value.length) return false;
    return plainString(cursor, end) || anyString(cursor, end);
  },
};

/** Most texts are short and ASCII with nothing to escape: copied here, they cost less than a call. */
const plainString = (cursor: Cursor, end: number): boolean => {
  const { value, output } = cursor;
  let at = cursor.outputAt;
  output[at++] = QUOTE;
  for (let index = cursor.at; index < end; index += 1) {
    const byte = value[index] as number;
    if (byte < SPACE || byte > 0x7f || byte === QUOTE || byte === BACKSLASH) return false;
    output[at++] = byte;
  }
  output[at++] = QUOTE;
  cursor.at = end;
  cursor.outputAt = at;
  return true;
};

const anyString = (cursor: Cursor, end: number): boolean => {
  const bytes = cursor.value.subarray(cursor.at, end);
  if (!isUtf8(bytes)) return false;
  putText(cursor, JSON.stringify(bytes.toString('utf8')));
  cursor.at = end;
  return true;
};

/** A number of at most seven bytes that `skipVarint` has found to be well formed. */
const readLong = (bytes: Buffer, start: number): number => {
  let value = 0;
  for (let at = start, weight = 1; ; at += 1, weight *= 128) {
    const byte = bytes[at] as number;
    value += (byte & 0x7f) * weight;
    if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
};
