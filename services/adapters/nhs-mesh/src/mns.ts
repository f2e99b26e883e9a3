/** MNS: signals that something of a person's changed. They name the person by number and say nothing else. */

import type { Fact } from '@causeway/runtime/source/fact';
import { canonicalOf } from '@causeway/schemas/identifiers/checked';
import { checkNhsNumber } from '@causeway/schemas/identifiers/nhs-number';
import { practiceCode } from '@causeway/schemas/identifiers/person-parts';
import {
  type About,
  addressChanged,
  deathNotified,
  deathStatus,
  numberChanged,
  recordAmended,
} from './facts.ts';
import { isObject } from './json.ts';
import {
  type Event,
  eventOf,
  isInFuture,
  type NotificationOutcome,
  type Translation,
} from './notification.ts';
import { dateOf, numberedPerson, subjectOf } from './patient.ts';
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
  /** What the first version of the signals says besides. */
  version?: string | undefined;
  born?: string | undefined;
  death?: string | undefined;
};

const text = (value: unknown): string | undefined =>
  typeof value === 'string' ? value.trim() || undefined : undefined;

const objectIn = (value: unknown): Record<string, unknown> => (isObject(value) ? value : {});

/**
 * The form in which the publisher hands a signal in: a CloudEvent. In the first version of the signals subject, source and data are
 * objects; in the second subject and source are texts, and the record is named by `dataref`.
 */
export const readSignal = (object: Record<string, unknown>): Signal => {
  const { id, source, type, time, subject, dataref, filtering, data } = object;
  const more = objectIn(data);
  const born = text(objectIn(subject).dob);
  const death = text(more.deathNotificationStatus);
  const version = text(more.versionId);
  return {
    id: text(id),
    source: text(source) ?? text(objectIn(source).name),
    type: text(type),
    time: text(time),
    subject: text(subject) ?? text(objectIn(subject).nhsNumber),
    dataref: text(dataref) ?? text(more.fullUrl),
    practice: text(objectIn(filtering).generalpractitioner),
    ...(version !== undefined && { version: version.replace(/^W\/"(.*)"$/, '$1') }),
    ...(born !== undefined && { born }),
    ...(death !== undefined && { death }),
  };
};

/** The form in which subscribers get them: a history bundle with the status of their subscription (FHIR R4), for one or more events. */
export const signalsOf = (root: Node): Signal[] => {
  if (root.name !== 'Bundle') return [];
  const statuses = all(root, 'entry').flatMap((entry) => at(entry, 'resource', 'Parameters') ?? []);
  const named = (status: Node, name: string) =>
    all(status, 'parameter').filter((one) => valueAt(one, 'name') === name);
  const part = (of: Node | undefined, name: string): Node | undefined =>
    all(of, 'part').find((one) => valueAt(one, 'name') === name);
  const id = valueAt(root, 'id');
  return statuses
    .flatMap((status) => {
      const contexts = named(status, 'additional-context');
      const events = named(status, 'notification-event');
      const pairs = Math.max(1, events.length);
      return Array.from({ length: pairs }, (_, index) => ({
        event: events[index],
        context: contexts[index] ?? contexts[0],
      }));
    })
    .map(({ event, context }, index) => ({
      // Of several in a bundle each has a name of its own.
      id: index === 0 || id === undefined ? id : `${id}.${index + 1}`,
      source: valueAt(part(context, 'source'), 'valueUri'),
      type: valueAt(part(context, 'event-type'), 'valueString'),
      time: valueAt(part(event, 'timestamp'), 'valueInstant') ?? valueAt(root, 'timestamp'),
      subject: valueAt(part(context, 'subject'), 'valueReference', 'identifier', 'value'),
      dataref: valueAt(part(event, 'focus'), 'valueReference', 'reference'),
      practice: undefined,
    }));
};

export const translateSignal = (signal: Signal, translation: Translation): NotificationOutcome => {
  if (signal.type === undefined && signal.subject === undefined)
    return { kind: 'undecodable', reason: 'not-a-notification' };
  if (signal.type === undefined) return { kind: 'undecodable', reason: 'no-event-type' };
  const event = eventOf(signal.type);
  // A birth is told by a bundle only: a number alone says neither who was born nor to whom.
  if (event === undefined || event === 'pds-birth-notification')
    return { kind: 'ignored', reason: 'event-not-translated' };
  if (signal.subject === undefined) return { kind: 'undecodable', reason: 'no-identifier' };
  const number = numberIn(signal.subject);
  if (number === undefined) return { kind: 'undecodable', reason: 'invalid-identifier' };
  const occurredAt = instant(signal.time);
  if (occurredAt === undefined) return { kind: 'undecodable', reason: 'no-event-time' };
  if (isInFuture(occurredAt, translation.now)) return { kind: 'undecodable', reason: 'time-in-future' };
  const referred = /\/Patient\/([^/]+)(?:\/_history\/(\d+))?$/.exec(signal.dataref ?? '');
  const sequence = sequenceOf(referred?.[2] ?? signal.version);
  const about: About = {
    own: subjectOf(number),
    verified: { nhs: number },
    person: {
      ...numberedPerson(number),
      dateOfBirth: dateOf(signal.born),
      generalPractice: practiceCode(signal.practice ?? ''),
    },
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
    facts: factsOf[event](about, signal, other === number ? undefined : other),
    marks: [],
  };
};

const numberIn = (found: string | undefined): string | undefined => canonicalOf(checkNhsNumber(found ?? ''));
const idIn = (id: string | undefined): string | null =>
  id !== undefined && /^[A-Za-z0-9.-]{1,64}$/.test(id) ? id : null;

type Told = Exclude<Event, 'pds-birth-notification'>;

const factsOf: Record<Told, (about: About, signal: Signal, other: string | undefined) => Fact[]> = {
  // In the second version the signal is the same for a death, a more certain one and one that is taken back.
  'pds-death-notification': (about, { death }) => [deathNotified(about, deathStatus(death), null)],
  'pds-change-of-address': (about) => [addressChanged(about, null)],
  'pds-change-of-gp': (about) => [recordAmended(about, ['person.generalPractice'])],
  'pds-record-change': (about) => [recordAmended(about, null)],
  'nhs-number-change': (about, _, other) => [numberChanged(about, other)],
};
