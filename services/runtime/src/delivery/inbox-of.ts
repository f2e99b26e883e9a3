import { RetryableError } from '../errors.ts';
import type { Inbox, Inboxes } from '../inbox/inbox.ts';
import type { FetchedRecord } from '../kafka/broker-client.ts';

/** One organisation's inbox as a worker reads it; the connections behind it are shared and opened when needed. */
export type DeliveryInbox = Pick<Inbox, 'read' | 'beyond' | 'oldest' | 'ends' | 'since'> & {
  /** One record; undefined where the inbox keeps it no longer. @throws RetryableError */
  at(partition: number, offset: number): Promise<FetchedRecord | undefined>;
};

export const inboxOf = (inboxes: Pick<Inboxes, 'use'>, organisation: string): DeliveryInbox => {
  const use = <T>(task: (inbox: Inbox) => Promise<T>): Promise<T> => inboxes.use(organisation, task);
  return {
    read: (positions) => use((inbox) => inbox.read(positions)),
    beyond: (ends, signal) => use((inbox) => inbox.beyond(ends, signal)),
    oldest: () => use((inbox) => inbox.oldest()),
    ends: () => use((inbox) => inbox.ends()),
    since: (time) => use((inbox) => inbox.since(time)),
    at: (partition, offset) =>
      use(async (inbox) => {
        const [part] = await inbox.read([{ partition, offset }]);
        if (part === undefined)
          throw new RetryableError('kafka-unavailable', 'Kafka gave no answer for the position');
        return part.records.find((record) => record.offset === offset);
      }),
  };
};
