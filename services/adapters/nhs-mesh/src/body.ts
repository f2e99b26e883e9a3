/** The body of a message as it comes in, within bounds: what is too large is hashed and forgotten but for its beginning. */
import { createHash } from 'node:crypto';
import { KEPT_BYTES } from '@causeway/runtime/bus/dead-letter';

export type Body =
  | { kind: 'whole'; bytes: Buffer }
  | { kind: 'oversize'; head: Buffer; length: number; sha256: string };

/** More than this is not even read: a mailbox may hold files of 50 GB. */
const READ_AT_MOST = 64_000_000;

/** Gathers chunks. `push` says whether more is wanted. */
export const createGatherer = (maxBytes: number) => {
  const hash = createHash('sha256');
  let kept: Buffer[] = [];
  let length = 0;
  return {
    push(chunk: Buffer): boolean {
      length += chunk.length;
      hash.update(chunk);
      if (length <= maxBytes) kept.push(chunk);
      else if (kept.length > 0 && length - chunk.length <= maxBytes) {
        kept = [Buffer.concat([...kept, chunk]).subarray(0, KEPT_BYTES)];
      }
      return length < READ_AT_MOST;
    },
    body(): Body {
      if (length <= maxBytes) return { kind: 'whole', bytes: Buffer.concat(kept) };
      const head = kept[0]?.subarray(0, KEPT_BYTES) ?? Buffer.alloc(0);
      return { kind: 'oversize', head, length, sha256: hash.digest('hex') };
    },
  };
};
