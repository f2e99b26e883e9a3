import type { FetchedPartition, FetchedRecord } from './kafka-session.ts';

/**
 * Keeps for a few moments what was fetched of one topic and not used yet. A broker answers with whole batches, far more than a page of a
 * hundred, and most readers come back for what follows: what is kept serves them, and others at the same place, without a fetch.
 */
export type ReadAhead = {
  /** What is kept from this offset on; undefined where there is nothing, or only the end. */
  from(partition: number, offset: number): FetchedPartition | undefined;
  /** @param offset what was asked for */
  keep(offset: number, part: FetchedPartition): void;
  clear(): void;
};

type Kept = { part: FetchedPartition; first: number; last: number; bytes: number; at: number };

/** No longer than events may be late, and no more than a few answers of a broker. */
const KEEP_MS = 5_000;
const MOST_BYTES = 8 * 1024 * 1024;
/** Headers and what an object costs, about. */
const RECORD_BYTES = 800;

export const createReadAhead = (): ReadAhead => {
  /** By partition and what was asked for, the oldest first. */
  const kept = new Map<string, Kept>();
  /** The furthest record ever kept of a partition: whoever reads at the end need not look through all of it. */
  const furthest = new Map<number, number>();
  let bytes = 0;
  let timer: NodeJS.Timeout | undefined;

  const drop = (name: string): void => {
    bytes -= kept.get(name)?.bytes ?? 0;
    kept.delete(name);
  };

  const forget = (): void => {
    const since = performance.now() - KEEP_MS;
    for (const [name, { at }] of kept) if (at <= since) drop(name);
    timer = kept.size > 0 ? setTimeout(forget, KEEP_MS).unref() : undefined;
  };

  const newest = (partition: number, offset: number): Kept | undefined => {
    let found: Kept | undefined;
    for (const one of kept.values())
      if (one.part.partition === partition && one.first <= offset && offset <= one.last) found = one;
    return found;
  };

  return {
    from(partition, offset) {
      if (offset > (furthest.get(partition) ?? -1)) return undefined;
      const found = newest(partition, offset);
      if (found === undefined || performance.now() - found.at > KEEP_MS) return undefined;
      const { part } = found;
      return { ...part, records: part.records.slice(firstFrom(part.records, offset)) };
    },
    keep(offset, part) {
      const { partition, records } = part;
      const last = records.at(-1)?.offset;
      if (last === undefined) return;
      const name = `${partition} ${offset}`;
      drop(name);
      const size = records.reduce((sum, { value }) => sum + RECORD_BYTES + (value?.length ?? 0), 0);
      kept.set(name, { part, first: offset, last, bytes: size, at: performance.now() });
      furthest.set(partition, Math.max(furthest.get(partition) ?? -1, last));
      bytes += size;
      for (const oldest of kept.keys()) {
        if (bytes <= MOST_BYTES) break;
        drop(oldest);
      }
      timer ??= setTimeout(forget, KEEP_MS).unref();
    },
    clear() {
      kept.clear();
      bytes = 0;
      clearTimeout(timer);
      timer = undefined;
    },
  };
};

/** Index of the first record at or behind an offset. */
const firstFrom = (records: readonly FetchedRecord[], offset: number): number => {
  let [low, high] = [0, records.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((records[middle]?.offset ?? 0) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
};
