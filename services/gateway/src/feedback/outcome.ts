import type { WriterOf } from '@causeway/runtime/avro/schema-lookup';
import { decodeHeaders, organisationOf } from '@causeway/runtime/bus/envelope';
import type { Inbox } from '@causeway/runtime/inbox/inbox';
import type { FetchedRecord } from '@causeway/runtime/kafka/broker-client';
import { isFeedback } from '@causeway/schemas/catalogue/event-type';
import type { Contact, EventData } from '@causeway/schemas/generated/types';
import { type FeedbackIndex, type Place, responseOf } from './feedback-index.ts';

type Acknowledged = EventData['uk.causeway.exchange.acknowledgement.recorded.v1'];
type Overdue = EventData['uk.causeway.exchange.delivery.overdue.v1'];

/** What a recipient said last, what it said before, and whether it was late. */
type RecipientOutcome = {
  organisation: string;
  state: 'seen' | 'accepted' | 'not-ours' | 'unable' | null;
  at: string | null;
  team: string | null;
  reference: string | null;
  overdue: { reason: 'not-delivered' | 'not-acknowledged'; dueAt: string; noticedAt: string } | null;
  contact: Contact;
  history: { state: string; at: string }[];
};

type EventOutcome = { id: string; recipients: RecipientOutcome[] };

/**
 * What became of one of the organisation's events, as far as recipients have told it. It comes from the feedback in the
 * organisation's own inbox and from nothing else: a recipient without feedback is not listed, because that would reveal who was told,
 * and so perhaps who knows the person. An event without feedback and one that does not exist have the same outcome.
 * @throws RetryableError while the inbox is not read to its end
 */
export const outcomeOf = async (
  { index, writerOf }: { index: FeedbackIndex; writerOf: WriterOf },
  inbox: Inbox,
  organisation: string,
  id: string,
): Promise<EventOutcome> => {
  await index.catchUp(organisation, inbox);
  const recipients = new Map<string, RecipientOutcome>();
  for (const place of await index.places(organisation, id)) {
    const record = await recordAt(inbox, place);
    if (record === undefined || responseOf(record) !== `/${organisation}/${id}`) continue;
    const { type, source } = decodeHeaders(record.headers);
    if (!isFeedback(type)) continue;
    const recipient = organisationOf(source) ?? '';
    const known = recipients.get(recipient) ?? nothingFrom(recipient);
    const writer = await writerOf(record.value);
    recipients.set(recipient, withFeedback(known, type, writer.decode(record.value ?? NOTHING)));
  }
  return {
    id,
    recipients: [...recipients.values()].sort((a, b) => (a.organisation < b.organisation ? -1 : 1)),
  };
};

const NOTHING = Buffer.alloc(0);

const recordAt = async (inbox: Inbox, { partition, offset }: Place): Promise<FetchedRecord | undefined> => {
  const [fetched] = await inbox.read([{ partition, offset }]);
  const record = fetched?.records[0];
  return record?.offset === offset ? record : undefined;
};

const nothingFrom = (organisation: string): RecipientOutcome => ({
  organisation,
  state: null,
  at: null,
  team: null,
  reference: null,
  overdue: null,
  contact: { organisation, team: null, telephone: null, outOfHoursTelephone: null, reference: null },
  history: [],
});

const withFeedback = (known: RecipientOutcome, type: string, data: unknown): RecipientOutcome => {
  if (type === 'uk.causeway.exchange.delivery.overdue.v1') {
    const { reason, dueAt, noticedAt, contact } = data as Overdue;
    const why = reason === 'not_delivered' ? 'not-delivered' : 'not-acknowledged';
    return { ...known, overdue: { reason: why, dueAt, noticedAt }, contact };
  }
  if (type !== 'uk.causeway.exchange.acknowledgement.recorded.v1') return known;
  const { state, team, reference, recordedAt, contact } = data as Acknowledged;
  const word = (state === 'not_ours' ? 'not-ours' : state) as RecipientOutcome['state'];
  return {
    ...known,
    state: word,
    at: recordedAt,
    team: team ?? null,
    reference: reference ?? null,
    contact,
    history: [...known.history, { state: String(word), at: recordedAt }],
  };
};
