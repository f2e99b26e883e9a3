/** Facts that withdraw another. What they withdraw is joined to them by the source's memory of visit and fact. */
import type { Fact } from '@causeway/runtime/source/fact';
import { text } from '../hl7/parser.ts';
import { ATTENDANCE, BOOKING, EMERGENCY, emergencyCareOf } from './attendances.ts';
import { dischargeDestinationOf } from './codes.ts';
import {
  attributes,
  careOf,
  common,
  type Encounter,
  eventTime,
  givenTime,
  methodOf,
  place,
  plannedFor,
  traitsOf,
} from './encounter.ts';
import { ADMISSION, ADMISSION_PLAN, DISCHARGE, DISCHARGE_PLAN, LEAVE, LEAVE_END, TRANSFER } from './stays.ts';

type Maybe = Fact | undefined;

/** The parts of every withdrawal. */
const withdrawal = (encounter: Encounter, fact: string, at: string) => ({
  attributes: {
    ...attributes(encounter, at),
    ...traitsOf(encounter),
    voids: { visit: encounter.visit, fact },
  },
  data: {
    ...common(encounter, at),
    voids: { visit: encounter.visit, fact },
    corrects: null,
    reason: 'cancelled' as const,
    voidedAt: at,
    careContext: careOf(encounter),
    site: place(encounter).site,
  },
  stay: { admittedAt: givenTime(encounter, 44), admissionMethod: methodOf(encounter) },
});

type Withdrawal = ReturnType<typeof withdrawal>;

const withdraw =
  (fact: string, write: (parts: Withdrawal, encounter: Encounter, at: string) => Fact) =>
  (encounter: Encounter): Maybe => {
    const at = eventTime(encounter);
    return at === undefined ? undefined : write(withdrawal(encounter, fact, at), encounter, at);
  };

export const admissionVoided = withdraw(ADMISSION, ({ attributes: own, data, stay }) => ({
  ...own,
  type: 'uk.causeway.nhs.inpatient-admission.voided.v1',
  data: { ...data, ...stay },
}));

export const transferVoided = withdraw(TRANSFER, ({ attributes: own, data, stay }) => ({
  ...own,
  type: 'uk.causeway.nhs.inpatient-transfer.voided.v1',
  // A cancellation does not say when the transfer was, and its places are those to go back to.
  data: { ...data, ...stay, transferredAt: null, siteChanged: null },
}));

export const dischargeVoided = withdraw(DISCHARGE, ({ attributes: own, data, stay }, encounter) => ({
  ...own,
  type: 'uk.causeway.nhs.patient-discharge.voided.v1',
  data: { ...data, ...stay, dischargedAt: givenTime(encounter, 45) },
}));

export const leaveVoided = withdraw(LEAVE, ({ attributes: own, data, stay }) => ({
  ...own,
  type: 'uk.causeway.nhs.inpatient-leave.voided.v1',
  data: { ...data, ...stay, leftAt: null },
}));

export const leaveEndVoided = withdraw(LEAVE_END, ({ attributes: own, data, stay }) => ({
  ...own,
  type: 'uk.causeway.nhs.inpatient-leave-end.voided.v1',
  data: { ...data, ...stay, returnedAt: null },
}));

export const admissionPlanVoided = withdraw(ADMISSION_PLAN, ({ attributes: own, data, stay }, encounter) => ({
  ...own,
  type: 'uk.causeway.nhs.inpatient-admission-plan.voided.v1',
  data: { ...data, admissionMethod: stay.admissionMethod, plannedAt: plannedFor(encounter, 8) ?? null },
}));

export const dischargePlanVoided = withdraw(DISCHARGE_PLAN, ({ attributes: own, data, stay }, encounter) => ({
  ...own,
  type: 'uk.causeway.nhs.discharge-plan.voided.v1',
  data: {
    ...data,
    ...stay,
    proposedDischargeAt: plannedFor(encounter, 9) ?? null,
    careNeedsIndicated: null,
    plannedDestination: dischargeDestinationOf(text(encounter.message, encounter.pv1, 37)),
  },
}));

export const emergencyVoided = withdraw(EMERGENCY, ({ attributes: own, data }, encounter) => ({
  ...own,
  type: 'uk.causeway.nhs.emergency-attendance.voided.v1',
  data: { ...data, careContext: emergencyCareOf(encounter), attendedAt: givenTime(encounter, 44) },
}));

const appointmentVoided = (fact: string, stage: 'booked' | 'attended') =>
  withdraw(fact, ({ attributes: own, data }, encounter) => ({
    ...own,
    type: 'uk.causeway.nhs.outpatient-appointment.voided.v1',
    data: { ...data, stage, appointmentAt: plannedFor(encounter, 8) ?? givenTime(encounter, 44) },
  }));

export const bookingVoided = appointmentVoided(BOOKING, 'booked');
export const attendanceVoided = appointmentVoided(ATTENDANCE, 'attended');
