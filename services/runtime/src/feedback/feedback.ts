import type { AgreementsState, VersionState } from '@causeway/schemas/agreements/log';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import type { Contact, EventData } from '@causeway/schemas/generated/types';
import type { Codec } from '../avro/codec.ts';
import { type Envelope, encodeHeaders, eventId, organisationOf } from '../bus/envelope.ts';
import { topicsOf } from '../bus/topics.ts';
import type { KafkaRecord } from '../kafka/broker-client.ts';
import type { Agreements } from '../reference-data/agreements.ts';
import { contactOf, type Organisations } from '../reference-data/organisations.ts';

/**
 * Feedback: what a recipient tells the source of an event about it, in the recipient's own outbox. It says nothing about the
 * person, needs no agreement and is released only to the organisation that it answers. Whether that organisation
 * wants to be told, and the recipient has agreed to tell, stands in the agreements that released the event.
 */
export type FeedbackParts = {
  /** The recipient, who publishes. */
  organisation: string;
  /** The service that publishes for it: the second part of `ce_source`. */
  component: string;
  codec: Pick<Codec, 'idOf' | 'encode'>;
  organisations: Pick<Organisations, 'get'>;
  agreements: Pick<Agreements, 'state' | 'freshWithin'>;
};

/** The event that is answered, as it lay in the recipient's inbox. */
export type Answered = Pick<Envelope, 'id' | 'source' | 'type' | 'subject' | 'agreement'> &
  Partial<Pick<Envelope, 'correlationId'>>;

type FeedbackType = Extract<keyof EventData, `uk.causeway.exchange.${string}`>;

/**
 * Whether one of the agreements that released an event (`<id>/<version>`, as in `ce_agreement`) lets its recipient report
 * back, in the version that is active now.
 */
export const allowsFeedback = (state: AgreementsState, agreements: readonly string[]): boolean =>
  activeOf(state, agreements).some(({ record }) => record.agreement.feedback === true);

const activeOf = (state: AgreementsState, agreements: readonly string[]): VersionState[] => {
  const ids = new Set(agreements.map((named) => named.slice(0, named.indexOf('/'))));
  return [...state.versions.values()].filter(
    ({ record, status }) => status === 'active' && ids.has(record.id),
  );
};

/** Whether one of the agreements that released an event is active at all. */
export const isInForce = (state: AgreementsState, agreements: readonly string[]): boolean =>
  activeOf(state, agreements).length > 0;

/** Whom to ring at the recipient. */
export const recipientContact = ({ organisation, organisations }: FeedbackParts): Contact =>
  contactOf(organisation, organisations.get(organisation));

type FeedbackEvent<T extends FeedbackType> = {
  type: T;
  data: EventData[T];
  /** Together with the answered event it makes the id: the same words, the same event. */
  identity: readonly string[];
  /** RFC 3339. */
  time: string;
};

const schemaIds = new WeakMap<object, Map<string, Promise<number>>>();

/** @throws RetryableError, PermanentError `unknown-schema` */
const schemaIdOf = (codec: FeedbackParts['codec'], type: string): Promise<number> => {
  const known = schemaIds.get(codec) ?? new Map<string, Promise<number>>();
  schemaIds.set(codec, known);
  const asked = known.get(type);
  if (asked !== undefined) return asked;
  const schema = loadCatalogue().find((one) => one.type === type)?.schema;
  if (schema === undefined) throw new Error(`${type} is not in the catalogue`);
  const asking = codec.idOf(type, schema);
  known.set(type, asking);
  asking.catch(() => known.delete(type));
  return asking;
};

/** The outbox record of one piece of feedback. It derives from its arguments alone. @throws RetryableError */
export const feedbackRecord = async <T extends FeedbackType>(
  { organisation, component, codec }: FeedbackParts,
  answered: Answered,
  { type, data, identity, time }: FeedbackEvent<T>,
): Promise<KafkaRecord> => {
  const value = await codec.encode(await schemaIdOf(codec, type), data);
  const source = organisationOf(answered.source) ?? '';
  const envelope: Envelope = {
    id: eventId([type, organisation, answered.source, answered.id, ...identity], Buffer.alloc(0), 0),
    source: `/${organisation}/${component}`,
    type,
    time,
    subject: answered.subject,
    tokens: [],
    otherTokens: [],
    classification: 'OFFICIAL',
    handling: [],
    exclude: [],
    priority: type === 'uk.causeway.exchange.delivery.overdue.v1' ? 'immediate' : 'routine',
    ...(answered.correlationId !== undefined && { correlationId: answered.correlationId }),
    inResponseTo: `/${source}/${answered.id}`,
    replay: false,
    agreement: [],
  };
  const { outbox } = topicsOf(organisation);
  return { topic: outbox, key: answered.subject, value, headers: encodeHeaders(envelope, 'outbox') };
};
