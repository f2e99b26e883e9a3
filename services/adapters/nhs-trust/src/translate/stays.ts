/** Facts about stays in hospital. Each gives undefined where the message does not say when it happened. */
import type { Fact } from '@causeway/runtime/source/fact';
import { parseInstant } from '@causeway/schemas/dates/hl7';
import { segment, text } from '../hl7/parser.ts';
import { dischargeDestinationOf, dischargeMethodOf, patientClassOf, sourceOfAdmissionOf } from './codes.ts';
import {
  attributes,
  careOf,
  common,
  type Encounter,
  eventTime,
  givenTime,
  methodOf,
  place,
  placeAt,
  plannedFor,
  planningTime,
  specialtyOf,
  traitsOf,
  visitTime,
} from './encounter.ts';

export const ADMISSION = 'inpatient-admission';
export const TRANSFER = 'inpatient-transfer';
export const DISCHARGE = 'patient-discharge';
export const LEAVE = 'inpatient-leave';
export const LEAVE_END = 'inpatient-leave-end';
export const ADMISSION_PLAN = 'inpatient-admission-plan';
export const DISCHARGE_PLAN = 'discharge-plan';

type Maybe = Fact | undefined;

/** What every fact about a stay says of it. */
const stay = (encounter: Encounter) => ({
  visitId: encounter.visit,
  admissionMethod: methodOf(encounter),
  careContext: careOf(encounter),
  specialty: specialtyOf(encounter),
});

/** The class, where PV1-2 says one. An admission without a class is one of an inpatient: that is what A01 means. */
const classOf = ({ message, pv1 }: Encounter) => {
  const code = text(message, pv1, 2)?.toUpperCase();
  return code === undefined ? 'inpatient' : patientClassOf(code);
};

export const admission = (encounter: Encounter): Maybe => {
  const { message, pv1, visit } = encounter;
  const at = visitTime(encounter, 44);
  if (at === undefined) return undefined;
  const source = text(message, pv1, 14);
  return {
    ...attributes(encounter, at),
    ...traitsOf(encounter),
    type: 'uk.causeway.nhs.inpatient-admission.recorded.v1',
    remember: { visit, fact: ADMISSION },
    data: {
      ...common(encounter, at),
      ...place(encounter),
      ...stay(encounter),
      admittedAt: at,
      admissionMethodCode: text(message, pv1, 4) ?? null,
      sourceOfAdmission: sourceOfAdmissionOf(source),
      sourceOfAdmissionCode: source ?? null,
      patientClass: classOf(encounter),
      expectedDischargeAt: parseInstant(text(message, segment(message, 'PV2'), 9)) ?? null,
    },
  };
};

export const transfer = (encounter: Encounter): Maybe => {
  const at = eventTime(encounter);
  if (at === undefined) return undefined;
  const to = place(encounter);
  const from = placeAt(encounter, 6);
  return {
    ...attributes(encounter, at),
    ...traitsOf(encounter),
    type: 'uk.causeway.nhs.inpatient-transfer.recorded.v1',
    remember: { visit: encounter.visit, fact: TRANSFER },
    data: {
      ...common(encounter, at),
      ...to,
      ...stay(encounter),
      admittedAt: givenTime(encounter, 44),
      transferredAt: at,
      siteChanged: siteChanged(encounter),
      previousSite: from.site,
      previousWard: from.ward,
    },
  };
};

/** Compared also for a shielded person: it does not tell where they are. */
const siteChanged = (encounter: Encounter): boolean | null => {
  const open = { ...encounter, shielded: false };
  const [from, to] = [placeAt(open, 6).site, placeAt(open, 3).site];
  return from === null || to === null ? null : from !== to;
};

export const discharge = (encounter: Encounter): Maybe => {
  const { message, pv1, visit } = encounter;
  const at = visitTime(encounter, 45);
  if (at === undefined) return undefined;
  const method = text(message, pv1, 36);
  const destination = text(message, pv1, 37);
  return {
    ...attributes(encounter, at),
    ...traitsOf(encounter),
    type: 'uk.causeway.nhs.patient-discharge.recorded.v1',
    remember: { visit, fact: DISCHARGE },
    data: {
      ...common(encounter, at),
      ...place(encounter),
      ...stay(encounter),
      admittedAt: givenTime(encounter, 44),
      dischargedAt: at,
      dischargeMethod: dischargeMethodOf(method),
      dischargeMethodCode: method ?? null,
      dischargeDestination: dischargeDestinationOf(destination),
      dischargeDestinationCode: destination ?? null,
      patientClass: classOf(encounter),
    },
  };
};

export const leaveBegun = (encounter: Encounter): Maybe => {
  const at = eventTime(encounter);
  if (at === undefined) return undefined;
  const { specialty: _, ...of } = stay(encounter);
  return {
    ...attributes(encounter, at),
    ...traitsOf(encounter),
    type: 'uk.causeway.nhs.inpatient-leave.begun.v1',
    remember: { visit: encounter.visit, fact: LEAVE },
    data: {
      ...common(encounter, at),
      ...of,
      site: place(encounter).site,
      admittedAt: givenTime(encounter, 44),
      leftAt: at,
      expectedReturnAt: plannedFor(encounter, 47) ?? null,
    },
  };
};

export const leaveEnded = (encounter: Encounter): Maybe => {
  const at = eventTime(encounter);
  if (at === undefined) return undefined;
  const { specialty: _, ...of } = stay(encounter);
  return {
    ...attributes(encounter, at),
    ...traitsOf(encounter),
    type: 'uk.causeway.nhs.inpatient-leave.ended.v1',
    remember: { visit: encounter.visit, fact: LEAVE_END },
    data: {
      ...common(encounter, at),
      ...of,
      site: place(encounter).site,
      admittedAt: givenTime(encounter, 44),
      returnedAt: at,
    },
  };
};

export const admissionPlanned = (encounter: Encounter): Maybe => {
  const at = planningTime(encounter, 8);
  if (at === undefined) return undefined;
  return {
    ...attributes(encounter, at),
    ...traitsOf(encounter),
    type: 'uk.causeway.nhs.inpatient-admission.planned.v1',
    remember: { visit: encounter.visit, fact: ADMISSION_PLAN },
    data: {
      ...common(encounter, at),
      ...place(encounter),
      ...stay(encounter),
      plannedAt: plannedFor(encounter, 8) ?? givenTime(encounter, 44),
    },
  };
};

export const dischargePlanned = (encounter: Encounter): Maybe => {
  const at = planningTime(encounter, 9);
  if (at === undefined) return undefined;
  const destination = text(encounter.message, encounter.pv1, 37);
  return {
    ...attributes(encounter, at),
    ...traitsOf(encounter),
    type: 'uk.causeway.nhs.discharge.planned.v1',
    remember: { visit: encounter.visit, fact: DISCHARGE_PLAN },
    data: {
      ...common(encounter, at),
      ...place(encounter),
      ...stay(encounter),
      admittedAt: givenTime(encounter, 44),
      proposedDischargeAt: plannedFor(encounter, 9) ?? givenTime(encounter, 45),
      // No field of HL7 says whether care will be needed: it comes in the notices of another system.
      careNeedsIndicated: null,
      plannedDestination: dischargeDestinationOf(destination),
      plannedDestinationCode: destination ?? null,
    },
  };
};
