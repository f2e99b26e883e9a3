import { hash } from 'node:crypto';
import { PermanentError } from './errors.ts';

export type Classification = 'OFFICIAL' | 'OFFICIAL-SENSITIVE';
export type Priority = 'immediate' | 'urgent' | 'same-day' | 'routine';

/** The attributes of an event: CloudEvents 1.0.2 and our extensions, without the domain data. */
export type Envelope = {
  id: string;
  /** `/<organisation>/<adapter>` */
  source: string;
  type: string;
  /** When it happened in the world, RFC 3339 with offset. */
  time: string;
  /** The source's own token of the person; also the record key. */
  subject: string;
  tokens: string[];
  /** Tokens of other people in the event, for disclosure searches. */
  otherTokens: string[];
  recordedTime?: string;
  sequence?: string;
  classification: Classification;
  handling: string[];
  /** Organisations that must not receive the event, or `all`. */
  exclude: string[];
  priority?: Priority;
  actBy?: string;
  correlationId?: string;
  /** `/<organisation>/<event id>` */
  inResponseTo?: string;
  /** Id of the event that this one voids or corrects. */
  corrects?: string;
  /** Back-filled history. */
  replay: boolean;
  /** `<id>/<version>` of every agreement that released it; in inboxes only. */
  agreement: string[];
  /** How certain it is that the recipient knows the person, where an agreement asks for that; in inboxes only. */
  match?: 'verified' | 'possible';
  traceparent?: string;
};

