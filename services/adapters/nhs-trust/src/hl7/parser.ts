/**
 * Reads HL7 v2 messages in the pipe-and-hat encoding: as much of it as a source needs, and tolerant of
 * what real feeds send (delimiters of their own, LF or CRLF line ends, character sets declared or not).
 * Values are looked up lazily: most messages of a hospital are ignored after their header was read.
 */
import { decodeText } from './character-sets.ts';

export type Delimiters = {
  field: string;
  component: string;
  repetition: string | undefined;
  escapeMark: string | undefined;
  subcomponent: string | undefined;
};

/** A segment as its raw fields; index n is HL7's field n (MSH-1 is the field separator itself). */
export type Segment = { name: string; fields: string[] };

export type Message = {
  delimiters: Delimiters;
  charset: string;
  segments: Segment[];
  /** Every byte after the MSH segment: what the message says, whenever and however often it is sent. */
  content: Buffer;
};

/** The header of a message alone, its bytes read as Latin-1: to answer with, byte for byte. */
export type Header = Message;

export type Parsed =
  | { kind: 'message'; message: Message; header: Header }
  | { kind: 'no-header' }
  | { kind: 'undecodable'; header: Header; reason: 'unsupported-character-set' | 'not-in-character-set' };

/** HL7's `""`: the sender deleted the value. An empty field says nothing about it. */
export const DELETED = Symbol('deleted');
export type Value = string | typeof DELETED | undefined;

const CR = 0x0d;
const LF = 0x0a;
const QUOTES = '""';

/** Where the first line ends. */
const endOfFirstLine = (raw: Buffer): number => {
  let at = 0;
  while (at < raw.length && raw[at] !== CR && raw[at] !== LF) at += 1;
  return at;
};

const PUNCTUATION = /^[\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]$/;

const readDelimiters = (line: string): Delimiters | undefined => {
  const field = line.charAt(3);
  if (!line.startsWith('MSH') || !PUNCTUATION.test(field)) return undefined;
  const encoding = line.slice(4).split(field, 1)[0] ?? '';
  const [component, repetition, escapeMark, subcomponent] = encoding;
  const given = [component, repetition, escapeMark, subcomponent].filter((mark) => mark !== undefined);
  if (component === undefined || !given.every((mark) => PUNCTUATION.test(mark))) return undefined;
  if (new Set([field, ...given]).size !== given.length + 1) return undefined;
  return { field, component, repetition, escapeMark, subcomponent };
};

const readHeader = (line: string, delimiters: Delimiters): Segment => {
  const [name = '', ...rest] = line.split(delimiters.field);
  return { name, fields: [name, delimiters.field, ...rest] };
};

const lineStarts = new Map<string, RegExp>();

/**
 * Line ends before something that can begin a segment. Some feeds mix CR and LF in one message, others write lines of text
 * into a field as they are: what follows such a line end is no segment and stays in the field.
 */
const lineStart = (field: string): RegExp => {
  const known = lineStarts.get(field);
  if (known !== undefined) return known;
  const made = new RegExp(`[\\r\\n]+(?=[A-Z][A-Z0-9]{2}(?:\\${field}|[\\r\\n]|$))`);
  lineStarts.set(field, made);
  return made;
};

const readSegments = (text: string, field: string): Segment[] =>
  text
    .replace(/[\r\n]+$/, '')
    .split(lineStart(field))
    .filter((line) => line !== '')
    .map((line) => {
      const fields = line.split(field);
      return { name: fields[0] ?? '', fields };
    });

/** Where a message begins, behind a byte order mark, line ends and spaces. */
export const startOf = (raw: Buffer): number => {
  let at = raw.length >= 3 && raw[0] === 0xef && raw[1] === 0xbb && raw[2] === 0xbf ? 3 : 0;
  while (raw[at] === CR || raw[at] === LF || raw[at] === 0x20) at += 1;
  return at;
};

/** Reads only the header, of a message that may be no more than a beginning. */
export const parseHeader = (bytes: Buffer): Header | undefined => {
  const raw = bytes.subarray(startOf(bytes));
  const end = endOfFirstLine(raw);
  const line = raw.toString('latin1', 0, end);
  const delimiters = readDelimiters(line);
  if (delimiters === undefined) return undefined;
  const segments = [readHeader(line, delimiters)];
  return { delimiters, charset: 'windows-1252', segments, content: raw.subarray(end) };
};

