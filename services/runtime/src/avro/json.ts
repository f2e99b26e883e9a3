import { isUtf8 } from 'node:buffer';
import type { AvroEnum, AvroPrimitive, AvroSchema } from '@causeway/schemas/avro/schema';
import {
  CHECKS,
  type Cursor,
  compileStep,
  type Emitter,
  NOT_PLAIN,
  readCount,
  readTextEnd,
  type Step,
  type Walk,
} from './compile.ts';
import { readLong, readVarint, skipVarint } from './varint.ts';

/**
 * Compiles a walk that writes a value as JSON text, straight from its bytes, as decoding and `JSON.stringify` would. The text ends
 * beyond the output where there was too little room, which is then to be tried again with more. Null for a schema outside our subset.
 */
export const compileJson = (schema: AvroSchema): Walk | null => {
  const step = compileStep(schema, schema, JSON_TEXT);
  if (step === null) return null;
  return (value, start, output, at) => {
    const cursor: Cursor = { value, at: start, keptFrom: -1, output, outputAt: at };
    return step(cursor) && cursor.at === value.length ? cursor.outputAt : NOT_PLAIN;
  };
};

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const COMMA = 0x2c;
const ARRAY_BEGIN = 0x5b;
const ARRAY_END = 0x5d;
const RECORD_BEGIN = 0x7b;
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

const NULL = Buffer.from('null');
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');

const JSON_TEXT: Emitter = {
  record(fields) {
    const steps = fields.map(({ name, step }, index) => ({
      label: Buffer.from(`${index === 0 ? '{' : ','}${JSON.stringify(name)}:`),
      step,
    }));
    const isEmpty = fields.length === 0;
    return (cursor) => {
      if (isEmpty) putByte(cursor, RECORD_BEGIN);
      for (const { label, step } of steps) {
        put(cursor, label);
        if (!step(cursor)) return false;
      }
      putByte(cursor, RECORD_END);
      return true;
    };
  },
  nullable: (inner) => (cursor) => {
    const byte = cursor.value[cursor.at++];
    if (byte === 2) return inner(cursor);
    put(cursor, NULL);
    return byte === 0;
  },
  array: (item) => (cursor) => {
    const count = readCount(cursor);
    if (count < 0) return false;
    putByte(cursor, ARRAY_BEGIN);
    for (let index = 0; index < count; index += 1) {
      if (index > 0) putByte(cursor, COMMA);
      if (!item(cursor)) return false;
    }
    putByte(cursor, ARRAY_END);
    return count === 0 || cursor.value[cursor.at++] === 0;
  },
  leaf: (type) => (typeof type === 'object' ? enumStep(type) : LEAVES[type]),
};

const enumStep = ({ symbols }: AvroEnum): Step => {
  const texts = symbols.map((symbol) => Buffer.from(JSON.stringify(symbol)));
  return (cursor) => {
    const start = cursor.at;
    if (!skipVarint(cursor, 4)) return false;
    const text = texts[readVarint(cursor.value, start)];
    if (text !== undefined) put(cursor, text);
    return text !== undefined;
  };
};

/** Writes a leaf once it is checked; `start` is where it begins. */
const written =
  (check: Step, write: (cursor: Cursor, start: number) => void): Step =>
  (cursor) => {
    const start = cursor.at;
    if (!check(cursor)) return false;
    write(cursor, start);
    return true;
  };

const writeNumber = (cursor: Cursor, start: number) => putText(cursor, String(readLong(cursor.value, start)));

const stringStep: Step = (cursor) => {
  const end = readTextEnd(cursor);
  return end >= 0 && (plainString(cursor, end) || anyString(cursor, end));
};

const LEAVES: Record<AvroPrimitive, Step> = {
  null: written(CHECKS.null, (cursor) => put(cursor, NULL)),
  boolean: written(CHECKS.boolean, (cursor, start) => put(cursor, cursor.value[start] === 1 ? TRUE : FALSE)),
  int: written(CHECKS.int, writeNumber),
  long: written(CHECKS.long, writeNumber),
  double: written(CHECKS.double, (cursor, start) =>
    putText(cursor, JSON.stringify(cursor.value.readDoubleLE(start))),
  ),
  string: stringStep,
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
