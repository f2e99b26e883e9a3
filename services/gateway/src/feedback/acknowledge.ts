import { deliveryRecord } from '@causeway/runtime/bus/delivery-log';
import { decodeHeaders } from '@causeway/runtime/bus/envelope';
import { type Acknowledgement, acknowledgementRecord } from '@causeway/runtime/feedback/acknowledgement';
import type { FeedbackParts } from '@causeway/runtime/feedback/feedback';
import type { Placed } from '@causeway/runtime/feedback/overdue-watch';
import type { Inbox } from '@causeway/runtime/inbox/inbox';
import type { FetchedRecord } from '@causeway/runtime/kafka/broker-client';
import type { Producer } from '@causeway/runtime/kafka/producer';
import { sendInTime } from '@causeway/runtime/kafka/producer';
import { Problem } from '@causeway/runtime/service/http-server';
import { isFeedback } from '@causeway/schemas/catalogue/event-type';
import { positionOf } from '../events/cloud-event.ts';
import type { Watches } from './watches.ts';

export type AcknowledgingParts = {
  /** For an organisation: what its feedback is made with. */
  feedback(organisation: string): FeedbackParts;
  producer: Pick<Producer, 'send'>;
  watches: Pick<Watches, 'of'>;
  now(): number;
};

export type Acknowledging = Omit<Acknowledgement, 'at'> & { id: string; partition: number; offset: number };

/**
 * Writes down what a recipient says of an event in its inbox, and tells the source where the agreements allow it. Who calls
 * cannot tell the two apart: both are one write to the bus and the same answer.
 * @throws Problem 404 where the inbox has no such event at that position, 409 `not-acknowledgeable`
 */
export const acknowledge = async (
  parts: AcknowledgingParts,
  inbox: Inbox,
  caller: { organisation: string; clientId: string },
  { id, partition, offset, ...acknowledgement }: Acknowledging,
): Promise<void> => {
  const { organisation } = caller;
  const placed = await eventAt(inbox, id, partition, offset);
  if (isFeedback(placed.event.type)) throw notAcknowledgeable();
  const at = new Date(parts.now()).toISOString();
  const answer = await acknowledgementRecord(parts.feedback(organisation), placed.event, {
    ...acknowledgement,
    at,
  });
  const note = deliveryRecord(organisation, {
    kind: 'acknowledged',
    client: caller.clientId,
    position: positionOf(partition, offset),
    event: id,
    state: acknowledgement.state,
    at,
  });
  await sendInTime(parts.producer, answer === undefined ? [note] : [note, answer]);
  await parts.watches.of(organisation)?.acknowledged([placed]);
};

/** The event at a position, which must be the one that is meant. */
const eventAt = async (inbox: Inbox, id: string, partition: number, offset: number): Promise<Placed> => {
  if (partition >= (await inbox.partitions())) throw notThere();
  const [fetched] = await inbox.read([{ partition, offset }]);
  const record = fetched?.records[0];
  if (record === undefined || record.offset !== offset || idOf(record) !== id) throw notThere();
  return { event: decodeHeaders(record.headers), partition, offset, since: record.timestamp };
};

const idOf = ({ headers }: FetchedRecord): string | undefined => headers.ce_id?.toString('utf8');

const notThere = () =>
  new Problem(
    404,
    'not-found',
    'Event not found at this position of your inbox',
    'Give the members `id` and `position` of one event as you received it. Events are kept for 30 days.',
  );

const notAcknowledgeable = () =>
  new Problem(
    409,
    'not-acknowledgeable',
    'Feedback cannot be acknowledged',
    'Acknowledge events of other organisations, not their feedback on yours.',
  );
