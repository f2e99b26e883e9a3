/** An event as a row of `inbound_contact`. Pure. */
import type { Envelope } from '@causeway/runtime/bus/envelope';
import { summaryOf } from './summaries.ts';
import { birthOf, isRecord, isText, localTime, NOT_RELEASED, nameOf, oneLine } from './wording.ts';

/** The columns that the adapter fills, by their names. */
export type ContactRow = {
  priority: string;
  act_by: string;
  person_name: string;
  date_of_birth: string;
  summary: string;
  ring: string;
  handling: string;
  match: string;
  received_from: string;
  act_by_at: string | null;
  happened_at: string;
  event_id: string;
  event_source: string;
  event_type: string;
  event_corrects: string | null;
  inbox_position: string;
  /** JSON */
  event: string;
};

/** What the row takes back or puts right: named by its event where the source knows it, else by the case or visit. */
export type Corrects = {
  organisation: string;
  /** Types that the event's type withdraws or corrects. */
  types: readonly string[];
  standing: 'withdrawn' | 'corrected';
  eventId: string | null;
  /** A field of the earlier event's data, and its value. */
  named: { field: 'visitId' | 'caseReference'; value: string } | null;
};

export type Received = {
  event: Envelope;
  data: unknown;
  /** `<partition>-<offset>` */
  position: string;
};

/** What the catalogue says of the type: what people call it, and what it corrects. */
export type KnownEventType = { title: string; siblingOf: readonly string[] };

export const contactRow = (received: Received, { title, siblingOf }: KnownEventType): ContactRow => {
  const { event, data, position } = received;
  const fields = isRecord(data) ? data : {};
  const summarised = { type: event.type, isCorrection: siblingOf.length > 0, replay: event.replay };
  return {
    priority: event.priority ?? 'routine',
    act_by: event.actBy === undefined ? 'no time given' : localTime(event.actBy),
    person_name: nameOf(fields.person),
    date_of_birth: birthOf(fields.person),
    summary: summaryOf(summarised, title, data),
    ring: ringOf(fields.contact),
    handling: event.handling.length === 0 ? 'none' : event.handling.join(', ').replaceAll('-', ' '),
    match: event.match ?? 'not-compared',
    received_from: organisationNamed(event, fields.contact),
    act_by_at: event.actBy ?? null,
    happened_at: event.time,
    event_id: event.id,
    event_source: event.source,
    event_type: event.type,
    event_corrects: event.corrects ?? null,
    inbox_position: position,
    event: JSON.stringify(cloudEvent(received), storable),
  };
};

export const correctsOf = (
  { event, data }: Received,
  { siblingOf }: KnownEventType,
): Corrects | undefined => {
  if (siblingOf.length === 0) return undefined;
  const voids = isRecord(data) && isRecord(data.voids) ? data.voids : {};
  const named = isText(voids.visit)
    ? { field: 'visitId' as const, value: voids.visit }
    : isText(voids.caseReference)
      ? { field: 'caseReference' as const, value: voids.caseReference }
      : null;
  const eventId = event.corrects ?? null;
  if (eventId === null && named === null) return undefined;
  return {
    organisation: partyOf(event),
    types: siblingOf,
    standing: standingAfter(event.type),
    eventId,
    named,
  };
};

/** What becomes of a row when an event of this type says something of it. */
export const standingAfter = (type: string): 'withdrawn' | 'corrected' =>
  /\.corrected\.v\d+$/.test(type) ? 'corrected' : 'withdrawn';

const partyOf = ({ source }: Pick<Envelope, 'source'>): string => source.split('/')[1] ?? '';

const organisationNamed = (event: Envelope, contact: unknown): string =>
  isRecord(contact) && isText(contact.organisation) ? oneLine(contact.organisation) : partyOf(event);

/** `Westshire Police, hub desk: 01632 960030, out of hours 01632 960031, quote WP-EX-1001` */
const ringOf = (contact: unknown): string => {
  if (!isRecord(contact)) return NOT_RELEASED;
  const said = (name: string, before = '') =>
    isText(contact[name]) ? `${before}${oneLine(String(contact[name]))}` : undefined;
  const who = [said('organisation'), said('team')].filter(isText).join(', ');
  const how = [said('telephone'), said('outOfHoursTelephone', 'out of hours '), said('reference', 'quote ')];
  return [who, how.filter(isText).join(', ')].filter(isText).join(': ') || NOT_RELEASED;
};

/** The event in structured JSON, as the gateway gives it. */
const cloudEvent = ({ event, data, position }: Received) => ({
  specversion: '1.0',
  id: event.id,
  source: event.source,
  type: event.type,
  time: event.time,
  subject: event.subject,
  datacontenttype: 'application/json',
  dataclassification: event.classification,
  handling: event.handling.join(' ') || undefined,
  recordedtime: event.recordedTime,
  priority: event.priority,
  actby: event.actBy,
  correlationid: event.correlationId,
  inresponseto: event.inResponseTo,
  corrects: event.corrects,
  replay: event.replay || undefined,
  agreement: event.agreement.join(' ') || undefined,
  match: event.match,
  position,
  data,
});

/** A database takes neither NUL nor half a surrogate pair, and one letter must not make a contact impossible to keep. */
const storable = (_name: string, value: unknown): unknown =>
  typeof value === 'string' ? value.replaceAll('\0', '\ufffd').toWellFormed() : value;
