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

/** What every fact about a stay says of it. */
const partsOf = (encounter: Encounter, at: string, fact: string) => ({
  own: {
    ...attributes(encounter, at),
    ...traitsOf(encounter),
    remember: { visit: encounter.visit, fact },
  },
  data: {
    ...common(encounter, at),
    visitId: encounter.visit,
    admissionMethod: methodOf(encounter),
    careContext: careOf(encounter),
  },
  where: { ...place(encounter), specialty: specialtyOf(encounter) },
  admittedAt: givenTime(encounter, 44),
});

const stayFact =
  (
    fact: string,
    timeOf: (encounter: Encounter) => string | undefined,
    write: (parts: ReturnType<typeof partsOf>, encounter: Encounter, at: string) => Fact,
  ) =>
  (encounter: Encounter): Fact | undefined => {
    const at = timeOf(encounter);
    return at === undefined ? undefined : write(partsOf(encounter, at, fact), encounter, at);
  };

/** The class, where PV1-2 says one. An admission without a class is one of an inpatient: that is what A01 means. */
const classOf = ({ message, pv1 }: Encounter) => {
  const code = text(message, pv1, 2)?.toUpperCase();
  return code === undefined ? 'inpatient' : patientClassOf(code);
};

export const admission = stayFact(
  ADMISSION,
  (encounter) => visitTime(encounter, 44),
  ({ own, data, where }, encounter, at) => {
    const { message, pv1 } = encounter;
    const source = text(message, pv1, 14);
    return {
      ...own,
      type: 'uk.causeway.nhs.inpatient-admission.recorded.v1',
      data: {
        ...data,
        ...where,
        admittedAt: at,
        admissionMethodCode: text(message, pv1, 4) ?? null,
        sourceOfAdmission: sourceOfAdmissionOf(source),
        sourceOfAdmissionCode: source ?? null,
        patientClass: classOf(encounter),
        expectedDischargeAt: parseInstant(text(message, segment(message, 'PV2'), 9)) ?? null,
      },
    };
  },
);

export const transfer = stayFact(TRANSFER, eventTime, ({ own, data, where, admittedAt }, encounter, at) => {
  const from = placeAt(encounter, 6);
  return {
    ...own,
    type: 'uk.causeway.nhs.inpatient-transfer.recorded.v1',
    data: {
      ...data,
      ...where,
      admittedAt,
      transferredAt: at,
      siteChanged: siteChanged(encounter),
      previousSite: from.site,
      previousWard: from.ward,
    },
  };
});

/** Compared also for a shielded person: it does not tell where they are. */
const siteChanged = (encounter: Encounter): boolean | null => {
  const open = { ...encounter, shielded: false };
  const [from, to] = [placeAt(open, 6).site, placeAt(open, 3).site];
  return from === null || to === null ? null : from !== to;
};

export const discharge = stayFact(
  DISCHARGE,
  (encounter) => visitTime(encounter, 45),
  ({ own, data, where, admittedAt }, encounter, at) => {
    const { message, pv1 } = encounter;
    const method = text(message, pv1, 36);
    const destination = text(message, pv1, 37);
    return {
      ...own,
      type: 'uk.causeway.nhs.patient-discharge.recorded.v1',
      data: {
        ...data,
        ...where,
        admittedAt,
        dischargedAt: at,
        dischargeMethod: dischargeMethodOf(method),
        dischargeMethodCode: method ?? null,
        dischargeDestination: dischargeDestinationOf(destination),
        dischargeDestinationCode: destination ?? null,
        patientClass: classOf(encounter),
      },
    };
  },
);

export const leaveBegun = stayFact(LEAVE, eventTime, ({ own, data, where, admittedAt }, encounter, at) => ({
  ...own,
  type: 'uk.causeway.nhs.inpatient-leave.begun.v1',
  data: {
    ...data,
    site: where.site,
    admittedAt,
    leftAt: at,
    expectedReturnAt: plannedFor(encounter, 47) ?? null,
  },
}));

export const leaveEnded = stayFact(LEAVE_END, eventTime, ({ own, data, where, admittedAt }, _, at) => ({
  ...own,
  type: 'uk.causeway.nhs.inpatient-leave.ended.v1',
  data: { ...data, site: where.site, admittedAt, returnedAt: at },
}));

export const admissionPlanned = stayFact(
  ADMISSION_PLAN,
  (encounter) => planningTime(encounter, 8),
  ({ own, data, where }, encounter) => ({
    ...own,
    type: 'uk.causeway.nhs.inpatient-admission.planned.v1',
    data: { ...data, ...where, plannedAt: plannedFor(encounter, 8) ?? null },
  }),
);

export const dischargePlanned = stayFact(
  DISCHARGE_PLAN,
  (encounter) => planningTime(encounter, 9),
  ({ own, data, where, admittedAt }, encounter) => {
    const destination = text(encounter.message, encounter.pv1, 37);
    return {
      ...own,
      type: 'uk.causeway.nhs.discharge.planned.v1',
      data: {
        ...data,
        ...where,
        admittedAt,
        proposedDischargeAt: plannedFor(encounter, 9) ?? givenTime(encounter, 45),
        // No field of HL7 says whether care will be needed: it comes in the notices of another system.
        careNeedsIndicated: null,
        plannedDestination: dischargeDestinationOf(destination),
        plannedDestinationCode: destination ?? null,
      },
    };
  },
);
