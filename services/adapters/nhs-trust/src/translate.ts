/** What an HL7 v2 message says, in the words of our events. Pure: the same message always gives the same facts. */

import type { Fact } from '@causeway/runtime/fact';
import { parseInstant } from '@causeway/schemas/dates/hl7';
import type { Contact } from '@causeway/schemas/generated/types';
import { dischargeDestinationOf, dischargeMethodOf, sourceOfAdmissionOf } from './codes.ts';
import {
  attributes,
  common,
  type Encounter,
  encounterOf,
  eventTime,
  type Faulty,
  givenTime,
  methodOf,
  place,
  visitTime,
} from './encounter.ts';
import { header, type Message, segment, text } from './hl7.ts';
import type { NhsNumberPolicy } from './patient.ts';

export type IgnoredReason =
  | 'not-adt'
  | 'trigger-not-translated'
  | 'not-inpatient'
  | 'processing-id-not-accepted';
export type UndecodableReason = 'no-message-type' | 'no-event-time' | Faulty;

export type Outcome =
  | { kind: 'facts'; facts: Fact[] }
  | { kind: 'ignored'; reason: IgnoredReason }
  | { kind: 'undecodable'; reason: UndecodableReason };

export type Translation = {
  contact: Contact;
  nhsNumber: NhsNumberPolicy;
  /** Values of MSH-11 that are taken; an engine marks training and test messages there. */
  processingIds: ReadonlySet<string>;
};

const ADMISSION = 'inpatient-admission';
const DISCHARGE = 'patient-discharge';

type PatientClass = 'inpatient' | 'other' | 'not-given';

/** Translates one message; never throws for anything a message may hold. */
export const translate = (message: Message, settings: Translation): Outcome => {
  const msh = header(message);
  const type = text(message, msh, 9)?.toUpperCase();
  if (type === undefined) return { kind: 'undecodable', reason: 'no-message-type' };
  if (type !== 'ADT') return { kind: 'ignored', reason: 'not-adt' };
  const processing = text(message, msh, 11)?.toUpperCase();
  if (processing !== undefined && !settings.processingIds.has(processing)) {
    return { kind: 'ignored', reason: 'processing-id-not-accepted' };
  }
  const trigger = triggerOf(message);
  const write = trigger === undefined ? undefined : TRIGGERS[trigger];
  if (trigger === undefined || write === undefined)
    return { kind: 'ignored', reason: 'trigger-not-translated' };

  const patientClass = classOf(message);
  // A cancellation need not repeat the class; whether there is an admission to cancel, the memory of the source knows.
  const accepted =
    patientClass === 'inpatient' || (patientClass === 'not-given' && CANCELLATIONS.has(trigger));
  if (!accepted) return { kind: 'ignored', reason: 'not-inpatient' };
  const encounter = encounterOf(message, settings.contact, settings.nhsNumber);
  if (typeof encounter === 'string') return { kind: 'undecodable', reason: encounter };
  const fact = write(encounter);
  if (fact === undefined) return { kind: 'undecodable', reason: 'no-event-time' };
  const voids = fact.voids && { ...fact.voids, onlyIfKnown: patientClass === 'not-given' };
  return { kind: 'facts', facts: [voids ? { ...fact, voids } : fact] };
};

/** MSH-9's second component, or EVN-1 in feeds that leave it out. */
export const triggerOf = (message: Message): string | undefined =>
  (
    text(message, header(message), 9, { component: 2 }) ?? text(message, segment(message, 'EVN'), 1)
  )?.toUpperCase();

const classOf = (message: Message): PatientClass => {
  const pv1 = segment(message, 'PV1');
  const code = text(message, pv1, 2)?.toUpperCase();
  // Without the segment the message is faulty, which is said later.
  if (pv1 === undefined || code === 'I' || code === 'INPATIENT') return 'inpatient';
  return code === undefined ? 'not-given' : 'other';
};

const admission = (encounter: Encounter): Fact | undefined => {
  const { message, pv1, visit } = encounter;
  const at = visitTime(encounter, 44);
  if (at === undefined) return undefined;
  const method = text(message, pv1, 4);
  const source = text(message, pv1, 14);
  return {
    ...attributes(encounter, at),
    type: 'uk.causeway.nhs.inpatient-admission.recorded.v1',
    remember: { visit, fact: ADMISSION },
    data: {
      ...common(encounter, at),
      ...place(encounter),
      visitId: visit,
      admittedAt: at,
      admissionMethod: methodOf(encounter),
      admissionMethodCode: method ?? null,
      sourceOfAdmission: sourceOfAdmissionOf(source),
      sourceOfAdmissionCode: source ?? null,
      patientClass: 'inpatient',
      specialty: text(message, pv1, 10) ?? null,
      expectedDischargeAt: parseInstant(text(message, segment(message, 'PV2'), 9)) ?? null,
    },
  };
};

const discharge = (encounter: Encounter): Fact | undefined => {
  const { message, pv1, visit } = encounter;
  const at = visitTime(encounter, 45);
  if (at === undefined) return undefined;
  const method = text(message, pv1, 36);
  const destination = text(message, pv1, 37);
  return {
    ...attributes(encounter, at),
    type: 'uk.causeway.nhs.patient-discharge.recorded.v1',
    remember: { visit, fact: DISCHARGE },
    data: {
      ...common(encounter, at),
      ...place(encounter),
      visitId: visit,
      admittedAt: givenTime(encounter, 44),
      admissionMethod: methodOf(encounter),
      dischargedAt: at,
      dischargeMethod: dischargeMethodOf(method),
      dischargeMethodCode: method ?? null,
      dischargeDestination: dischargeDestinationOf(destination),
      dischargeDestinationCode: destination ?? null,
      patientClass: 'inpatient',
      specialty: text(message, pv1, 10) ?? null,
    },
  };
};

const voided = (encounter: Encounter, fact: string, at: string) => ({
  ...common(encounter, at),
  voids: { visit: encounter.visit, fact },
  corrects: null,
  reason: 'cancelled' as const,
  voidedAt: at,
  admittedAt: givenTime(encounter, 44),
  admissionMethod: methodOf(encounter),
  site: place(encounter).site,
});

const admissionVoided = (encounter: Encounter): Fact | undefined => {
  const at = eventTime(encounter);
  if (at === undefined) return undefined;
  return {
    ...attributes(encounter, at),
    type: 'uk.causeway.nhs.inpatient-admission.voided.v1',
    voids: { visit: encounter.visit, fact: ADMISSION },
    data: voided(encounter, ADMISSION, at),
  };
};

const dischargeVoided = (encounter: Encounter): Fact | undefined => {
  const at = eventTime(encounter);
  if (at === undefined) return undefined;
  return {
    ...attributes(encounter, at),
    type: 'uk.causeway.nhs.patient-discharge.voided.v1',
    voids: { visit: encounter.visit, fact: DISCHARGE },
    data: { ...voided(encounter, DISCHARGE, at), dischargedAt: givenTime(encounter, 45) },
  };
};

const TRIGGERS: Partial<Record<string, (encounter: Encounter) => Fact | undefined>> = {
  A01: admission,
  A03: discharge,
  A11: admissionVoided,
  A13: dischargeVoided,
};
const CANCELLATIONS = new Set(['A11', 'A13']);
