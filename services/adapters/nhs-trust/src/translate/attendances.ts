/** Facts about attendances: in an emergency department, at a clinic. */
import type { Fact } from '@causeway/runtime/source/fact';
import type { CareContext } from '@causeway/schemas/generated/types';
import { segment, text } from '../hl7/parser.ts';
import { arrivalModeOf } from './codes.ts';
import {
  attributes,
  careOf,
  common,
  type Encounter,
  givenTime,
  place,
  plannedFor,
  planningTime,
  siteCodeOf,
  specialtyOf,
  visitTime,
} from './encounter.ts';

export const EMERGENCY = 'emergency-attendance';
export const BOOKING = 'outpatient-appointment';
export const ATTENDANCE = 'outpatient-attendance';

type Maybe = Fact | undefined;

export const emergency = (encounter: Encounter): Maybe => {
  const { message, visit } = encounter;
  const at = visitTime(encounter, 44);
  if (at === undefined) return undefined;
  const pv2 = segment(message, 'PV2');
  return {
    ...attributes(encounter, at),
    type: 'uk.causeway.nhs.emergency-attendance.registered.v1',
    remember: { visit, fact: EMERGENCY },
    data: {
      ...common(encounter, at),
      visitId: visit,
      attendedAt: at,
      // The attendance category and who came along are in no field of HL7; Z segments differ between products.
      attendanceCategory: 'UNKNOWN',
      arrivalMode: arrivalModeOf(text(message, pv2, 38)),
      accompaniedBy: 'UNKNOWN',
      presentingComplaint: text(message, pv2, 3, { component: 2 }) ?? text(message, pv2, 3) ?? null,
      careContext: emergencyCareOf(encounter),
      site: place(encounter).site,
      siteCode: siteCodeOf(encounter),
    },
  };
};

/** An emergency department is general care, also where the message names no specialty. */
export const emergencyCareOf = (encounter: Encounter): CareContext => {
  const care = careOf(encounter);
  return care === 'UNKNOWN' ? 'general' : care;
};

const appointment = (encounter: Encounter, at: string, stage: 'booked' | 'attended') => {
  const { site, ward } = place(encounter);
  return {
    ...attributes(encounter, at),
    type: 'uk.causeway.nhs.outpatient-appointment.recorded.v1' as const,
    data: {
      ...common(encounter, at),
      visitId: encounter.visit,
      stage,
      appointmentAt: plannedFor(encounter, 8) ?? givenTime(encounter, 44),
      careContext: careOf(encounter),
      site,
      clinic: ward,
      specialty: specialtyOf(encounter),
    },
  };
};

export const booking = (encounter: Encounter): Maybe => {
  const at = planningTime(encounter, 8);
  if (at === undefined) return undefined;
  return {
    ...appointment(encounter, at, 'booked'),
    remember: { visit: encounter.visit, fact: BOOKING },
  };
};

/** Products say it when the patient arrives (A04), when the clinic is over (A03), or both: it is told once. */
export const attended = (encounter: Encounter): Maybe => {
  const at = visitTime(encounter, 44);
  if (at === undefined) return undefined;
  return {
    ...appointment(encounter, at, 'attended'),
    remember: { visit: encounter.visit, fact: ATTENDANCE, onlyIf: 'not-known' },
  };
};
