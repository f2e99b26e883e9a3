import type { AvroEnum, AvroSchema } from '@causeway/schemas/avro/schema';
import {
  CHECKS,
  type Cursor,
  compileStep,
  type Emitter,
  NOT_PLAIN,
  readCount,
  type Step,
  type Walk,
} from './compile.ts';
import { readVarint, skipVarint } from './varint.ts';

/**
 * Compiles a walk that copies what a view keeps out of the writer's bytes and checks everything that it skips.
 * Null where copying and resolving could differ. With a view of `null` everything is checked and nothing kept.
 */
export const compileSlice = (writer: AvroSchema, view: AvroSchema | null): Walk | null => {
  const step = compileStep(writer, view, SLICE);
  if (step === null) return null;
  return (value, start, output, at) => {
    const cursor: Cursor = { value, at: start, keptFrom: NOTHING, output, outputAt: at };
    if (!step(cursor) || cursor.at !== value.length) return NOT_PLAIN;
    flush(cursor);
    return cursor.outputAt;
  };
};

const NOTHING = -1;

/** Neighbours that are kept are copied in one go. */
const flush = (cursor: Cursor): void => {
  const { value, at, keptFrom, output } = cursor;
  if (keptFrom < 0) return;
  value.copy(output, cursor.outputAt, keptFrom, at);
  cursor.outputAt += at - keptFrom;
  cursor.keptFrom = NOTHING;
};

const keep = (cursor: Cursor): void => {
  if (cursor.keptFrom < 0) cursor.keptFrom = cursor.at;
};

const SLICE: Emitter = {
  record(fields) {
    const steps = fields.map(({ step }) => step);
    return (cursor) => {
      for (const step of steps) if (!step(cursor)) return false;
      return true;
    };
  },
  nullable(inner, isKept) {
    const mark = isKept ? keep : flush;
    return (cursor) => {
      mark(cursor);
      const byte = cursor.value[cursor.at++];
      return byte === 0 || (byte === 2 && inner(cursor));
    };
  },
  array(item, isKept) {
    const mark = isKept ? keep : flush;
    return (cursor) => {
      mark(cursor);
      const count = readCount(cursor);
      if (count <= 0) return count === 0;
      for (let index = 0; index < count; index += 1) if (!item(cursor)) return false;
      mark(cursor);
      return cursor.value[cursor.at++] === 0;
    };
  },
  leaf(type, isKept) {
    const mark = isKept ? keep : flush;
    const check = typeof type === 'object' ? enumCheck(type) : CHECKS[type];
    return (cursor) => {
      mark(cursor);
      return check(cursor);
    };
  },
};

const enumCheck = ({ symbols }: AvroEnum): Step => {
  const { length } = symbols;
  return (cursor) => {
    const start = cursor.at;
    if (!skipVarint(cursor, 4)) return false;
    const index = readVarint(cursor.value, start);
    return index >= 0 && index < length;
  };
};
