/** MNS: signals that something of a person's changed. They name the person by number and say nothing else. */

import type { Fact } from '@causeway/runtime/source/fact';
import { canonicalOf } from '@causeway/schemas/identifiers/checked';
import { checkNhsNumber } from '@causeway/schemas/identifiers/nhs-number';
import { checkOdsCode } from '@causeway/schemas/identifiers/ods';
import { type About, addressChanged, deathNotified, numberChanged, recordAmended } from './facts.ts';
import {
  type Event,
  eventOf,
  isInFuture,
  type NotificationOutcome,
  type Translation,
} from './notification.ts';
import { numberedPerson, subjectOf } from './patient.ts';
import { instant, orderOf, sequenceOf } from './times.ts';
import { all, at, type Node, valueAt } from './tree.ts';

/** What both forms of a signal say, unchecked. */
type Signal = {
  id: string | undefined;
  source: string | undefined;
  type: string | undefined;
  time: string | undefined;
  subject: string | undefined;
  /** Where the record can be read. */
  dataref: string | undefined;
  practice: string | undefined;
};

const text = (value: unknown): string | undefined =>
  typeof value === 'string' ? value.trim() || undefined : undefined;

/** The form in which the publisher hands a signal in: a CloudEvent. */
export const readSignal = (object: Record<string, unknown>): Signal => {
  const { id, source, type, time, subject, dataref, filtering } = object;
  const practice = (filtering as { generalpractitioner?: unknown } | null | undefined)?.generalpractitioner;
  return {
    id: text(id),
    source: text(source),
    type: text(type),
    time: text(time),
    subject: text(subject),
    dataref: text(dataref),
    practice: text(practice),
  };
};

/** The form in which subscribers get it: a history bundle with the status of their subscription (FHIR R4). */
export const signalOf = (root: Node): Signal | undefined => {
  const parameters = all(root, 'entry')
    .map((entry) => at(entry, 'resource', 'Parameters'))
    .find((found) => found !== undefined);
  if (root.name !== 'Bundle' || parameters === undefined) return undefined;
  const part = (of: string, name: string): Node | undefined =>
    all(parameters, 'parameter')
      .filter((one) => valueAt(one, 'name') === of)
      .flatMap((one) => all(one, 'part'))
      .find((one) => valueAt(one, 'name') === name);
  return {
    id: valueAt(root, 'id'),
    source: valueAt(part('additional-context', 'source'), 'valueUri'),
    type: valueAt(part('additional-context', 'event-type'), 'valueString'),
    time: valueAt(part('notification-event', 'timestamp'), 'valueInstant') ?? valueAt(root, 'timestamp'),
    subject: valueAt(part('additional-context', 'subject'), 'valueReference', 'identifier', 'value'),
    dataref: valueAt(part('notification-event', 'focus'), 'valueReference', 'reference'),
    practice: undefined,
  };
};

export const translateSignal = (
  signal: Signal | undefined,
  translation: Translation,
): NotificationOutcome => {
  if (signal === undefined || (signal.type === undefined && signal.subject === undefined))
    return { kind: 'undecodable', reason: 'not-a-notification' };
  if (signal.type === undefined) return { kind: 'undecodable', reason: 'no-event-type' };
  const event = eventOf(signal.type);
  // A birth is told by a bundle only: a number alone says neither who was born nor to whom.
  if (event === undefined || event === 'pds-birth-notification')
    return { kind: 'ignored', reason: 'event-not-translated' };
  const number = numberIn(signal.subject);
  if (number === undefined) return { kind: 'undecodable', reason: 'no-identifier' };
  const occurredAt = instant(signal.time);
  if (occurredAt === undefined) return { kind: 'undecodable', reason: 'no-event-time' };
  if (isInFuture(occurredAt, translation.now)) return { kind: 'undecodable', reason: 'time-in-future' };
  const referred = /\/Patient\/([^/]+)(?:\/_history\/(\d+))?$/.exec(signal.dataref ?? '');
  const sequence = sequenceOf(referred?.[2]);
  const about: About = {
    own: subjectOf(number),
    verified: { nhs: number },
    person: { ...numberedPerson(number), generalPractice: practiceIn(signal.practice) },
    occurredAt,
    notifiedAt: occurredAt,
    sequence,
    // Behind a bundle of the same moment, which says more.
    order: orderOf(occurredAt, undefined),
    contact: { ...translation.contact, reference: idIn(signal.id) },
  };
  const other = numberIn(referred?.[1]);
  return {
    kind: 'facts',
    said: {
      identity: ['mns', signal.source ?? '', signal.type, signal.id ?? ''],
      content: JSON.stringify(signal),
      order: about.order,
    },
    facts: factsOf[event](about, other === number ? undefined : other),
    marks: [],
  };
};

const numberIn = (found: string | undefined): string | undefined => canonicalOf(checkNhsNumber(found ?? ''));
const idIn = (id: string | undefined): string | null =>
  id !== undefined && /^[A-Za-z0-9.-]{1,64}$/.test(id) ? id : null;
const practiceIn = (code: string | undefined): string | null =>
  code !== undefined && /^[A-Z]\d{5}$/.test(code) && checkOdsCode(code).valid ? code : null;

type Told = Exclude<Event, 'pds-birth-notification'>;

const factsOf: Record<Told, (about: About, other: string | undefined) => Fact[]> = {
  // The signal is the same for a death, a more certain one and one that is taken back.
  'pds-death-notification': (about) => [deathNotified(about, 'UNKNOWN', null)],
  'pds-change-of-address': (about) => [addressChanged(about, null)],
  'pds-change-of-gp': (about) => [recordAmended(about, ['person.generalPractice'])],
  'pds-record-change': (about) => [recordAmended(about, null)],
  'nhs-number-change': (about, other) => [numberChanged(about, other)],
};
