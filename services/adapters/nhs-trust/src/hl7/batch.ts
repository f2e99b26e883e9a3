import { startOf } from './parser.ts';

/**
 * One frame usually holds one message. Some engines send a batch (FHS, BHS, messages, BTS, FTS) or set several
 * messages one behind the other; each begins at a line of its own.
 */
const ENVELOPE = new Set(['FHS', 'BHS']);
const CR = 0x0d;
const LF = 0x0a;

const PUNCTUATION = /^[\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]{4}/;

const isLineEnd = (byte: number | undefined): boolean => byte === CR || byte === LF;

/** Where lines begin with MSH and the separator of the first one, or with four marks that can only be a header's. */
const starts = (content: Buffer): number[] => {
  const found: number[] = [];
  let separator: number | undefined;
  for (let at = content.indexOf('MSH'); at >= 0; at = content.indexOf('MSH', at + 3)) {
    separator ??= content[at + 3];
    const isHeader =
      content[at + 3] === separator || PUNCTUATION.test(content.toString('latin1', at + 3, at + 7));
    if ((at === 0 || isLineEnd(content[at - 1])) && isHeader) found.push(at);
  }
  return found;
};

/** Whether the content is the envelope of a batch: its header alone, or around messages. */
export const isBatch = (content: Buffer): boolean => ENVELOPE.has(content.toString('latin1', 0, 3));

/** Where the lines of the envelope begin that stand behind a message: they are no part of it. */
const endOf = (message: Buffer): number => {
  const lines = /[\r\n](?:BTS|FTS|BHS|FHS)(?=[^A-Z0-9]|$)/.exec(message.toString('latin1'));
  return lines === null ? message.length : lines.index + 1;
};

/**
 * The messages of a frame, in order; content that is neither a batch nor several messages comes back whole, and a batch of none
 * gives none.
 */
export const messagesIn = (bytes: Buffer): Buffer[] => {
  const content = bytes.subarray(startOf(bytes));
  const at = starts(content);
  const batch = isBatch(content);
  if (!batch && at.length <= 1) return [bytes];
  const first = batch ? at[0] : 0;
  if (first === undefined) return [];
  return [first, ...at.slice(1)]
    .map((start, index) => content.subarray(start, at[index + 1]))
    .map((message) => (batch ? message.subarray(0, endOf(message)) : message));
};
