import { createHash } from 'node:crypto';
import type { Codec } from '@causeway/runtime/avro/codec';
import {
  ATTRIBUTE_FORMS,
  type Classification,
  organisationOf,
  type Priority,
} from '@causeway/runtime/bus/envelope';
import type { Tokeniser } from '@causeway/runtime/bus/pseudonyms';
import { isPermanent } from '@causeway/runtime/errors';
import type { KafkaRecord } from '@causeway/runtime/kafka/broker-client';
import type { Producer } from '@causeway/runtime/kafka/producer';
import { sendInTime } from '@causeway/runtime/kafka/producer';
import type { Agreements } from '@causeway/runtime/reference-data/agreements';
import { type Fact, factRecord, type LocalIdentifier } from '@causeway/runtime/source/fact';
import type { Metrics } from '@causeway/runtime/telemetry/metrics';
import { canonicalJson } from '@causeway/schemas/agreements/agreement';
import type { EventType } from '@causeway/schemas/catalogue/catalogue';
import { isFeedback } from '@causeway/schemas/catalogue/event-type';
import type { Given } from '../http/body.ts';
import { type Attributes, checkAttributes, type Fault } from './attributes.ts';
import { peopleIn } from './people.ts';
import type { Claim, PublishedEvents } from './published.ts';
import { isShared, type Types } from './types.ts';

/** Why an event was refused. Part of the public interface: clients branch on it. */
export const REFUSAL_CODES = [
  'invalid-event',
  'wrong-source',
  'unknown-type',
  'reserved-type',
  'not-shared',
  'invalid-data',
  'too-large',
  'id-conflict',
] as const;
type RefusalCode = (typeof REFUSAL_CODES)[number];

export type Refusal = {
  outcome: 'refused';
  id: string | null;
  code: RefusalCode;
  detail: string;
  faults?: Fault[];
};
/** What became of one event, in the order of the request. */
export type Result = { outcome: 'accepted' | 'duplicate'; id: string } | Refusal;

export type PublishingParts = {
  agreements: Pick<Agreements, 'state'>;
  /** @throws RetryableError while the agreements are not known */
  ready(): Promise<void>;
  codec: Codec;
  types: Types;
  published: PublishedEvents;
  producer: Pick<Producer, 'send'>;
  tokeniser: Tokeniser;
  metrics: Metrics;
};

type Candidate = { claim: Claim; record: KafkaRecord };

/**
 * Publishes into the organisation's own outbox. Resolves once every event that is not refused is on all in-sync replicas.
 * @param traceparent of events that have none of their own
 * @throws RetryableError where that is not known: the same request can be sent again
 */
export const publishEvents = async (
  parts: PublishingParts,
  organisation: string,
  given: readonly Given[],
  traceparent?: string,
): Promise<Result[]> => {
  await parts.ready();
  const checked: (Candidate | Refusal)[] = [];
  for (const one of given) checked.push(await candidateOf(parts, organisation, one, traceparent));

  const candidates = new Map<string, Candidate>();
  for (const one of checked) {
    if ('record' in one && !candidates.has(one.claim.id)) candidates.set(one.claim.id, one);
  }
  const claimed = [...candidates.values()];
  const fates = claimed.length > 0 ? await parts.published.claim(claimed.map(({ claim }) => claim)) : [];
  const fateOf = new Map(claimed.map(({ claim }, index) => [claim.id, fates[index]]));
  const sent = claimed.filter(({ claim }) => fateOf.get(claim.id) === 'send');
  if (sent.length > 0) {
    await sendInTime(
      parts.producer,
      sent.map(({ record }) => record),
    );
    parts.published.confirm(sent.map(({ claim }) => claim));
  }

  const results = checked.map((one): Result => {
    if ('outcome' in one) return one;
    const { id, digest } = one.claim;
    const fate = fateOf.get(id);
    const first = candidates.get(id);
    if (fate === 'conflict' || first?.claim.digest !== digest)
      return refuse(
        id,
        'id-conflict',
        'The id was used before with different content: give the event a unique id.',
      );
    return { outcome: fate === 'send' && first === one ? 'accepted' : 'duplicate', id };
  });
  for (const { outcome, ...rest } of results)
    parts.metrics.eventsPublished.inc({
      organisation,
      outcome:
        outcome === 'accepted'
          ? 'published'
          : 'code' in rest && rest.code === 'not-shared'
            ? 'not-shared'
            : outcome,
    });
  return results;
};

