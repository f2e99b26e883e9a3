/** Which encoding the bytes of a file are in, decided from all of them before any is read as text. */
import { TextDecoder } from 'node:util';

export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252' | 'iso-8859-1';

/** `fault`: what is wrong with what the file says of its encoding. */
export type Detected =
  | { kind: 'text'; encoding: Encoding; fault?: string }
  | { kind: 'refused'; reason: string };

/** Takes the bytes of a file in pieces, then says what they are. A character that the end of the file cuts off says nothing against it. */
type Detector = { take(piece: Buffer): void; result(): Detected };

const refused = (reason: string): Detected => ({ kind: 'refused', reason });

/** What the first bytes of files that people take for text begin with. */
const OTHER_FORMATS: readonly [number[], string][] = [
  [[0x50, 0x4b, 0x03, 0x04], 'it is a workbook or a zip archive: save the sheet as CSV, or unpack it'],
  [[0xd0, 0xcf, 0x11, 0xe0], 'it is an old Excel workbook: save the sheet as CSV'],
  [[0x1f, 0x8b], 'it is compressed: unpack it'],
  [[0x25, 0x50, 0x44, 0x46], 'it is a PDF document'],
  [[0x00, 0x00, 0xfe, 0xff], 'it is in UTF-32: save it as UTF-8'],
  [[0xff, 0xfe, 0x00, 0x00], 'it is in UTF-32: save it as UTF-8'],
];

const startsWith = (head: Buffer, bytes: readonly number[]): boolean =>
  bytes.every((byte, at) => head[at] === byte);

const HEAD = 512;
const LABEL = 'declares an encoding that is not read: save it as UTF-8';

/** What no value of a return has, and what a damaged byte becomes: its row cannot be read. */
const UNREADABLE = /[\0\x80-\x9f\ufffd]/;

export const isReadable = (text: string): boolean => !UNREADABLE.test(text);

export const UNREADABLE_CHARACTERS = 'has characters that are damaged, or not in the encoding of the file';

export const createDetector = (): Detector => {
  let head = Buffer.alloc(0);
  const utf8 = checker();
  const seen = { nul: 0, high: 0, multibyte: 0, bytes: 0 };
  let before = 0;
  let wide: 'utf-16le' | 'utf-16be' | undefined;

  return {
    take(piece) {
      if (head.length < HEAD) head = Buffer.concat([head, piece.subarray(0, HEAD - head.length)]);
      seen.bytes += piece.length;
      // An encoding of two bytes shows in the first ones; the others are not checked against it.
      wide ??= head.length >= 4 || piece.length < 4 ? wideOf(head) : undefined;
      if (wide !== undefined) return;
      utf8.take(piece);
      for (const byte of piece) {
        if (byte === 0) seen.nul += 1;
        else if (byte >= 0x80) {
          seen.high += 1;
          if (before >= 0xc3 && before <= 0xf4 && byte < 0xc0) seen.multibyte += 1;
        }
        before = byte;
      }
    },
    result() {
      for (const [bytes, reason] of OTHER_FORMATS) if (startsWith(head, bytes)) return refused(reason);
      if (wide !== undefined) return { kind: 'text', encoding: wide };
      // A few are in a broken row; many are another kind of file.
      if (seen.nul * 50 > seen.bytes) return refused('it is not text: save it as CSV or XML in UTF-8');
      const declared = declaredEncoding(head);
      const text = (encoding: Encoding): Detected => ({
        kind: 'text',
        encoding,
        ...(declared === 'unknown' && { fault: LABEL }),
      });
      const marked = startsWith(head, [0xef, 0xbb, 0xbf]);
      if (marked || declared === 'utf-8') return text('utf-8');
      if (utf8.valid()) return text(declared === undefined || declared === 'unknown' ? 'utf-8' : declared);
      if (declared === 'iso-8859-1' || declared === 'windows-1252') return text('windows-1252');
      // A damaged byte says nothing of the others: what most of them are decides, and the rest is refused row by row.
      return text(seen.multibyte * 3 > seen.high ? 'utf-8' : 'windows-1252');
    },
  };
};

const wideOf = (head: Buffer): 'utf-16le' | 'utf-16be' | undefined => {
  if (startsWith(head, [0xff, 0xfe])) return 'utf-16le';
  if (startsWith(head, [0xfe, 0xff])) return 'utf-16be';
  const [a, b, c, d] = head;
  if (head.length < 4 || a === undefined || b === undefined) return undefined;
  if (a !== 0 && b === 0 && c !== 0 && d === 0) return 'utf-16le';
  if (a === 0 && b !== 0 && c === 0 && d !== 0) return 'utf-16be';
  return undefined;
};

const NAMES: Record<string, Encoding> = {
  'utf-8': 'utf-8',
  utf8: 'utf-8',
  'us-ascii': 'utf-8',
  ascii: 'utf-8',
  'windows-1252': 'windows-1252',
  cp1252: 'windows-1252',
  'iso-8859-1': 'iso-8859-1',
  latin1: 'iso-8859-1',
};

/** What an XML declaration says, where there is one. */
const declaredEncoding = (head: Buffer): Encoding | 'unknown' | undefined => {
  const text = head.toString('latin1').replace(/^\xef\xbb\xbf/, '');
  const found = /^\s*<\?xml[^>]*\bencoding\s*=\s*["']([A-Za-z0-9._-]+)["']/.exec(text)?.[1]?.toLowerCase();
  return found === undefined ? undefined : (NAMES[found] ?? 'unknown');
};

const checker = () => {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let valid = true;
  return {
    take(piece: Buffer) {
      if (!valid) return;
      try {
        decoder.decode(piece, { stream: true });
      } catch {
        valid = false;
      }
    },
    valid: () => valid,
  };
};

/** The text of pieces of a file. What the end cuts off becomes a replacement character, which no value of ours has. */
export const createDecoder = (encoding: Encoding): { text(piece: Buffer): string; end(): string } => {
  const decoder = new TextDecoder(encoding === 'iso-8859-1' ? 'windows-1252' : encoding);
  return { text: (piece) => decoder.decode(piece, { stream: true }), end: () => decoder.decode() };
};
