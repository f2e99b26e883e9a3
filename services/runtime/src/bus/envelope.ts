import { hash } from 'node:crypto';
import { PermanentError } from '../errors.ts';

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
  tokens: readonly string[];
  /** Tokens of other people in the event, for disclosure searches. */
  otherTokens: readonly string[];
  recordedTime?: string;
  sequence?: string;
  classification: Classification;
  handling: readonly string[];
  /** Organisations that must not receive the event, or `all`. */
  exclude: readonly string[];
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
  agreement: readonly string[];
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
const PRIORITIES: readonly Priority[] = ['immediate', 'urgent', 'same-day', 'routine'];
const CLASSIFICATIONS: readonly Classification[] = ['OFFICIAL', 'OFFICIAL-SENSITIVE'];
const MATCHES = ['verified', 'possible'] as const;
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
 * can travel in one by mistake. Events that say the same in a list may share it.
 *
 * @throws PermanentError `missing-attribute`, `invalid-attribute` or `marking-too-high`; the message names the
 * attribute and never its value
 */
export const decodeHeaders = (headers: Headers): Envelope => {
  READ.specversion(headers);
  const event: Envelope = {
    id: READ.id(headers),
    source: READ.source(headers),
    type: READ.type(headers),
    time: READ.time(headers),
    subject: READ.subject(headers),
    tokens: READ.tokens(headers),
    otherTokens: READ.otherTokens(headers),
    classification: READ.classification(headers),
    handling: READ.handling(headers),
    exclude: READ.exclude(headers),
    replay: READ.replay(headers) === 'true',
    agreement: READ.agreement(headers),
  };
  const add = <K extends keyof Envelope>(name: K, value: Envelope[K] | undefined) => {
    if (value !== undefined) event[name] = value;
  };
  add('recordedTime', READ.recordedTime(headers));
  add('sequence', READ.sequence(headers));
  add('priority', READ.priority(headers));
  add('actBy', READ.actBy(headers));
  add('correlationId', READ.correlationId(headers));
  add('inResponseTo', READ.inResponseTo(headers));
  add('corrects', READ.corrects(headers));
  add('match', READ.match(headers));
  add('traceparent', READ.traceparent(headers));
  return event;
};

const invalid = (name: string) =>
  new PermanentError('invalid-attribute', `The header ${name} does not have the form that it must have`);

/** Every form is of ASCII alone: what is not fails, however its bytes are read. */
type Read<T> = (text: string | undefined, name: string) => T;

/** Records of one batch share the bytes of headers that are the same in all of them: those are read once. */
const header = <T>(name: string, read: Read<T>): ((headers: Headers) => T) => {
  let known: { bytes: Buffer | undefined; value: T } | undefined;
  return (headers) => {
    const bytes = headers[name];
    if (known === undefined) known = { bytes, value: read(bytes?.toString('latin1'), name) };
    else if (known.bytes !== bytes) {
      known.value = read(bytes?.toString('latin1'), name);
      known.bytes = bytes;
    }
    return known.value;
  };
};

const optional =
  (form: RegExp): Read<string | undefined> =>
  (text, name) => {
    if (text !== undefined && !form.test(text)) throw invalid(name);
    return text;
  };

const required =
  (form: RegExp): Read<string> =>
  (text, name) => {
    if (text === undefined) throw new PermanentError('missing-attribute', `The header ${name} is missing`);
    if (!form.test(text)) throw invalid(name);
    return text;
  };

const oneOf =
  <T extends string>(allowed: readonly T[]): Read<T | undefined> =>
  (text, name) => {
    const found = allowed.find((one) => one === text);
    if (text !== found) throw invalid(name);
    return found;
  };

const items =
  (form: RegExp): Read<readonly string[]> =>
  (text, name) => {
    if (text === undefined || text === '') return NOTHING;
    const found = text.split(' ');
    if (found.length > MAX_LIST || !found.every((item) => form.test(item))) throw invalid(name);
    return found;
  };

const NOTHING: readonly string[] = [];

/** A missing marking is read as the stricter one; one above OFFICIAL-SENSITIVE must not be on this bus at all. */
const classification: Read<Classification> = (text = 'OFFICIAL-SENSITIVE') => {
  const found = CLASSIFICATIONS.find((one) => one === text);
  if (found === undefined)
    throw new PermanentError(
      'marking-too-high',
      'Only OFFICIAL and OFFICIAL-SENSITIVE may be sent on this bus',
    );
  return found;
};

const READ = {
  specversion: header('ce_specversion', required(/^1\.0$/)),
  id: header('ce_id', required(EVENT_ID)),
  source: header('ce_source', required(SOURCE)),
  type: header('ce_type', required(TYPE)),
  time: header('ce_time', required(TIME)),
  subject: header('ce_subject', required(TOKEN)),
  tokens: header('ce_tokens', items(TOKEN)),
  otherTokens: header('ce_othertokens', items(TOKEN)),
  classification: header('ce_dataclassification', classification),
  handling: header('ce_handling', items(HANDLING)),
  exclude: header('ce_exclude', items(EXCLUDED)),
  replay: header('ce_replay', oneOf(['true', 'false'])),
  agreement: header('ce_agreement', items(AGREEMENT)),
  recordedTime: header('ce_recordedtime', optional(TIME)),
  sequence: header('ce_sequence', optional(CODE)),
  priority: header('ce_priority', oneOf(PRIORITIES)),
  actBy: header('ce_actby', optional(TIME)),
  correlationId: header('ce_correlationid', optional(REFERENCE)),
  inResponseTo: header('ce_inresponseto', optional(RESPONSE)),
  corrects: header('ce_corrects', optional(EVENT_ID)),
  match: header('ce_match', oneOf(MATCHES)),
  traceparent: header('traceparent', optional(TRACE)),
};
