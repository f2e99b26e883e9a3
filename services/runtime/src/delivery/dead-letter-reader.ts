import { readDeadLetter } from '../bus/dead-letter-reader.ts';
import { decodeHeaders, type Envelope } from '../bus/envelope.ts';
import type { FetchedRecord } from '../kafka/broker-client.ts';
import type { Reader } from '../kafka/reader.ts';
import { eventRef, type Item } from './queue.ts';
import type { RedriveOrder } from './store.ts';

/** Reads dead letters again, by offset. */
export type DeadLetters = {
  /** Undefined where it is kept no longer. @throws RetryableError */
  at(organisation: string, offset: number): Promise<FetchedRecord | undefined>;
  /** Dead letters as items to be tried: parked, and due at once. What cannot be read any more is left out. */
  items(organisation: string, orders: readonly RedriveOrder[]): Promise<Item[]>;
  close(): Promise<void>;
};

export const openDeadLetters = (open: () => Reader): DeadLetters => {
  let reader: Reader | undefined;

  const at: DeadLetters['at'] = (organisation, offset) => {
    reader ??= open();
    return readDeadLetter(reader, organisation, offset);
  };

  return {
    at,
    async items(organisation, orders) {
      const items: Item[] = [];
      for (const order of orders) {
        const record = await at(organisation, order.letter);
        if (record !== undefined) items.push(itemOf(record, order));
      }
      return items;
    },
    close: async () => reader?.close(),
  };
};

const itemOf = (record: FetchedRecord, { position, letter, request }: RedriveOrder): Item => ({
  position,
  event: refOf(envelopeOf(record), position),
  since: record.timestamp,
  parked: true,
  tries: 0,
  firstTry: null,
  due: 0,
  deadLetter: letter,
  redrive: request,
});

/** What the headers say; undefined where they cannot be read. */
export const envelopeOf = ({ headers }: FetchedRecord): Envelope | undefined => {
  try {
    return decodeHeaders(headers);
  } catch {
    return undefined;
  }
};

/** What order needs of a record. What cannot even be read waits under a subject of its own. */
export const refOf = (envelope: Envelope | undefined, position: number): Item['event'] => {
  if (envelope !== undefined) return eventRef(envelope);
  const nobody = `unreadable-${position}`;
  return { id: nobody, type: 'unreadable', subject: nobody, priority: 'routine', corrects: null };
};
