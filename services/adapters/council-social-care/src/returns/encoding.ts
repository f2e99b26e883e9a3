/** Which encoding the bytes of a file are in, decided from all of them before any is read as text. */
import { TextDecoder } from 'node:util';

export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252' | 'iso-8859-1';

export type Detected = { kind: 'text'; encoding: Encoding } | { kind: 'refused'; reason: string };

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

/** Bytes that Windows-1252 gives no character. */
const UNDEFINED_1252: ReadonlySet<number> = new Set([0x81, 0x8d, 0x8f, 0x90, 0x9d]);
const HEAD = 512;

export const createDetector = (): Detector => {
  let head = Buffer.alloc(0);
  const strict = {
    'utf-8': checker('utf-8'),
    'utf-16le': checker('utf-16le'),
    'utf-16be': checker('utf-16be'),
  };
  const seen = { nul: 0, undefined1252: false, multibyte: false, bytes: 0 };
  let before = 0;
  let wide: 'utf-16le' | 'utf-16be' | undefined;

  return {
    take(piece) {
      if (head.length < HEAD) head = Buffer.concat([head, piece.subarray(0, HEAD - head.length)]);
      seen.bytes += piece.length;
      // An encoding of two bytes shows in the first ones; the others are not checked against it.
      wide ??= head.length >= 4 || piece.length < 4 ? wideOf(head) : undefined;
      if (wide !== undefined) return strict[wide].take(piece);
      strict['utf-8'].take(piece);
      for (const byte of piece) {
        if (byte === 0) seen.nul += 1;
        else if (byte >= 0x80) {
          if (UNDEFINED_1252.has(byte)) seen.undefined1252 = true;
          if (before >= 0xc3 && before <= 0xf4 && byte < 0xc0) seen.multibyte = true;
        }
        before = byte;
      }
    },
    result() {
      for (const [bytes, reason] of OTHER_FORMATS) if (startsWith(head, bytes)) return refused(reason);
      if (wide !== undefined)
        return strict[wide].valid()
          ? { kind: 'text', encoding: wide }
          : refused('it begins as UTF-16 and is not: save it as UTF-8');
      // A few are in a broken row; many are another kind of file.
      if (seen.nul * 50 > seen.bytes) return refused('it is not text: save it as CSV or XML in UTF-8');
      const declared = declaredEncoding(head);
      const marked = startsWith(head, [0xef, 0xbb, 0xbf]);
      if (strict['utf-8'].valid()) {
        // What is all ASCII says nothing against any label.
        if (declared === 'unknown')
          return refused('it declares an encoding that is not read: save it as UTF-8');
        return { kind: 'text', encoding: declared === undefined || marked ? 'utf-8' : declared };
      }
      if (marked || declared === 'utf-8')
        return refused('it says that it is UTF-8 and is not: save it as UTF-8');
      if (declared === 'iso-8859-1') return { kind: 'text', encoding: 'windows-1252' };
      if (seen.multibyte || seen.undefined1252)
        return refused('its characters are neither UTF-8 nor Windows-1252: save it as UTF-8');
      return { kind: 'text', encoding: 'windows-1252' };
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

const checker = (encoding: 'utf-8' | 'utf-16le' | 'utf-16be') => {
  const decoder = new TextDecoder(encoding, { fatal: true });
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
