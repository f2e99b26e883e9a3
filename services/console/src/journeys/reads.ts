import { topicsOf } from '@causeway/runtime/bus/topics';
import type { Reader } from '@causeway/runtime/kafka/reader';
import { latestTime } from '../measurement/append-time.ts';
import type { ReadRow } from './apply.ts';
import type { PageRow } from './delivery-rows.ts';

/** Leaves room for the few milliseconds between the appends of one transaction. */
const SLACK_MS = 20;
const EXACT_MS = 1;

/**
 * A page of a pulling client names the last offset that it got. The console may not read an inbox, but it may ask which
 * offset belongs to a time, and so finds the time up to which that client has everything. A client at the end of its inbox
 * has everything of before the question.
 */
export async function readsOf(
  pages: readonly PageRow[],
  reader: Pick<Reader, 'bounds' | 'atTime'>,
  clock: () => number,
): Promise<ReadRow[]> {
  const furthest = new Map<string, PageRow>();
  for (const page of pages) {
    const key = `${page.organisation} ${page.name} ${page.partition}`;
    if ((furthest.get(key)?.last ?? -1) <= page.last) furthest.set(key, page);
  }
  return await Promise.all(
    [...furthest.values()].map(async ({ organisation, name, partition, last, at }) => {
      const topic = topicsOf(organisation).inbox;
      const asked = clock();
      const [bounds] = await reader.bounds(topic, [partition]);
      const row = (through: number) => ({
        organisation,
        name,
        partition,
        through: new Date(through).toISOString(),
        at,
      });
      // A record of a committed transaction is followed by its marker.
      if ((bounds?.end ?? 0) <= last + 2) return row(asked);
      const notAfter = async (time: number) => {
        const [position] = await reader.atTime(topic, [partition], time);
        return (position?.offset ?? 0) <= last;
      };
      const through = await latestTime(notAfter, { now: asked, guess: Date.parse(at) }, EXACT_MS);
      return row(through + SLACK_MS);
    }),
  );
}
