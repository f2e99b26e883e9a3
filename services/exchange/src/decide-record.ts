import { type Codec, schemaIdOf, type WriterSchema } from '@causeway/runtime/avro/codec';
import { deadLetterRecord } from '@causeway/runtime/bus/dead-letter';
import { decodeHeaders, type Envelope, organisationOf } from '@causeway/runtime/bus/envelope';
import { topicsOf } from '@causeway/runtime/bus/topics';
import {
  type Decision,
  decideReleases,
  needsData,
  reference,
} from '@causeway/runtime/disclosure/release-decision';
import { errorCode, isPermanent, PermanentError, RetryableError } from '@causeway/runtime/errors';
import type { FetchedRecord, PlacedRecord } from '@causeway/runtime/kafka/broker-client';
import type { TransactionalRecord } from '@causeway/runtime/kafka/transactional-producer';
import { digestOf, type LedgerDecision } from '@causeway/runtime/ledger/ledger-record';
import { linkOf, linkRecord } from '@causeway/runtime/reference-data/identity-links';
import { avroName, isFeedback, isIdentityLinked } from '@causeway/schemas/catalogue/event-type';
import type { PolicyInputs } from './policy-inputs.ts';
import { createReleaseEncoder } from './release-encoder.ts';
import type { View, Views } from './views.ts';

/** The outcome of one outbox record. Everything but `hold` moves the partition on. */
export type DraftedDecision =
  | {
      kind: 'decided';
      event: Envelope;
      valueDigest: string;
      decisions: LedgerDecision[];
      releases: TransactionalRecord[];
    }
  | { kind: 'dead-letter'; reason: string; valueDigest: string; letter: PlacedRecord }
  | { kind: 'duplicate' }
  | { kind: 'hold'; code: string };

export type Question = {
  codec: Codec;
  views: Views;
  inputs: PolicyInputs;
  organisation: string;
  lane: number;
  record: FetchedRecord;
  /** Digest of the value under which an event id was decided recently. */
  decidedBefore(eventId: string): string | undefined;
  /** Milliseconds that this record has been held for already. */
  heldFor: number;
};

/** A schema is registered before its first event; one that is still unknown after this long is a mistake. */
const UNKNOWN_SCHEMA_PATIENCE_MS = 30_000;

/**
 * Decides one record of an outbox. Never throws: what cannot be read, decided or projected is a dead letter for
 * all recipients, and an outage holds the record until it is over.
 */
export const decideRecord = async (question: Question): Promise<DraftedDecision> => {
  try {
    return await judge(question);
  } catch (error) {
    const code = errorCode(error);
    if (error instanceof RetryableError) return { kind: 'hold', code };
    if (code === 'unknown-schema' && question.heldFor < UNKNOWN_SCHEMA_PATIENCE_MS)
      return { kind: 'hold', code };
    return deadLetter(question, isPermanent(error) ? code : 'unexpected');
  }
};

const deadLetter = ({ organisation, lane, record }: Question, reason: string): DraftedDecision => {
  const { outbox, deadLetter: topic } = topicsOf(organisation);
  const { key, value, headers } = record;
  return {
    kind: 'dead-letter',
    reason,
    valueDigest: digestOf(value ?? Buffer.alloc(0)),
    letter: deadLetterRecord(topic, 'exchange', `${outbox}/${lane}/${record.offset}`, {
      raw: value,
      reason,
      attempts: 1,
      key,
      headers,
    }),
  };
};

const judge = async (question: Question): Promise<DraftedDecision> => {
  const { codec, views, organisation, lane, record, inputs } = question;
  const event = decodeHeaders(record.headers);
  const schemaId = schemaIdOf(record.value);
  const value = record.value ?? Buffer.alloc(0);
  const valueDigest = digestOf(value);
  const before = question.decidedBefore(event.id);
  if (before === valueDigest) return { kind: 'duplicate' };
  if (before !== undefined)
    throw new PermanentError('id-conflict', 'The event id was used before for another value');
  if (organisationOf(event.source) !== organisation)
    throw new PermanentError('wrong-source', 'ce_source does not belong to the owner of this outbox');
  const known = codec.writer(schemaId);
  const writer = known instanceof Promise ? await known : known;
  if (writer.name !== avroName(event.type))
    throw new PermanentError('type-mismatch', 'The schema of the value is not that of ce_type');
  if (isFeedback(event.type) && event.inResponseTo === undefined)
    throw new PermanentError('missing-attribute', 'Feedback says in ce_inresponseto whose event it answers');
  const decisions = decideReleases({
    rules: inputs.rules,
    source: organisation,
    event,
    data: dataOf(question, writer, event, value),
    organisation: inputs.organisation,
    people: inputs.people,
    today: inputs.today,
  });
  const releases: TransactionalRecord[] = linkRecords(event, organisation);
  const entries: LedgerDecision[] = [];
  const encode = createReleaseEncoder(event, value, lane);
  for (const decision of decisions) {
    if (decision.outcome === 'withheld') entries.push(withheld(decision));
    else {
      const { recipient, outcome } = decision;
      const found = views.projectionOf(schemaId, event.type, decision);
      const projection = found instanceof Promise ? await found : found;
      const { agreements, id: viewId } = projection.view;
      const { record: release, valueDigest: digest } = encode(
        projection,
        headersFor(event, decision, projection.view),
      );
      releases.push(release);
      entries.push({ recipient, outcome, agreements, viewId, valueDigest: digest });
    }
  }
  return { kind: 'decided', event, valueDigest, decisions: entries, releases };
};

/** Read even where there is no recipient: what cannot be read is found out now, not by the first one. */
const dataOf = (
  { organisation, inputs }: Question,
  writer: WriterSchema,
  event: Envelope,
  value: Buffer,
): unknown => {
  if (needsData(inputs.rules, organisation, event.type)) return writer.decode(value);
  writer.check(value);
  return null;
};

const withheld = ({ recipient, outcome, reason, versions }: Decision & { outcome: 'withheld' }) => ({
  recipient,
  outcome,
  reason,
  agreements: versions.map(reference),
});

/** The headers that this recipient alone gets. */
const headersFor = (
  { inResponseTo, correlationId }: Envelope,
  { recipient, match }: Decision & { outcome: 'released' },
  { agreements, attributes }: View,
): Record<string, string> => {
  const own: Record<string, string> = {};
  if (correlationId && attributes.includes('correlationId')) own.ce_correlationid = correlationId;
  if (inResponseTo?.startsWith(`/${recipient}/`)) own.ce_inresponseto = inResponseTo;
  if (agreements.length > 0) own.ce_agreement = agreements.join(' ');
  if (match) own.ce_match = match;
  return own;
};

/** What a source says of identities is kept for later events and searches, and released to no organisation. */
const linkRecords = (event: Envelope, organisation: string): TransactionalRecord[] => {
  const link = isIdentityLinked(event.type) ? linkOf(event, organisation) : null;
  return link === null ? [] : [linkRecord(link)];
};
