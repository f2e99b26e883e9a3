import { type Codec, schemaIdOf, withSchemaId } from '@causeway/runtime/avro';
import { deadLetterRecord } from '@causeway/runtime/dead-letter';
import { type Decision, decide, needsData, reference } from '@causeway/runtime/decide';
import { errorCode, isPermanent, PermanentError, RetryableError } from '@causeway/runtime/errors';
import { decodeHeaders, type Envelope, encodeHeaders, organisationOf } from '@causeway/runtime/event';
import type { FetchedRecord } from '@causeway/runtime/kafka-session';
import { digestOf, type LedgerDecision } from '@causeway/runtime/ledger';
import { topicsOf } from '@causeway/runtime/topology';
import type { WriterRecord } from '@causeway/runtime/writer';
import { avroName } from '@causeway/schemas/event-type';
import type { Ruling } from './rules.ts';
import type { View, Views } from './views.ts';

/** What became of one outbox record. Everything but `hold` moves the partition on. */
export type Verdict =
  | {
      kind: 'decided';
      event: Envelope;
      valueDigest: string;
      decisions: LedgerDecision[];
      releases: WriterRecord[];
    }
  | { kind: 'dead-letter'; reason: string; valueDigest: string; letter: WriterRecord }
  | { kind: 'duplicate' }
  | { kind: 'hold'; code: string };

export type Question = {
  codec: Codec;
  views: Views;
  ruling: Ruling;
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
 * everybody, and an outage holds the record until it is over.
 */
export const decideRecord = async (question: Question): Promise<Verdict> => {
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

const deadLetter = ({ organisation, lane, record }: Question, reason: string): Verdict => {
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

const judge = async (question: Question): Promise<Verdict> => {
  const { codec, organisation, record, ruling } = question;
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
  if ((await codec.nameOf(schemaId)) !== avroName(event.type))
    throw new PermanentError('type-mismatch', 'The schema of the value is not that of ce_type');
  // Decoded even where nobody gets it: what cannot be read is found out now, not by the first recipient.
  const { data } = await codec.decode(value);
  const decisions = decide({
    rules: ruling.rules,
    source: organisation,
    event,
    data: needsData(ruling.rules, organisation, event.type) ? data : null,
    organisation: ruling.organisation,
    today: ruling.today,
  });
  const carrier = createCarrier(question, event, schemaId, value);
  const made = await Promise.all(decisions.map(carrier));
  return {
    kind: 'decided',
    event,
    valueDigest,
    decisions: made.map(({ entry }) => entry),
    releases: made.flatMap(({ release }) => release ?? []),
  };
};

type CarriedOut = { entry: LedgerDecision; release?: WriterRecord };

/** Carries out the decisions on one event. What recipients have in common is made once. */
const createCarrier = (
  { views, lane }: Question,
  event: Envelope,
  schemaId: number,
  value: Buffer,
): ((decision: Decision) => Promise<CarriedOut>) => {
  const projected = new Map<string, Promise<Buffer>>();
  let shared: Record<string, Buffer> | null = null;

  const projectedTo = async (view: View): Promise<Buffer> => {
    const known = projected.get(view.shape);
    if (known) return withSchemaId(await known, view.id);
    const projecting = views.projectorOf(schemaId, view).then((project) => project(value));
    projected.set(view.shape, projecting);
    return projecting;
  };

  const headersFor = (recipient: string, agreements: string[]) => {
    shared ??= asBytes(encodeHeaders({ ...event, ...STAYS_BEHIND }, 'inbox'));
    const answersThem = event.inResponseTo?.startsWith(`/${recipient}/`);
    return {
      ...shared,
      ...(answersThem ? { ce_inresponseto: event.inResponseTo ?? '' } : {}),
      ce_agreement: agreements.join(' '),
    };
  };

  return async (decision) => {
    const { recipient, outcome, versions } = decision;
    const agreements = versions.map(reference);
    if (decision.outcome === 'withheld')
      return { entry: { recipient, outcome, reason: decision.reason, agreements } };
    const view = await views.viewOf(recipient, event.type, versions);
    const released = await projectedTo(view);
    return {
      entry: { recipient, outcome, agreements, viewId: view.id, valueDigest: digestOf(released) },
      release: {
        topic: topicsOf(recipient).inbox,
        // One lane writes one partition of every inbox, so the order of a subject is that of its outbox.
        partition: lane,
        key: event.subject,
        value: released,
        headers: headersFor(recipient, agreements),
      },
    };
  };
};

/** Attributes that tell of other events: the case chain, and an answer to somebody else. */
const STAYS_BEHIND = { correlationId: undefined, inResponseTo: undefined, agreement: [] };

const asBytes = (headers: Record<string, string>): Record<string, Buffer> =>
  Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)]));
