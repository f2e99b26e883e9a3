/**
 * A Bloom filter over event ids and names of facts: tells for certain that one was never added, without keeping them.
 * Burton H. Bloom, "Space/time trade-offs in hash coding with allowable errors" (1970); the positions come from two hashes, after
 * Kirsch and Mitzenmacher, "Less hashing, same performance" (2006). Ids are hashes already, so their characters serve as these.
 */
export type IdFilter = {
  add(id: string): void;
  /** False: it was not added. True: it was, or one in a hundred others looks like it. */
  mayHave(id: string): boolean;
  /** More was added than the filter tells apart well. */
  full(): boolean;
};

/** 4 MiB: 3.5 million ids with one false alarm in a hundred. */
const BITS = 2 ** 25;
const PROBES = 7;
const CAPACITY = 3_500_000;

/** FNV-1a over part of an id, 32 bits. */
const hashOf = (id: string, from: number, to: number): number => {
  let hash = 0x811c9dc5;
  for (let at = from; at < to; at += 1) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  return hash >>> 0;
};

/** Makes an empty filter. */
export const createIdFilter = (): IdFilter => {
  const bits = new Uint8Array(BITS / 8);
  let added = 0;
  const positions = (id: string, visit: (byte: number, mask: number) => boolean): boolean => {
    const half = id.length >> 1;
    const first = hashOf(id, 0, half);
    const second = hashOf(id, half, id.length) | 1;
    for (let probe = 0; probe < PROBES; probe += 1) {
      const position = (first + Math.imul(probe, second)) & (BITS - 1);
      if (!visit(position >> 3, 1 << (position & 7))) return false;
    }
    return true;
  };
  return {
    add(id) {
      added += 1;
      positions(id, (byte, mask) => {
        bits[byte] = (bits[byte] ?? 0) | mask;
        return true;
      });
    },
    mayHave: (id) => positions(id, (byte, mask) => ((bits[byte] ?? 0) & mask) !== 0),
    full: () => added > CAPACITY,
  };
};
