/** NEMS: FHIR STU3 message bundles with all that the national index tells of a change. */
import type { Fact } from '@causeway/runtime/source/fact';
import type { BirthOutcome, DeathNotificationStatus, PartialDate } from '@causeway/schemas/generated/types';
import { type Bundle, focusOf, lifeCycleOf, resolve, resourcesNamed, routedNumber } from './bundle.ts';
import {
  type About,
  addressChanged,
  birthNotified,
  deathNotified,
  deathStatus,
  numberChanged,
  recordAmended,
} from './facts.ts';
import {
  type Event,
  eventOf,
  isInFuture,
  type Mark,
  type NotificationOutcome,
  type Translation,
  type UndecodableReason,
} from './notification.ts';
import { dayInLondon, movedOn, type Patient, patientOf } from './patient.ts';
import { instant, orderOf, sequenceOf } from './times.ts';
import { all, at, canonical, extensions, type Node, valueAt } from './tree.ts';

export const translateBundle = (bundle: Bundle, translation: Translation): NotificationOutcome => {
  const { header } = bundle;
  const code = valueAt(header, 'event', 'code') ?? valueAt(header, 'eventCoding', 'code');
  if (code === undefined) return undecodable('no-event-type');
  const event = eventOf(code);
  if (event === undefined) return { kind: 'ignored', reason: 'event-not-translated' };
  const people = peopleOf(bundle, event);
  if (people === undefined) return undecodable('no-patient');
  const times = timesOf(bundle);
  const marks = [people.patient, people.mother].flatMap((one) => markOf(one, times?.order));
  if (people.patient.own === undefined) return undecodable('no-identifier', marks);
  if (times === undefined) return undecodable('no-event-time', marks);
  if (isInFuture(times.occurredAt, translation.now))
    return undecodable('time-in-future', withoutOrder(marks));
  // The national index never takes a message back: a removed death, for one, is a message of its own.
  if (lifeCycleOf(bundle) === 'delete') return undecodable('unexpected-life-cycle', marks);
  const id = valueAt(header, 'id') ?? '';
  const about: About = {
    ...times,
    own: people.patient.own,
    verified: people.patient.verified,
    person: people.patient.person,
    contact: { ...translation.contact, reference: /^[A-Za-z0-9.-]{1,64}$/.test(id) ? id : null },
  };
  const facts = factsOf[event](about, people);
  const { retired } = people.patient;
  if (retired !== undefined && event !== 'nhs-number-change') facts.push(numberChanged(about, retired));
  return {
    kind: 'facts',
    said: { identity: ['nems', code, id], content: canonical(bundle.root), order: times.order },
    facts,
    marks,
  };
};

const undecodable = (reason: UndecodableReason, marks: Mark[] = []): NotificationOutcome => ({
  kind: 'undecodable',
  reason,
  // What has no time cannot be told from something older: then only what protects counts.
  marks: marks.filter(({ shielded, order }) => shielded || order !== undefined),
});

const withoutOrder = (marks: readonly Mark[]): Mark[] => marks.map(({ order: _, ...mark }) => mark);

/** When the record was changed, which is what the publisher wants messages to be ordered by; else when it told so. */
const timesOf = ({ header }: Bundle) => {
  const changedAt = instant(valueAt(header, 'meta', 'lastUpdated'));
  const toldAt = instant(valueAt(header, 'timestamp'));
  const occurredAt = changedAt ?? toldAt;
  if (occurredAt === undefined) return undefined;
  const sequence = sequenceOf(valueAt(header, 'meta', 'versionId'));
  return { occurredAt, notifiedAt: toldAt ?? occurredAt, sequence, order: orderOf(occurredAt, sequence) };
};

type People = { bundle: Bundle; node: Node; patient: Patient; mother?: Patient };

