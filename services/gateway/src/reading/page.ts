import type { Envelope } from '@causeway/runtime/bus/envelope';
import type { Placed } from '@causeway/runtime/feedback/overdue-watch';
import type { ReadFrom } from '@causeway/runtime/inbox/inbox';
import type { Ends } from '@causeway/runtime/inbox/tail';
import type { FetchedPartition, FetchedRecord } from '@causeway/runtime/kafka/broker-client';

/**
 * One page of an inbox: the events released from the fetched records, and the next positions. Pure but for the two
 * functions it is given, which read the log and authorise a record.
 */

/** What becomes of one record of an inbox for one request. */
export type Authorisation =
  | { outcome: 'event'; json: Buffer; event: Envelope }
  /** Not asked for, not allowed any more, or not readable: its position is passed. */
  | { outcome: 'passed' }
  /** Cannot be authorised now: its partition stops before it, the others continue. */
  | { outcome: 'blocked'; error: Error };

/** No promise where nothing has to be looked up: most records of a page are authorised in one go. */
export type Authoriser = (record: FetchedRecord, partition: number) => Authorisation | Promise<Authorisation>;

export type PageLimits = { events: number; bytes: number };

/** A CloudEvent in structured JSON (UTF-8), its position, and the next offset of its partition. */
export type PageEvent = Placed & { json: Buffer; next: number };

export type Page = {
  /** In the order in which they are handed over. */
  events: PageEvent[];
  /** The next offset of each partition: past control, aborted and passed records. */
  positions: number[];
  /** The last stable offset of each partition when it was read. */
  ends: number[];
  /** Why a partition stopped before its end, if one did. */
  blocked: Error | undefined;
};

type Missed = { missed: number[] };

type ReadOptions = {
  /** How many records to read at most, about; left out where many of them may be passed over. */
  wanted?: number | undefined;
  /** Where the partitions end, as far as that is known now: nothing is read of one that ends where the reader is. */
  ends?: Ends;
};

/**
 * Reads on from `positions` (index = partition). Ends early where a position is no longer in the log: the
 * caller says what was missed.
 */
export const readPage = async (
  read: ReadFrom,
  positions: readonly number[],
  limits: PageLimits,
  authorise: Authoriser,
  { wanted, ends = [] }: ReadOptions = {},
): Promise<Page | Missed> => {
  const fetched = await read(
    positions.flatMap((offset, partition) => (ends[partition] === offset ? [] : [{ partition, offset }])),
    wanted,
  );
  for (const [index, part] of fetched.entries()) {
    // The broker fills the partitions in turn until the answer is full: a partition without records is fetched again
    // alone, where it always gets one batch, so that a busy partition never keeps a quiet one waiting.
    if (isStarved(part, positions[part.partition] ?? 0)) {
      const offset = positions[part.partition] ?? 0;
      const [alone] = await read([{ partition: part.partition, offset }], wanted);
      if (alone !== undefined) fetched[index] = alone;
    }
  }
  const missed = fetched.filter((part) => part.outOfRange).map((part) => part.partition);
  return missed.length > 0 ? { missed } : assemblePage(fetched, positions, limits, authorise);
};

const isStarved = (part: FetchedPartition, position: number): boolean =>
  !part.outOfRange && part.next === position && part.next < part.endOffset;

type Slice = { partition: number; records: FetchedRecord[]; at: number; end: number };

/** Merges the partitions by append time: the one that has waited longest goes first. */
const assemblePage = async (
  fetched: readonly FetchedPartition[],
  from: readonly number[],
  limits: PageLimits,
  authorise: Authoriser,
): Promise<Page> => {
  const positions = [...from];
  const ends = [...from];
  const events: PageEvent[] = [];
  let blocked: Error | undefined;
  let bytes = 0;
  const slices: Slice[] = [];
  for (const part of fetched) {
    ends[part.partition] = Math.max(part.endOffset, part.next);
    const start = from[part.partition] ?? 0;
    const slice = {
      partition: part.partition,
      records: part.records,
      at: 0,
      end: Math.max(part.next, start),
    };
    positions[part.partition] = goOn(slice);
    if (part.records.length > 0) slices.push(slice);
  }

  while (slices.length > 0 && events.length < limits.events) {
    const slice = oldest(slices);
    const record = slice.records[slice.at];
    if (record === undefined) break;
    const authorising = authorise(record, slice.partition);
    const authorisation = authorising instanceof Promise ? await authorising : authorising;
    if (authorisation.outcome === 'blocked') {
      blocked ??= authorisation.error;
      slices.splice(slices.indexOf(slice), 1);
      continue;
    }
    if (authorisation.outcome === 'event') {
      const size = authorisation.json.length;
      if (events.length > 0 && bytes + size > limits.bytes) break;
      events.push({
        json: authorisation.json,
        event: authorisation.event,
        partition: slice.partition,
        offset: record.offset,
        since: record.timestamp,
        next: record.offset + 1,
      });
      bytes += size;
    }
    slice.at += 1;
    positions[slice.partition] = goOn(slice);
    if (slice.at === slice.records.length) slices.splice(slices.indexOf(slice), 1);
  }
  return { events, positions, ends, blocked };
};

/** Straight to the next record that is still to be authorised, over any gap before it; else to the end of what was read. */
const goOn = (slice: Slice): number => slice.records[slice.at]?.offset ?? slice.end;

const oldest = (slices: readonly Slice[]): Slice => {
  const time = (slice: Slice) => slice.records[slice.at]?.timestamp ?? 0;
  return slices.reduce((first, slice) => (time(slice) < time(first) ? slice : first));
};
