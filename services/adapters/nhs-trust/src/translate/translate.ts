/** What an HL7 v2 message says, in the words of our events. Pure: the same message always gives the same facts. */

import type { Fact } from '@causeway/runtime/source/fact';
import type { Contact } from '@causeway/schemas/generated/types';
import { header, type Message, segment, text } from '../hl7/parser.ts';
import { attended, booking, emergency } from './attendances.ts';
import { type About, type Encounter, encounterOf } from './encounter.ts';
import {
  deathAtDischarge,
  deathIndicated,
  demographics,
  identitiesLinked,
  noDeathAtDischarge,
} from './identities.ts';
import { type NhsNumberPolicy, type Patient, patientOf } from './patient.ts';
import { type Shielding, shieldingOf } from './shielding.ts';
import {
  admission,
  admissionPlanned,
  discharge,
  dischargePlanned,
  leaveBegun,
  leaveEnded,
  transfer,
} from './stays.ts';
import { type VisitKind, visitKindOf } from './visit-kind.ts';
import {
  admissionPlanVoided,
  admissionVoided,
  attendanceVoided,
  bookingVoided,
  dischargePlanVoided,
  dischargeVoided,
  emergencyVoided,
  leaveEndVoided,
  leaveVoided,
  transferVoided,
} from './withdrawals.ts';

export type IgnoredReason =
  | 'not-adt'
  | 'trigger-not-translated'
  | 'not-a-stay'
  | 'not-an-attendance'
  | 'end-of-emergency-attendance'
  | 'no-second-identity'
  | 'processing-id-not-accepted';
export type UndecodableReason =
  | 'no-message-type'
  | 'no-event-time'
  | 'no-patient-segment'
  | 'no-visit-segment'
  | 'no-visit-number';

/** The person of the message and whether the feed says that nobody may learn where they are. */
export type Mark = { patient: Patient; shielding: 'yes' | 'no' };

export type TranslationOutcome =
  | { kind: 'facts'; facts: Fact[]; mark?: Mark }
  | { kind: 'ignored'; reason: IgnoredReason; mark?: Mark }
  | { kind: 'undecodable'; reason: UndecodableReason; mark?: Mark };

export type Translation = {
  contact: Contact;
  nhsNumber: NhsNumberPolicy;
  /** Values of MSH-11 that are taken; an engine marks training and test messages there. */
  processingIds: ReadonlySet<string>;
  /** The field that marks a person whose address is shielded. */
  shieldingMark: { segment: string; field: number };
};

/** Translates one message; never throws for anything a message may hold. */
export const translate = (message: Message, settings: Translation): TranslationOutcome => {
  const msh = header(message);
  const type = text(message, msh, 9)?.toUpperCase();
  if (type === undefined) return { kind: 'undecodable', reason: 'no-message-type' };
  if (type !== 'ADT') return { kind: 'ignored', reason: 'not-adt' };
  const processing = text(message, msh, 11)?.toUpperCase();
  if (processing !== undefined && !settings.processingIds.has(processing)) {
    return { kind: 'ignored', reason: 'processing-id-not-accepted' };
  }
  const trigger = triggerOf(message) ?? '';
  const write = Object.hasOwn(TRIGGERS, trigger) ? TRIGGERS[trigger] : undefined;
  const pid = segment(message, 'PID');
  if (pid === undefined) {
    return write === undefined
      ? { kind: 'ignored', reason: 'trigger-not-translated' }
      : { kind: 'undecodable', reason: 'no-patient-segment' };
  }
  const shielding = shieldingOf(message, settings.shieldingMark);
  const shielded = shielding === 'yes' || shielding === 'unclear';
  const patient = patientOf(message, pid, settings.nhsNumber, shielded);
  const about: About = {
    message,
    evn: segment(message, 'EVN'),
    patient,
    shielded,
    contact: settings.contact,
  };
  const said = write === undefined ? 'trigger-not-translated' : write(about, settings);
  return outcomeOf(said, markOf(patient, shielding));
};

type Said = Fact[] | IgnoredReason | UndecodableReason;

const UNDECODABLE: ReadonlySet<string> = new Set<UndecodableReason>([
  'no-message-type',
  'no-event-time',
  'no-patient-segment',
  'no-visit-segment',
  'no-visit-number',
]);
const isUndecodable = (reason: IgnoredReason | UndecodableReason): reason is UndecodableReason =>
  UNDECODABLE.has(reason);

const outcomeOf = (said: Said, mark: { mark?: Mark }): TranslationOutcome => {
  if (typeof said !== 'string') return { kind: 'facts', facts: said, ...mark };
  if (isUndecodable(said)) return { kind: 'undecodable', reason: said, ...mark };
  return { kind: 'ignored', reason: said, ...mark };
};

const markOf = (patient: Patient, shielding: Shielding): { mark?: Mark } =>
  patient.local.length > 0 && (shielding === 'yes' || shielding === 'no')
    ? { mark: { patient, shielding } }
    : {};

/** MSH-9's second component, or EVN-1 in feeds that leave it out. */
export const triggerOf = (message: Message): string | undefined =>
  (
    text(message, header(message), 9, { component: 2 }) ?? text(message, segment(message, 'EVN'), 1)
  )?.toUpperCase();

type Writer = (encounter: Encounter) => Fact | undefined;
type Trigger = (about: About, settings: Translation) => Said;

/** What a trigger says of each kind of visit; several writers where the kind is not given and the memory has to tell. */
type ByKind = Partial<Record<VisitKind, Writer[] | IgnoredReason>>;

