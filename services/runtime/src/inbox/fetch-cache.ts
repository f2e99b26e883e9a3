import type { FetchedPartition, FetchedRecord } from '../kafka/broker-client.ts';

/**
 * Keeps for a moment what was fetched of one topic. A broker answers with whole batches, far more than a page of a hundred, and
 * most readers come back for what follows; and what comes in at the end is read by everybody who waits there.
 */
type FetchCache = {
  /** What is kept from this offset on, as far as it goes without a hole; undefined where no record is. */
  from(partition: number, offset: number): FetchedPartition | undefined;
  /**
   * @param offset what was asked for
   * @param readers whether it is for one reader, who drops it when he comes back for what follows, or for all
   */
  keep(offset: number, part: FetchedPartition, readers: 'one' | 'all'): void;
  /** A reader has come back for what follows: what led up to here and was for one reader is not needed any more. */
  passed(partition: number, offset: number): void;
  clear(): void;
};

type Kept = { part: FetchedPartition; first: number; bytes: number; at: number; readers: 'one' | 'all' };

/** Readers who wait at the end are there within milliseconds, and others within the time of a page. */
const KEEP_MS = 1_000;
const MOST_BYTES = 8 * 1024 * 1024;
/** Headers and what an object costs, about. */
const RECORD_BYTES = 800;

export const createFetchCache = (): FetchCache => {
  /** By partition, in the order of their first offset. They may overlap. */
  const kept = new Map<number, Kept[]>();
  let bytes = 0;
  let timer: NodeJS.Timeout | undefined;

  const of = (partition: number): Kept[] => kept.get(partition) ?? [];

  const drop = (which: (one: Kept) => boolean): void => {
    for (const [partition, all] of kept) {
      const left = all.filter((one) => !which(one));
      if (left.length === all.length) continue;
      bytes -= all.filter(which).reduce((sum, one) => sum + one.bytes, 0);
      if (left.length > 0) kept.set(partition, left);
      else kept.delete(partition);
    }
  };

  const forget = (): void => {
    const since = performance.now() - KEEP_MS;
    drop(({ at }) => at <= since);
    timer = kept.size > 0 ? setTimeout(forget, KEEP_MS).unref() : undefined;
  };

  const dropOldest = (): void => {
    let oldest: Kept | undefined;
    for (const all of kept.values())
      for (const one of all) if (oldest === undefined || one.at < oldest.at) oldest = one;
    drop((one) => one === oldest);
  };

  return {
    from(partition, offset) {
      const since = performance.now() - KEEP_MS;
      const all = of(partition);
      const begin = all.findLastIndex(
        ({ part, first, at }) => first <= offset && part.next > offset && at > since,
      );
      const records: FetchedRecord[] = [];
      let next = offset;
      let endOffset = 0;
      for (const { part, first, at } of begin < 0 ? [] : all.slice(begin)) {
        if (first > next) break;
        if (part.next <= next || at <= since) continue;
        for (let index = firstFrom(part.records, next); index < part.records.length; index += 1)
          records.push(part.records[index] as FetchedRecord);
        next = part.next;
        endOffset = Math.max(endOffset, part.endOffset);
      }
      // At the end of what is kept there may be more by now: that is for the log to say.
      if (records.length === 0) return undefined;
      const { topic } = all[begin]?.part ?? { topic: '' };
      return { topic, partition, records, next, endOffset, outOfRange: false };
    },
    keep(offset, part, readers) {
      if (part.next <= offset) return;
      const { partition, records } = part;
      const size = records.reduce((sum, { value }) => sum + RECORD_BYTES + (value?.length ?? 0), 0);
      const all = kept.get(partition) ?? [];
      const at = all.findLastIndex(({ first }) => first <= offset);
      all.splice(at + 1, 0, { part, first: offset, bytes: size, at: performance.now(), readers });
      kept.set(partition, all);
      bytes += size;
      while (bytes > MOST_BYTES && kept.size > 0) dropOldest();
      timer ??= setTimeout(forget, KEEP_MS).unref();
    },
    passed(partition, offset) {
      let end = offset;
      const read = new Set<Kept>();
      const before = () =>
        of(partition).find((one) => one.part.next === end && one.first < end && one.readers === 'one');
      for (let one = before(); one !== undefined; one = before()) {
        read.add(one);
        end = one.first;
      }
      if (read.size > 0) drop((one) => read.has(one));
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
