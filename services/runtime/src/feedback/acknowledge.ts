import { createHash } from 'node:crypto';
import { isFeedback } from '@causeway/schemas/catalogue/event-type';
import { deliveryRecord } from '../bus/delivery-log.ts';
import { decodeHeaders } from '../bus/envelope.ts';
import type { DeliveryInbox } from '../delivery/inbox-of.ts';
import { PermanentError, RetryableError } from '../errors.ts';
import type { Producer } from '../kafka/producer.ts';
import { sendInTime } from '../kafka/producer.ts';
import type { Database } from '../postgres/database.ts';
import { type Acknowledgement, acknowledgementRecord } from './acknowledgement.ts';
import type { FeedbackParts } from './feedback.ts';
import { migrateFeedback } from './overdue-store.ts';
import type { OverdueWatch, Placed } from './overdue-watch.ts';

/** An event in the organisation's inbox. */
export type EventReference = {
  id: string;
  /** `<partition>-<offset>`, as in `Attempt.position`. */
  position: string;
};

/** Without `at` it is said now; a repeat of the words keeps the first time. */
export type RecipientStatus = Omit<Acknowledgement, 'at'> & { at?: string };

type AcknowledgerParts = {
  feedback: FeedbackParts;
  database: Pick<Database, 'query' | 'migrate'>;
  inbox: Pick<DeliveryInbox, 'at'>;
  producer: Pick<Producer, 'send'>;
  overdue: Pick<OverdueWatch, 'acknowledged'>;
  now(): number;
};

/** An inbox keeps its events for 30 days; after that nothing can be said of them any more. */
const KEPT = '40 days';
const FOLLOWING_MS = 5_000;

const NOTE = `
  insert into delivery_acknowledgement as known (organisation, partition, position, said, said_at)
  values ($1, $2, $3, $4, $5)
  on conflict (organisation, partition, position) do update set
    said = excluded.said,
    said_at = case when known.said = excluded.said then known.said_at else excluded.said_at end,
    published = known.said = excluded.said and known.published,
    noted_at = now()
  returning said_at, published`;
const PUBLISHED = `
  update delivery_acknowledgement set published = true
  where organisation = $1 and partition = $2 and position = $3 and said = $4`;
const FORGET = `
  delete from delivery_acknowledgement where organisation = $1 and noted_at < now() - interval '${KEPT}'`;

/**
 * Says what became of an event after it was handed over: tells its source where the agreements let it be told, the watch of
 * what is overdue, and `deliveries.<organisation>`. See `Sink.acknowledge`.
 */
export const createAcknowledger = (parts: AcknowledgerParts) => {
  const { feedback, database, inbox, producer, overdue, now } = parts;
  const { organisation } = feedback;
  let migrated: Promise<void> | undefined;

  const prepared = (): Promise<void> => {
    migrated ??= migrateFeedback(database);
    migrated.catch(() => {
      migrated = undefined;
    });
    return migrated;
  };

  const placed = async ({ id, position }: EventReference): Promise<Placed> => {
    const [partition, offset] = placeOf(position);
    const record = await inbox.at(partition, offset);
    if (record === undefined || record.headers.ce_id?.toString('utf8') !== id)
      throw new PermanentError('not-there', 'The inbox has no such event at this position; it keeps 30 days');
    const event = decodeHeaders(record.headers);
    if (isFeedback(event.type))
      throw new PermanentError('not-acknowledgeable', 'Feedback is not acknowledged');
    return { event, partition, offset, since: record.timestamp };
  };

  return {
    async acknowledge(reference: EventReference, { at, ...words }: RecipientStatus): Promise<void> {
      // Whether the source may be told stands in the agreements: they must be known.
      if (!feedback.agreements.freshWithin(FOLLOWING_MS))
        throw new RetryableError('agreements-not-current', 'The agreements are not followed');
      const { event, partition, offset, since } = await placed(reference);
      await prepared();
      const said = digestOf(words);
      const place = [organisation, partition, offset, said];
      const [known] = await database.query<{ said_at: Date; published: boolean }>(NOTE, [
        ...place,
        at ?? new Date(now()).toISOString(),
      ]);
      if (known === undefined || known.published) return;
      const when = known.said_at.toISOString();
      const answer = await acknowledgementRecord(feedback, event, { ...words, at: when });
      const note = deliveryRecord(organisation, {
        kind: 'acknowledged',
        client: feedback.component,
        position: reference.position,
        event: event.id,
        state: words.state,
        at: when,
      });
      await sendInTime(producer, answer === undefined ? [note] : [note, answer]);
      await overdue.acknowledged([{ event, partition, offset, since }]);
      await database.query(PUBLISHED, place);
    },
    async forget(): Promise<void> {
      await database.query(FORGET, [organisation]);
    },
  };
};

const placeOf = (position: string): [number, number] => {
  const found = /^(\d{1,6})-(\d{1,15})$/.exec(position);
  if (found === null) throw new PermanentError('not-there', 'A position is <partition>-<offset>');
  return [Number(found[1]), Number(found[2])];
};

const digestOf = ({ state, team, reference }: Omit<RecipientStatus, 'at'>): string =>
  createHash('sha256')
    .update(JSON.stringify([state, team ?? null, reference ?? null]))
    .digest('base64url');
