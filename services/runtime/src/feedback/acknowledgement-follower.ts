import { z } from 'zod';
import { withTimeout } from '../async/timeout.ts';
import { topicsOf } from '../bus/topics.ts';
import type { Reader } from '../kafka/reader.ts';
import type { Heard, OverdueStore } from './overdue-store.ts';

/**
 * Reads what the organisation has acknowledged elsewhere, such as over HTTP at the gateway: without it a watch would raise an alarm
 * about an event that a colleague has long taken on.
 */
type AcknowledgementFollower = {
  /** Reads on; gives what was acknowledged since, to be noted once the watch knows the events. @throws RetryableError */
  listen(now: number): Promise<Heard>;
  close(): Promise<void>;
};

/** One that begins looks back as far as a watch does. */
const FIRST_LOOK_MS = 300_000;
const REQUEST_MS = 5_000;
const LIMITS = { maxWaitMs: 0, maxBytes: 1_048_576, partitionMaxBytes: 262_144 };

const acknowledged = z.object({ kind: z.literal('acknowledged'), position: z.string().regex(/^\d+-\d+$/) });

export const followAcknowledgements = (
  open: () => Reader,
  organisation: string,
  store: Pick<OverdueStore, 'heard'>,
): AcknowledgementFollower => {
  const topic = topicsOf(organisation).deliveries;
  let reader: Reader | undefined;
  const soon = <T>(asked: Promise<T>): Promise<T> => withTimeout(REQUEST_MS, 'kafka', asked);

  const begin = async (asking: Reader, now: number): Promise<number[]> => {
    const known = await store.heard();
    if (known.length > 0) return known;
    const count = await soon(asking.partitionCount(topic));
    const all = Array.from({ length: count }, (_, partition) => partition);
    const found = await soon(asking.atTime(topic, all, now - FIRST_LOOK_MS));
    return found.toSorted((a, b) => a.partition - b.partition).map(({ offset }) => offset);
  };

  return {
    async listen(now) {
      reader ??= open();
      const heads = await begin(reader, now);
      const events: Heard['events'] = [];
      for (let moved = true; moved; ) {
        moved = false;
        const positions = heads.map((offset, partition) => ({ topic, partition, offset }));
        for (const { partition, records, next, outOfRange } of await soon(reader.fetch(positions, LIMITS))) {
          const [bounds] = outOfRange ? await soon(reader.bounds(topic, [partition])) : [];
          const to = outOfRange ? (bounds?.start ?? next) : next;
          events.push(...records.flatMap(({ value }) => placeIn(value) ?? []));
          moved ||= to > (heads[partition] ?? 0);
          heads[partition] = Math.max(to, heads[partition] ?? 0);
        }
      }
      return { events, heads };
    },
    close: async () => reader?.close(),
  };
};

const placeIn = (value: Buffer | null): Heard['events'][number] | undefined => {
  try {
    const { position } = acknowledged.parse(JSON.parse(value?.toString('utf8') ?? ''));
    const [partition = 0, offset = 0] = position.split('-').map(Number);
    return { partition, position: offset };
  } catch {
    // Some other note of a delivery, or none of ours.
    return undefined;
  }
};