const candidateOf = async (
  parts: PublishingParts,
  organisation: string,
  { value, binary }: Given,
  traceparent: string | undefined,
): Promise<Candidate | Refusal> => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuse(null, 'invalid-event', 'An event is a JSON object.');
  const event = value as Record<string, unknown>;
  const checked = checkAttributes(event, binary);
  if ('faults' in checked) {
    const faulty = checked.faults.some(({ path }) => path === 'id');
    const id = faulty ? null : String(event.id);
    return refuse(id, 'invalid-event', 'Correct the attributes listed in `faults`.', checked.faults);
  }
  const { attributes } = checked;
  const { id } = attributes;
  if (organisationOf(attributes.source) !== organisation)
    return refuse(id, 'wrong-source', 'The source must begin with your own organisation.');
  if (isFeedback(attributes.type))
    return refuse(id, 'reserved-type', 'Acknowledge an event at /v1/events/{id}/acknowledgements instead.');
  const type = parts.types.get(attributes.type);
  if (type === undefined)
    return refuse(id, 'unknown-type', 'The event type does not exist: see /v1/schemas/events.');
  if (!isShared(parts.agreements.state(), organisation, type.type))
    return refuse(
      id,
      'not-shared',
      'No agreement of your organisation covers this type, so it was not kept.',
    );
  const faults = parts.types.faults(type, event.data);
  if (faults.length > 0) {
    const inData = faults.map(({ path, problem }) => ({ path: path ? `data.${path}` : 'data', problem }));
    return refuse(id, 'invalid-data', 'Correct the fields listed in `faults`.', inData);
  }
  try {
    const traced = { ...(traceparent !== undefined && { traceparent }), ...attributes };
    const record = await recordOf(parts, organisation, traced, type, event.data);
    return { claim: { organisation, id, digest: digestOf(event) }, record };
  } catch (error) {
    if (!isPermanent(error)) throw error;
    if (error.code === 'too-large') return refuse(id, 'too-large', 'The event is larger than 500 kB.');
    return refuse(id, 'invalid-data', error.message);
  }
};

const recordOf = async (
  { codec, tokeniser, types }: PublishingParts,
  organisation: string,
  attributes: Attributes,
  type: EventType,
  data: unknown,
): Promise<KafkaRecord> => {
  const { id, source, time, subject, traceparent } = attributes;
  // What the source did not say is left out: only what it did say is checked again.
  const fact = {
    type: type.type,
    data,
    occurredAt: time,
    ...given('recordedAt', attributes.recordedtime),
    classification: (attributes.dataclassification ?? 'OFFICIAL-SENSITIVE') as Classification,
    ...given('handling', attributes.handling?.split(' ')),
    ...given('exclude', attributes.exclude?.split(' ')),
    ...given('priority', attributes.priority as Priority | undefined),
    ...given('actBy', attributes.actby),
    ...given('correlationId', attributes.correlationid),
    ...given('inResponseTo', attributes.inresponseto),
    ...given('sequence', attributes.sequence),
    replay: attributes.replay ?? false,
    subject: localIdentifiers(attributes),
    ...peopleIn(data),
  } as unknown as Fact;
  const record = await factRecord(
    { organisation, source, codec, tokeniser },
    fact,
    id,
    { ...type, schemaId: await types.schemaId(type) },
    { corrects: attributes.corrects ?? correctedIn(data), subject },
  );
  return traceparent === undefined ? record : { ...record, headers: { ...record.headers, traceparent } };
};

const given = (name: keyof Fact, value: unknown): object => (value === undefined ? {} : { [name]: value });

const localIdentifiers = ({ localid }: Attributes): LocalIdentifier[] => {
  if (localid === undefined) return [];
  const colon = localid.indexOf(':');
  return [{ scheme: localid.slice(0, colon), id: localid.slice(colon + 1) }];
};

/** What a voided or corrected event says in its data counts for the attribute too. */
const correctedIn = (data: unknown): string | undefined => {
  const { corrects } = data as { corrects?: unknown };
  return typeof corrects === 'string' && ATTRIBUTE_FORMS.id.test(corrects) ? corrects : undefined;
};

/** Of the event as it was sent, but for the trace, which is another one when it is sent again. */
const digestOf = ({ traceparent: _, ...event }: Record<string, unknown>): string =>
  createHash('sha256').update(canonicalJson(event)).digest('base64url');

const refuse = (id: string | null, code: RefusalCode, detail: string, faults?: Fault[]): Refusal => ({
  outcome: 'refused',
  id,
  code,
  detail,
  ...(faults !== undefined && { faults }),
});