const NOT_A_STAY: ByKind = {
  emergency: 'not-a-stay',
  outpatient: 'not-a-stay',
  preadmission: 'not-a-stay',
  other: 'not-a-stay',
};

/**
 * A trigger about a visit; what `extra` finds is said whatever kind of visit it is. A withdrawal whose kind of visit is not given is published only where what it withdraws is known.
 */
const visit =
  (trigger: string, byKind: ByKind, extra: (encounter: Encounter) => Fact[] = () => []): Trigger =>
  (about) => {
    const kind = visitKindOf(about.message, trigger);
    // Without PV1 the message is faulty whatever it is about.
    const writers = segment(about.message, 'PV1') === undefined ? [] : (byKind[kind] ?? 'not-a-stay');
    const encounter = encounterOf(about);
    if (typeof writers === 'string') {
      const beside = typeof encounter === 'string' ? [] : extra(encounter);
      return beside.length > 0 ? beside : writers;
    }
    if (typeof encounter === 'string') return encounter;
    const facts = writers.map((write) => write(encounter));
    if (facts.some((fact) => fact === undefined)) return 'no-event-time';
    const sure = facts.filter((fact) => fact !== undefined);
    return [...(kind === 'not-given' ? sure.map(ifKnown) : sure), ...extra(encounter)];
  };

const ifKnown = (fact: Fact): Fact =>
  fact.voids === undefined ? fact : { ...fact, voids: { ...fact.voids, onlyIfKnown: true } };

const person =
  (...writers: ((about: About) => Fact | undefined | Fact[])[]): Trigger =>
  (about) => {
    const facts = writers.map((write) => write(about));
    if (facts.some((fact) => fact === undefined)) return 'no-event-time';
    return facts.flat().filter((fact) => fact !== undefined);
  };

const merge =
  (kind: 'merged' | 'number_changed'): Trigger =>
  (about, settings) => {
    const facts = identitiesLinked(kind, settings.nhsNumber)(about);
    return facts.length === 0 ? 'no-second-identity' : facts;
  };

/** HL7 v2 chapter 3, as British feeds use it. */
const TRIGGERS: { [trigger: string]: Trigger } = {
  A01: visit('A01', { ...NOT_A_STAY, stay: [admission], 'not-given': [admission], emergency: [emergency] }),
  A02: visit('A02', { ...NOT_A_STAY, stay: [transfer], 'not-given': [transfer] }),
  A03: visit(
    'A03',
    { ...NOT_A_STAY, stay: [discharge], outpatient: [attended], emergency: 'end-of-emergency-attendance' },
    deathAtDischarge,
  ),
  A04: visit('A04', {
    emergency: [emergency],
    outpatient: [attended],
    stay: 'not-an-attendance',
    preadmission: 'not-an-attendance',
    other: 'not-an-attendance',
    'not-given': 'not-an-attendance',
  }),
  A05: visit('A05', {
    ...NOT_A_STAY,
    outpatient: [booking],
    stay: [admissionPlanned],
    preadmission: [admissionPlanned],
    'not-given': [admissionPlanned],
  }),
  A06: visit('A06', { ...NOT_A_STAY, stay: [admission], 'not-given': [admission] }),
  A08: person(demographics('amended'), deathIndicated),
  A11: visit('A11', {
    ...NOT_A_STAY,
    stay: [admissionVoided],
    emergency: [emergencyVoided],
    outpatient: [attendanceVoided],
    'not-given': [admissionVoided, emergencyVoided, attendanceVoided],
  }),
  A12: visit('A12', { ...NOT_A_STAY, stay: [transferVoided], 'not-given': [transferVoided] }),
  A13: visit(
    'A13',
    {
      ...NOT_A_STAY,
      stay: [dischargeVoided],
      'not-given': [dischargeVoided],
      emergency: 'end-of-emergency-attendance',
    },
    noDeathAtDischarge,
  ),
  A14: visit('A14', {
    ...NOT_A_STAY,
    stay: [admissionPlanned],
    preadmission: [admissionPlanned],
    'not-given': [admissionPlanned],
  }),
  A16: visit('A16', { ...NOT_A_STAY, stay: [dischargePlanned], 'not-given': [dischargePlanned] }),
  A18: merge('merged'),
  A21: visit('A21', { ...NOT_A_STAY, stay: [leaveBegun], 'not-given': [leaveBegun] }),
  A22: visit('A22', { ...NOT_A_STAY, stay: [leaveEnded], 'not-given': [leaveEnded] }),
  A25: visit('A25', { ...NOT_A_STAY, stay: [dischargePlanVoided], 'not-given': [dischargePlanVoided] }),
  A27: visit('A27', {
    ...NOT_A_STAY,
    stay: [admissionPlanVoided],
    preadmission: [admissionPlanVoided],
    'not-given': [admissionPlanVoided],
  }),
  A28: person(demographics('registered'), deathIndicated),
  A30: merge('merged'),
  A31: person(demographics('amended'), deathIndicated),
  A34: merge('merged'),
  A36: merge('merged'),
  A38: visit('A38', {
    ...NOT_A_STAY,
    outpatient: [bookingVoided],
    stay: [admissionPlanVoided],
    preadmission: [admissionPlanVoided],
    'not-given': [bookingVoided, admissionPlanVoided],
  }),
  A39: merge('merged'),
  A40: merge('merged'),
  A46: merge('number_changed'),
  A47: merge('number_changed'),
  A52: visit('A52', { ...NOT_A_STAY, stay: [leaveVoided], 'not-given': [leaveVoided] }),
  A53: visit('A53', { ...NOT_A_STAY, stay: [leaveEndVoided], 'not-given': [leaveEndVoided] }),
};
