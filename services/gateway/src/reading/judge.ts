import { errorCode, isPermanent } from '@causeway/runtime/errors';
import { decodeHeaders, type Envelope } from '@causeway/runtime/event';
import { handOver } from '@causeway/runtime/hand-over';
import type { FetchedRecord } from '@causeway/runtime/kafka-session';
import type { HandOverRuling } from '@causeway/runtime/knowledge';
import { positionOf, toCloudEvent } from './cloud-event.ts';
import type { ReadingParts } from './current-page.ts';
import type { Judge, Judgement } from './page.ts';
import type { Filter } from './query.ts';

/** How many records the agreements were asked about, and how many were passed for another reason than the filter. */
export type Tally = { judged: number; withheld: number; unreadable: number };

/**
 * Decides for one page what becomes of a record, by what is known when the page begins. A record that cannot be read is counted, logged by position and
 * passed, as it must not hold up what comes behind it; while the registry is away nothing is passed.
 */
export const createJudge = (
  { decode, log }: Pick<ReadingParts, 'decode' | 'log'>,
  ruling: HandOverRuling,
  organisation: string,
  filter: Filter,
  tally: Tally,
): Judge => {
  const unreadable = (error: unknown, record: FetchedRecord, partition: number): Judgement => {
    tally.unreadable += 1;
    const position = positionOf(partition, record.offset);
    log.error(
      { organisation, position, code: errorCode(error) },
      'a record of an inbox cannot be read and is passed over',
    );
    return { outcome: 'passed' };
  };
  const isAskedFor = ({ type, subject }: Envelope) =>
    (filter.type === undefined || type === filter.type) &&
    (filter.subject === undefined || subject === filter.subject);

  return async (record, partition) => {
    try {
      const event = decodeHeaders(record.headers);
      if (!isAskedFor(event)) return { outcome: 'passed' };
      tally.judged += 1;
      const decision = handOver(ruling, { event, ...(await decode(record.value)) }, organisation);
      if (decision.outcome === 'withhold') {
        tally.withheld += 1;
        return { outcome: 'passed' };
      }
      const position = positionOf(partition, record.offset);
      return {
        outcome: 'event',
        event: decision.event,
        json: JSON.stringify(toCloudEvent(decision.event, position, decision.data)),
      };
    } catch (error) {
      if (isPermanent(error)) return unreadable(error, record, partition);
      return {
        outcome: 'blocked',
        error: error instanceof Error ? error : new Error('judging a record failed'),
      };
    }
  };
};