/** A birth is routed by the mother, and about the child; everything else is about whom it is routed by. */
const peopleOf = (bundle: Bundle, event: Event): People | undefined => {
  const focus = focusOf(bundle);
  const routed = routedNumber(bundle);
  if (event !== 'pds-birth-notification')
    return focus && { bundle, node: focus, patient: patientOf(bundle, focus, routed) };
  const patients = resourcesNamed(bundle, 'Patient');
  const child =
    resolve(bundle, resourcesNamed(bundle, 'RelatedPerson')[0], 'patient') ??
    patients.find((one) => at(one, 'multipleBirthInteger') !== undefined) ??
    (patients.length === 1 ? patients[0] : undefined);
  if (child?.name !== 'Patient') return undefined;
  const mother = patients.find((one) => one !== child && one === (focus ?? one));
  return {
    bundle,
    node: child,
    patient: patientOf(bundle, child, undefined),
    ...(mother !== undefined && { mother: patientOf(bundle, mother, routed) }),
  };
};

const markOf = (patient: Patient | undefined, order: string | undefined): Mark[] =>
  patient?.own === undefined || patient.shielding === 'not-said'
    ? []
    : [
        {
          own: patient.own,
          verified: patient.verified,
          person: patient.person,
          shielded: patient.shielding === 'yes',
          ...(order !== undefined && { order }),
        },
      ];

const deathStatusOf = (patient: Node): DeathNotificationStatus => {
  const [outer] = extensions(patient, 'Extension-CareConnect-DeathNotificationStatus-1');
  const [status] = extensions(outer, 'deathNotificationStatus');
  return deathStatus(valueAt(status, 'valueCodeableConcept', 'coding', 'code'));
};

/** A date of death that lies behind the message's own time is a mistake. */
const dateOfDeath = (patient: Node, at: string): PartialDate | null => {
  const date = dayInLondon(valueAt(patient, 'deceasedDateTime'));
  return date === null || date.value > at.slice(0, date.value.length) ? null : date;
};

const STILLBORN = '237364002';

const outcomeOf = (bundle: Bundle): BirthOutcome => {
  const observation = resourcesNamed(bundle, 'Observation').find((one) =>
    all(at(one, 'code'), 'coding').some((coding) => valueAt(coding, 'code') === STILLBORN),
  );
  const code = valueAt(observation, 'valueCodeableConcept', 'coding', 'code');
  if (code === undefined) return 'UNKNOWN';
  return code === '1' ? 'live' : 'stillborn';
};

const bornAtOf = (child: Node): string | null => {
  const [time] = extensions(at(child, 'birthDate'), 'patient-birthTime');
  return instant(valueAt(time, 'valueDateTime')) ?? null;
};

const birthOrderOf = (child: Node): number | null => {
  const text = valueAt(child, 'multipleBirthInteger') ?? '';
  return /^[1-9]\d?$/.test(text) ? Number(text) : null;
};

const factsOf: Record<Event, (about: About, people: People) => Fact[]> = {
  'pds-death-notification': (about, { node }) => [
    deathNotified(about, deathStatusOf(node), dateOfDeath(node, about.notifiedAt)),
  ],
  'pds-change-of-address': (about, { node }) => [addressChanged(about, movedOn(node))],
  'pds-change-of-gp': (about) => [recordAmended(about, ['person.generalPractice'])],
  'pds-record-change': (about) => [recordAmended(about, null)],
  'nhs-number-change': (about, { patient }) => [numberChanged(about, patient.retired)],
  'pds-birth-notification': (about, { bundle, node, mother }) => [
    birthNotified(about, {
      mother: mother?.person ?? null,
      others: mother === undefined ? [] : [othersOf(mother)],
      outcome: outcomeOf(bundle),
      birthOrder: birthOrderOf(node),
      bornAt: bornAtOf(node),
    }),
  ],
};

const othersOf = ({ own, verified, person }: Patient) => ({
  ...(own !== undefined && { local: [own] }),
  verified,
  person: { name: person.name ?? null, dateOfBirth: person.dateOfBirth ?? null },
});
