/**
 * One frame usually holds one message. Some engines send a batch (FHS, BHS, messages, BTS, FTS) or set several
 * messages one behind the other; each begins at a line of its own.
 */
const ENVELOPE = new Set(['FHS', 'BHS']);
const CR = 0x0d;
const LF = 0x0a;

const isLineEnd = (byte: number | undefined): boolean => byte === CR || byte === LF;

/** Where lines begin with MSH and the separator of the first one. */
const starts = (content: Buffer): number[] => {
  const found: number[] = [];
  let separator: number | undefined;
  for (let at = content.indexOf('MSH'); at >= 0; at = content.indexOf('MSH', at + 3)) {
    separator ??= content[at + 3];
    if ((at === 0 || isLineEnd(content[at - 1])) && content[at + 3] === separator) found.push(at);
  }
  return found;
};

/** The messages of a frame, in order; content that is neither a batch nor several messages comes back whole. */
export const messagesIn = (content: Buffer): Buffer[] => {
  const at = starts(content);
  const isBatch = ENVELOPE.has(content.toString('latin1', 0, 3));
  if (at.length === 0 || (at.length === 1 && !isBatch)) return [content];
  const first = isBatch ? (at[0] ?? 0) : 0;
  return [first, ...at.slice(1)].map((start, index) => content.subarray(start, at[index + 1]));
};