const TOKEN = /^[A-Za-z0-9_-]{22}$/;
const EVENT_ID = /^[A-Za-z0-9_-]{16,64}$/;
const ORGANISATION = '[a-z][a-z0-9-]{1,62}';
const SOURCE = new RegExp(`^/(${ORGANISATION})/[a-z0-9-]{1,63}$`);
const TYPE = /^(?=.{1,200}$)uk\.causeway\.[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)+\.v[1-9][0-9]*$/;
const TIME =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;
const CODE = /^[A-Za-z0-9._:-]{1,64}$/;
/** A code of the list, never free text: words with spaces would pass as several codes otherwise. */
const HANDLING = /^(?=.{1,64}$)[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const EXCLUDED = new RegExp(`^${ORGANISATION}$`);
const REFERENCE = /^[A-Za-z0-9._:/-]{1,200}$/;
const RESPONSE = new RegExp(`^/${ORGANISATION}/[A-Za-z0-9_-]{16,64}$`);
const AGREEMENT = /^[a-z0-9][a-z0-9-]{0,98}\/[1-9][0-9]{0,5}$/;
const TRACE = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const PRIORITIES: readonly string[] = ['immediate', 'urgent', 'same-day', 'routine'];
const CLASSIFICATIONS: readonly string[] = ['OFFICIAL', 'OFFICIAL-SENSITIVE'];
const MATCHES: readonly string[] = ['verified', 'possible'];
const MAX_LIST = 50;

/** The form of each attribute by itself, for doors that report every fault at once. The ones in plural are lists of such. */
export const ATTRIBUTE_FORMS = {
  id: EVENT_ID,
  source: SOURCE,
  type: TYPE,
  time: TIME,
  token: TOKEN,
  code: CODE,
  handling: HANDLING,
  organisation: new RegExp(`^${ORGANISATION}$`),
  reference: REFERENCE,
  response: RESPONSE,
  trace: TRACE,
} as const;

/** Organisation of an event's `source`, or null where it has another form. */
export const organisationOf = (source: string): string | null => SOURCE.exec(source)?.[1] ?? null;

/**
 * Event id: base64url SHA-256, cut to 22 characters (132 bits), over the source system's own identity of the fact,
 * the content, and the index of the fact in its message. The same input always has the same id; a control number
 * that a source uses again for other content does not.
 */
export const eventId = (sourceIdentity: readonly string[], content: Buffer, index: number): string => {
  const identity = Buffer.from(`${JSON.stringify([...sourceIdentity, index])}\0`, 'utf8');
  const whole = Buffer.concat([identity, hash('sha256', content, 'buffer')]);
  return hash('sha256', whole, 'base64url').slice(0, 22);
};

/** An envelope of which optional attributes may be left out on purpose. */
type HeaderSource = {
  [K in keyof Envelope]: undefined extends Envelope[K] ? Envelope[K] | undefined : Envelope[K];
};

/**
 * Kafka headers of an event. An inbox never carries what could identify or count beyond the agreement:
 * tokens, the source's sequence and the exclusions stay behind.
 */
export const encodeHeaders = (event: HeaderSource, topic: 'outbox' | 'inbox'): Record<string, string> => {
  const outbox = topic === 'outbox';
  const headers: Record<string, string> = {
    'content-type': 'application/avro',
    ce_specversion: '1.0',
    ce_id: event.id,
    ce_source: event.source,
    ce_type: event.type,
    ce_time: event.time,
    ce_subject: event.subject,
  };
  const add = (name: string, text: string | undefined) => {
    if (text !== undefined) headers[name] = text;
  };
  if (outbox) add('ce_tokens', list(event.tokens));
  if (outbox) add('ce_othertokens', list(event.otherTokens));
  add('ce_recordedtime', event.recordedTime);
  if (outbox) add('ce_sequence', event.sequence);
  add('ce_dataclassification', event.classification);
  add('ce_handling', list(event.handling));
  if (outbox) add('ce_exclude', list(event.exclude));
  add('ce_priority', event.priority);
  add('ce_actby', event.actBy);
  add('ce_correlationid', event.correlationId);
  add('ce_inresponseto', event.inResponseTo);
  add('ce_corrects', event.corrects);
  add('ce_replay', event.replay ? 'true' : undefined);
  if (!outbox) add('ce_agreement', list(event.agreement));
  if (!outbox) add('ce_match', event.match);
  add('traceparent', event.traceparent);
  return headers;
};

const list = (items: readonly string[]): string | undefined =>
  items.length > 0 ? items.join(' ') : undefined;

type Headers = Record<string, Buffer | undefined>;

/**
 * Reads and checks the headers of an outbox or inbox record. Every attribute must have its exact form, so that nothing personal
 * can travel in one by mistake.
 *
 * @throws PermanentError `missing-attribute`, `invalid-attribute` or `marking-too-high`; the message names the
 * attribute and never its value
 */
export const decodeHeaders = (headers: Headers): Envelope => {
  required(headers, 'ce_specversion', /^1\.0$/);
  const event: Envelope = {
    id: required(headers, 'ce_id', EVENT_ID),
    source: required(headers, 'ce_source', SOURCE),
    type: required(headers, 'ce_type', TYPE),
    time: required(headers, 'ce_time', TIME),
    subject: required(headers, 'ce_subject', TOKEN),
    tokens: items(headers, 'ce_tokens', TOKEN),
    otherTokens: items(headers, 'ce_othertokens', TOKEN),
    classification: classification(headers),
    handling: items(headers, 'ce_handling', HANDLING),
    exclude: items(headers, 'ce_exclude', EXCLUDED),
    replay: oneOf(headers, 'ce_replay', ['true', 'false']) === 'true',
    agreement: items(headers, 'ce_agreement', AGREEMENT),
  };
  const add = <K extends keyof Envelope>(name: K, value: Envelope[K] | undefined) => {
    if (value !== undefined) event[name] = value;
  };
  add('recordedTime', optional(headers, 'ce_recordedtime', TIME));
  add('sequence', optional(headers, 'ce_sequence', CODE));
  add('priority', oneOf(headers, 'ce_priority', PRIORITIES) as Priority | undefined);
  add('actBy', optional(headers, 'ce_actby', TIME));
  add('correlationId', optional(headers, 'ce_correlationid', REFERENCE));
  add('inResponseTo', optional(headers, 'ce_inresponseto', RESPONSE));
  add('corrects', optional(headers, 'ce_corrects', EVENT_ID));
  add('match', oneOf(headers, 'ce_match', MATCHES) as Envelope['match']);
  add('traceparent', optional(headers, 'traceparent', TRACE));
  return event;
};

const text = (headers: Headers, name: string): string | undefined => headers[name]?.toString('utf8');

/** The header that was found to be well formed last, by name: records of one batch share the values that are the same in all. */
const wellFormed = new Map<string, { bytes: Buffer; value: string; form: RegExp }>();

const invalid = (name: string) =>
  new PermanentError('invalid-attribute', `The header ${name} does not have the form that it must have`);

const optional = (headers: Headers, name: string, form: RegExp): string | undefined => {
  const bytes = headers[name];
  if (bytes === undefined) return undefined;
  const known = wellFormed.get(name);
  if (known?.bytes === bytes && known.form === form) return known.value;
  const value = bytes.toString('utf8');
  if (!form.test(value)) throw invalid(name);
  wellFormed.set(name, { bytes, value, form });
  return value;
};

const required = (headers: Headers, name: string, form: RegExp): string => {
  const value = optional(headers, name, form);
  if (value === undefined) throw new PermanentError('missing-attribute', `The header ${name} is missing`);
  return value;
};

const oneOf = (headers: Headers, name: string, allowed: readonly string[]): string | undefined => {
  const value = text(headers, name);
  if (value !== undefined && !allowed.includes(value)) throw invalid(name);
  return value;
};

const items = (headers: Headers, name: string, form: RegExp): string[] => {
  const value = text(headers, name);
  if (value === undefined || value === '') return [];
  const found = value.split(' ');
  if (found.length > MAX_LIST || !found.every((item) => form.test(item))) throw invalid(name);
  return found;
};

/** A missing marking is read as the stricter one; one above OFFICIAL-SENSITIVE must not be on this bus at all. */
const classification = (headers: Headers): Classification => {
  const value = text(headers, 'ce_dataclassification') ?? 'OFFICIAL-SENSITIVE';
  if (!CLASSIFICATIONS.includes(value))
    throw new PermanentError(
      'marking-too-high',
      'Only OFFICIAL and OFFICIAL-SENSITIVE may be sent on this bus',
    );
  return value as Classification;
};
