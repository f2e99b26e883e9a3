/**
 * The Minimal Lower Layer Protocol (HL7 v2, appendix C): a message travels as VT, content, FS, CR.
 *
 * The framer is fed whatever the socket delivers and hands back what it can tell for certain. FS always ends a frame,
 * whether or not the CR follows: some engines leave it out, and waiting for it would hang them. VT is
 * only a frame's start between frames; inside one it is content (word processors put it into pasted
 * text), except where `MSH` follows it: there a sender began again, and what came before is a message cut short.
 */
import { createHash, type Hash } from 'node:crypto';

const VT = 0x0b;
const FS = 0x1c;
const CR = 0x0d;
const LF = 0x0a;
const NEW_START = Buffer.from('\x0bMSH', 'latin1');

/** The most that is kept of bytes too many to keep whole. */
export const KEPT_OF_OVERSIZE = 400_000;

export type Oversize = { kind: 'oversize'; head: Buffer; length: number; sha256: string };
export type Frame =
  | { kind: 'message'; content: Buffer }
  | { kind: 'cut-short'; content: Buffer }
  | { kind: 'outside-frame'; content: Buffer }
  | Oversize;

export type Framer = {
  /** Frames completed by this chunk, in order. */
  push(chunk: Buffer): Frame[];
  /** What an ended or stalled connection leaves behind. */
  end(): Frame[];
  /** True while bytes of an unfinished frame, or bytes outside any frame, are held. */
  pending(): boolean;
};

/** Wraps a message for the wire. */
export const frame = (content: Buffer): Buffer =>
  Buffer.concat([Buffer.from([VT]), content, Buffer.from([FS, CR])]);

/** Bytes that grow to a limit; beyond it only the head, the length and the hash go on. */
type Collected = {
  append(bytes: Buffer): void;
  length(): number;
  over(): boolean;
  take(): Buffer | Oversize;
};

const collect = (limit: number): Collected => {
  let held = Buffer.alloc(0);
  let length = 0;
  let hash: Hash | undefined;

  const keep = (bytes: Buffer, room: number): void => {
    const part = bytes.subarray(0, Math.max(0, room));
    const needed = Math.min(length, limit) + part.length;
    if (needed > held.length) {
      const grown = Buffer.allocUnsafe(Math.min(limit, Math.max(needed, held.length * 2, 1024)));
      held.copy(grown, 0, 0, Math.min(length, limit));
      held = grown;
    }
    part.copy(held, Math.min(length, limit));
  };

  return {
    append(bytes) {
      if (hash !== undefined) {
        hash.update(bytes);
      } else if (length + bytes.length > limit) {
        hash = createHash('sha256').update(held.subarray(0, length)).update(bytes);
        keep(bytes, limit - length);
        held = Buffer.from(held.subarray(0, Math.min(limit, KEPT_OF_OVERSIZE)));
      } else {
        keep(bytes, bytes.length);
      }
      length += bytes.length;
    },
    length: () => length,
    over: () => hash !== undefined,
    take() {
      const taken: Buffer | Oversize =
        hash === undefined
          ? held.subarray(0, length)
          : { kind: 'oversize', head: held, length, sha256: hash.digest('hex') };
      held = Buffer.alloc(0);
      length = 0;
      hash = undefined;
      return taken;
    },
  };
};

const asFrames = (taken: Buffer | Oversize, kind: 'message' | 'cut-short' | 'outside-frame'): Frame[] =>
  Buffer.isBuffer(taken) ? [{ kind, content: taken }] : [taken];

/** A completed frame, told apart from a message that was abandoned and begun again inside it. */
const completed = (taken: Buffer | Oversize): Frame[] => {
  if (!Buffer.isBuffer(taken)) return [taken];
  const restart = taken.lastIndexOf(NEW_START);
  if (restart < 0) return [{ kind: 'message', content: taken }];
  const begun: Frame[] = restart === 0 ? [] : [{ kind: 'cut-short', content: taken.subarray(0, restart) }];
  return [...begun, { kind: 'message', content: taken.subarray(restart + 1) }];
};

const isBlank = (byte: number): boolean => byte === CR || byte === LF || byte === 0x20;

/** Makes a framer for one connection that holds at most `maxMessageBytes` of a message. */
export const createFramer = (maxMessageBytes: number): Framer => {
  const collected = collect(maxMessageBytes);
  let inside = false;

  const outside = (): Frame[] =>
    collected.length() === 0 ? [] : asFrames(collected.take(), 'outside-frame');

  const stray = (bytes: Buffer): void => {
    const first = collected.length() > 0 ? 0 : bytes.findIndex((byte) => !isBlank(byte));
    if (first >= 0) collected.append(bytes.subarray(first));
  };

  return {
    push(chunk) {
      const frames: Frame[] = [];
      let from = 0;
      while (from < chunk.length) {
        const at = chunk.indexOf(inside ? FS : VT, from);
        const bytes = chunk.subarray(from, at < 0 ? chunk.length : at);
        if (inside) collected.append(bytes);
        else stray(bytes);
        if (at < 0) break;
        frames.push(...(inside ? completed(collected.take()) : outside()));
        inside = !inside;
        from = at + 1;
      }
      return frames;
    },
    end() {
      const frames = inside ? asFrames(collected.take(), 'cut-short') : outside();
      inside = false;
      return frames;
    },
    pending: () => inside || collected.length() > 0,
  };
};