/** Parses one message. Never throws: what cannot be read says why. */
export const parseMessage = (bytes: Buffer): Parsed => {
  const raw = bytes.subarray(startOf(bytes));
  const bare = parseHeader(raw);
  if (bare === undefined) return { kind: 'no-header' };

  const { delimiters, content } = bare;
  const declared = text(bare, header(bare), 18);
  const decoded = decodeText(raw, declared);
  if (decoded.kind !== 'text') return { kind: 'undecodable', header: bare, reason: decoded.kind };

  const [first = ''] = decoded.text.split(/[\r\n]/, 1);
  const others = readSegments(decoded.text.slice(first.length), delimiters.field);
  const segments = [readHeader(first, delimiters), ...others];
  const message = { delimiters, charset: decoded.charset, segments, content };
  return { kind: 'message', message, header: bare };
};

/** The first segment of that name. */
export const segment = (message: Message, name: string): Segment | undefined =>
  message.segments.find((candidate) => candidate.name === name);

/** The header, which every message has. */
export const header = (message: Message): Segment => message.segments[0] ?? { name: 'MSH', fields: ['MSH'] };

/** The repetitions of a field, raw; an empty field has none. */
export const repetitions = (message: Message, of: Segment | undefined, field: number): string[] => {
  const raw = of?.fields[field] ?? '';
  const mark = message.delimiters.repetition;
  if (raw === '') return [];
  return mark === undefined || !raw.includes(mark) ? [raw] : raw.split(mark);
};

/** The nth piece between marks, counted from 1; most fields have none, and few of the pieces are asked for. */
const pieceOf = (text: string, mark: string, nth: number): string => {
  let from = 0;
  for (let passed = 1; passed < nth; passed += 1) {
    const at = text.indexOf(mark, from);
    if (at < 0) return '';
    from = at + 1;
  }
  const end = text.indexOf(mark, from);
  return end < 0 ? text.slice(from) : text.slice(from, end);
};

/** One component (counted from 1, like HL7) of a raw repetition, or one of its subcomponents. */
export const component = (message: Message, raw: string | undefined, nth: number, sub = 1): Value => {
  const { component: mark, subcomponent } = message.delimiters;
  const whole = pieceOf(raw ?? '', mark, nth);
  const part = subcomponent === undefined ? (sub === 1 ? whole : '') : pieceOf(whole, subcomponent, sub);
  if (part === '') return undefined;
  if (part === QUOTES) return DELETED;
  const value = unescaped(message, part).trim();
  return value === '' ? undefined : value;
};

export type Place = { repetition?: number; component?: number; subcomponent?: number };

/** A value of a segment: text, deleted, or nothing said. Without a place: the first component. */
export const value = (message: Message, of: Segment | undefined, field: number, place: Place = {}): Value =>
  component(
    message,
    repetitions(message, of, field)[place.repetition ?? 0],
    place.component ?? 1,
    place.subcomponent ?? 1,
  );

/** A value where only text is of use: a deleted one counts as none. */
export const text = (
  message: Message,
  of: Segment | undefined,
  field: number,
  place: Place = {},
): string | undefined => known(value(message, of, field, place));

/** The text of a value, if it has one. */
export const known = (found: Value): string | undefined => (found === DELETED ? undefined : found);

const unescaped = (message: Message, part: string): string => {
  const mark = message.delimiters.escapeMark;
  if (mark === undefined || !part.includes(mark)) return part;
  const pieces = part.split(mark);
  let out = pieces[0] ?? '';
  for (let at = 1; at < pieces.length; at += 1) {
    const piece = pieces[at] ?? '';
    const meaning = at === pieces.length - 1 ? undefined : sequence(message, piece);
    if (meaning === undefined) out += mark + piece;
    else {
      out += meaning + (pieces[at + 1] ?? '');
      at += 1;
    }
  }
  return out;
};

/** What an escape sequence stands for; undefined for text that merely holds the escape character. */
const sequence = (message: Message, code: string): string | undefined => {
  const { field, component: part, repetition, escapeMark, subcomponent } = message.delimiters;
  const marks: Record<string, string | undefined> = {
    F: field,
    S: part,
    R: repetition,
    E: escapeMark,
    T: subcomponent,
  };
  if (Object.hasOwn(marks, code)) return marks[code];
  if (code === 'H' || code === 'N') return '';
  if (/^\.(br|sp\d*|ce)$/.test(code)) return '\n';
  if (/^\.(fi|nf|in[+-]?\d+|ti[+-]?\d+|sk\d*)$/.test(code)) return code.startsWith('.sk') ? ' ' : '';
  // Of an escape that sender and receiver would have to agree on, or that switches the character set, nothing can be shown.
  if (/^(Z.*|C[0-9A-Fa-f]{4}|M[0-9A-Fa-f]{4}([0-9A-Fa-f]{2})?)$/.test(code)) return '';
  if (code === 'P') return '#';
  if (/^X([0-9A-Fa-f]{2})+$/.test(code)) {
    const decoded = decodeText(Buffer.from(code.slice(1), 'hex'), message.charset);
    return decoded.kind === 'text' ? decoded.text : undefined;
  }
  return undefined;
};
