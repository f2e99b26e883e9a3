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

type Kept = { offset: number; part: FetchedPartition; bytes: number; at: number };

/** No longer than events may be late, and no more than a few answers of a broker. */
const KEEP_MS = 5_000;
const MOST_BYTES = 8 * 1024 * 1024;
/** Headers and what an object costs, about. */
const RECORD_BYTES = 800;

export const createReadAhead = (): ReadAhead => {
  let kept: Kept[] = [];
  let timer: NodeJS.Timeout | undefined;

  const forget = (): void => {
    const since = performance.now() - KEEP_MS;
    kept = kept.filter(({ at }) => at > since);
    timer = kept.length > 0 ? setTimeout(forget, KEEP_MS).unref() : undefined;
  };

  return {
    from(partition, offset) {
      const found = kept.findLast(
        ({ part, offset: first }) =>
          part.partition === partition && first <= offset && offset <= (part.records.at(-1)?.offset ?? -1),
      );
      if (found === undefined || performance.now() - found.at > KEEP_MS) return undefined;
      const { part } = found;
      return { ...part, records: part.records.slice(firstFrom(part.records, offset)) };
    },
    keep(offset, part) {
      if (part.records.length === 0) return;
      const bytes = part.records.reduce((sum, { value }) => sum + RECORD_BYTES + (value?.length ?? 0), 0);
      kept = kept.filter((one) => one.part.partition !== part.partition || one.offset !== offset);
      kept.push({ offset, part, bytes, at: performance.now() });
      let all = kept.reduce((sum, one) => sum + one.bytes, 0);
      while (all > MOST_BYTES) all -= kept.shift()?.bytes ?? all;
      timer ??= setTimeout(forget, KEEP_MS).unref();
    },
    clear() {
      kept = [];
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
