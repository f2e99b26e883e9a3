/** Character sets of HL7 v2: MSH-18 (table 0211 and what British feeds write there) to text. */
import { isAscii, isUtf8 } from 'node:buffer';
import { TextDecoder } from 'node:util';

export type Decoded =
  | { kind: 'text'; text: string; charset: string }
  | { kind: 'unsupported-character-set' }
  | { kind: 'not-in-character-set' };

const NAMES: Record<string, string> = {
  '': 'undeclared',
  ASCII: 'undeclared',
  'US-ASCII': 'undeclared',
  'ISO IR6': 'undeclared',
  UTF8: 'utf-8',
  'UTF-8': 'utf-8',
  'UNICODE UTF-8': 'utf-8',
  'UNICODE UTF8': 'utf-8',
  UTF_8: 'utf-8',
  'ISO IR192': 'utf-8',
  CP1252: 'windows-1252',
  'CP-1252': 'windows-1252',
  ANSI: 'windows-1252',
  'ISO IR100': 'windows-1252',
  'WINDOWS-1252': 'windows-1252',
  WINDOWS1252: 'windows-1252',
  LATIN1: 'windows-1252',
};

/** `8859/1`, `ISO-8859-1`, `ISO8859-15` …; 8859-1 is read as its superset windows-1252. */
const iso8859 = (name: string): string | undefined => {
  const part = /^(?:ISO[ -]?)?8859[/-](\d{1,2})$/.exec(name)?.[1];
  if (part === undefined) return undefined;
  return part === '1' ? 'windows-1252' : `iso-8859-${Number(part)}`;
};

const decoders = new Map<string, TextDecoder | undefined>();

const decoderOf = (charset: string): TextDecoder | undefined => {
  if (!decoders.has(charset)) {
    let decoder: TextDecoder | undefined;
    try {
      decoder = new TextDecoder(charset, { fatal: true });
    } catch {
      decoder = undefined;
    }
    if (decoders.size < 32) decoders.set(charset, decoder);
    return decoder;
  }
  return decoders.get(charset);
};

const decodeWith = (bytes: Buffer, charset: string): Decoded => {
  const decoder = decoderOf(charset);
  if (decoder === undefined) return { kind: 'unsupported-character-set' };
  try {
    return { kind: 'text', text: decoder.decode(bytes), charset };
  } catch {
    return { kind: 'not-in-character-set' };
  }
};

/** Character sets whose bytes below 128 are not ASCII: their bytes say nothing about whether the text is plain. */
const NOT_ABOVE_ASCII = /UTF-?(16|32)|UCS|EBCDIC|ISO IR(14|87|159)$/;

/**
 * Decodes the bytes of a message by the character set it declares. Where none is declared (or ASCII, which senders
 * write as a matter of course) bytes that are valid UTF-8 are UTF-8 and others windows-1252: text of the second kind is practically
 * never valid UTF-8 by chance. For the same reason a label of either kind that the bytes contradict is taken for a wrong label.
 */
export const decodeText = (bytes: Buffer, declared: string | undefined): Decoded => {
  const name = (declared ?? '')
    .trim()
    .toUpperCase()
    .replace(/^ISO[ _]IR[ _]?/, 'ISO IR');
  const charset = NAMES[name] ?? iso8859(name);
  const isPlain = isAscii(bytes);
  // A language or a country in the wrong field: no matter where everything is ASCII.
  if (charset === undefined && !(isPlain && !NOT_ABOVE_ASCII.test(name)))
    return { kind: 'unsupported-character-set' };
  if (isPlain) return { kind: 'text', text: bytes.toString('latin1'), charset: plainCharset(charset) };
  if (charset === 'undeclared' || charset === 'utf-8' || charset === 'windows-1252')
    return decodeWith(bytes, isUtf8(bytes) ? 'utf-8' : 'windows-1252');
  return decodeWith(bytes, charset ?? '');
};

const plainCharset = (charset: string | undefined): string =>
  charset === undefined || charset === 'undeclared' ? '' : charset;
