import { topicsOf } from '@causeway/runtime/bus/topics';
import type { Reader } from '@causeway/runtime/kafka/reader';

/** Interests that an organisation published in the last day, and on a day of the week before. */
export type InterestCount = { organisation: string; today: number; usually: number };

const DAY_MS = 86_400_000;
const DAYS_BEFORE = 7;
/** So many in a day surprise nobody, however quiet the week was. */
const NEVER_UNUSUAL = 100;
const UNUSUAL_TIMES = 5;

/** Counted by offsets: compaction takes records away and never their numbers. */
export async function countInterests(
  reader: Pick<Reader, 'bounds' | 'atTime'>,
  organisations: readonly string[],
  now: number,
): Promise<InterestCount[]> {
  const counts: InterestCount[] = [];
  for (const organisation of organisations) {
    const topic = topicsOf(organisation).interests;
    const offsetAt = async (time: number) => (await reader.atTime(topic, [0], time))[0]?.offset ?? 0;
    const [bounds] = await reader.bounds(topic, [0]);
    const [yesterday, before] = [
      await offsetAt(now - DAY_MS),
      await offsetAt(now - (1 + DAYS_BEFORE) * DAY_MS),
    ];
    counts.push({
      organisation,
      today: (bounds?.end ?? 0) - yesterday,
      usually: (yesterday - before) / DAYS_BEFORE,
    });
  }
  return counts;
}

/** Somebody who registers an interest in many people at once may be building a list that nobody agreed to. */
export function isUnusual({ today, usually }: InterestCount): boolean {
  return today > NEVER_UNUSUAL && today > UNUSUAL_TIMES * usually;
}
