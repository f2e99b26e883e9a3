import { deliveryRecord, type PageRecord } from '@causeway/runtime/bus/delivery-log';
import { errorCode } from '@causeway/runtime/errors';
import type { OverdueWatch } from '@causeway/runtime/feedback/overdue-watch';
import type { KafkaRecord } from '@causeway/runtime/kafka/broker-client';
import type { Logger } from '@causeway/runtime/telemetry/log';
import { positionOf } from '../events/cloud-event.ts';
import type { Caller } from '../http/guard.ts';
import type { PageEvent } from './page.ts';

/**
 * Records what a reader received: one record per page in `deliveries.<organisation>`, and that nothing of it is overdue any more.
 * Written in the background: a crash can lose receipts, which leaves a gap in the statistics or reports an event as overdue.
 */
export type ReadReceipts = (
  caller: Pick<Caller, 'organisation' | 'clientId'>,
  via: PageRecord['via'],
  events: readonly PageEvent[],
  withheld: number,
) => void;

type ReadReceiptParts = {
  send(records: readonly KafkaRecord[]): Promise<unknown>;
  watchOf(organisation: string): Pick<OverdueWatch, 'delivered'> | undefined;
  now(): number;
  log: Logger;
};

export const createReadReceipts =
  ({ send, watchOf, now, log }: ReadReceiptParts): ReadReceipts =>
  ({ organisation, clientId }, via, events, withheld) => {
    if (events.length === 0 && withheld === 0) return;
    const record: PageRecord = {
      kind: 'page',
      client: clientId,
      via,
      events: runsOf(events),
      withheld,
      at: new Date(now()).toISOString(),
    };
    const missed = (error: unknown) =>
      log.warn(
        { event: 'read_receipt.not_recorded', organisation, code: errorCode(error) },
        'receipt not recorded',
      );
    send([deliveryRecord(organisation, record)]).catch(missed);
    watchOf(organisation)?.delivered(events).catch(missed);
  };

/** Per partition the first and last position, and how many. */
const runsOf = (events: readonly PageEvent[]): PageRecord['events'] => {
  const runs = new Map<number, { first: number; last: number; count: number }>();
  for (const { partition, offset } of events) {
    const run = runs.get(partition);
    if (run === undefined) runs.set(partition, { first: offset, last: offset, count: 1 });
    else {
      run.last = offset;
      run.count += 1;
    }
  }
  return [...runs].map(([partition, { first, last, count }]) => ({
    first: positionOf(partition, first),
    last: positionOf(partition, last),
    count,
  }));
};
