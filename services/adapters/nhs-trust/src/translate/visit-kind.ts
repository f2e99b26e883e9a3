/** What kind of visit a message speaks of. Feeds do not agree on where they say it. */
import type { PatientClass } from '@causeway/schemas/generated/types';
import { type Message, segment, text } from '../hl7/parser.ts';
import { patientClassOf } from './codes.ts';

export type VisitKind = 'stay' | 'emergency' | 'outpatient' | 'preadmission' | 'not-given' | 'other';

const KINDS: Record<PatientClass, VisitKind> = {
  inpatient: 'stay',
  day_case: 'stay',
  obstetrics: 'stay',
  recurring: 'stay',
  emergency: 'emergency',
  outpatient: 'outpatient',
  preadmission: 'preadmission',
  UNKNOWN: 'other',
};

/** Emergency medicine, NHS Data Dictionary; feeds carry it with or without what follows. */
const EMERGENCY_SERVICE = /^(180|A&E|AE|ED|ACCIDENT|EMERGENCY MEDICINE)/;
const EMERGENCY_TYPE =
  /^(E|ED|AE|A&E|AANDE|EMERGENCY|EMERGENCY DEPARTMENT|ACCIDENT AND EMERGENCY)( ATTEND(ANCE|ER))?$/;
const EMERGENCY_PLACE =
  /(^|[^A-Z0-9])(ED|AE|A&E|A ?AND ?E|EMERGENCY (DEPARTMENT|DEPT)|CASUALTY|ACCIDENT|MIU|UTC|RESUS|MAJORS)([^A-Z0-9]|$)/;

/** Triggers that say that a patient is now an inpatient. */
const ADMITTED: ReadonlySet<string> = new Set(['A01', 'A06']);

/** A component in capitals. An `A&E` that was not escaped has come apart into subcomponents. */
const words = (message: Message, field: number, component = 1): string => {
  const pv1 = segment(message, 'PV1');
  const parts = [1, 2].map((subcomponent) => text(message, pv1, field, { component, subcomponent }));
  return parts
    .filter((part) => part !== undefined)
    .join('&')
    .toUpperCase();
};

/** The class of PV1-2; `not-given` also where it is deleted, unknown (U) or not applicable (N). */
export const classKindOf = (message: Message): VisitKind => {
  const code = words(message, 2);
  return code === '' || code === 'U' || code === 'N' ? 'not-given' : KINDS[patientClassOf(code)];
};

/** Whether where the patient is (PV1-3) or who treats them (PV1-10) is an emergency department. */
const isInEmergencyDepartment = (message: Message): boolean => {
  const places = [1, 2, 9].map((component) => words(message, 3, component));
  return EMERGENCY_SERVICE.test(words(message, 10)) || places.some((place) => EMERGENCY_PLACE.test(place));
};

/** Whether the patient's type (PV1-18) says so: enough for a registration, not for the end of a stay. */
const hasEmergencyType = (message: Message): boolean => EMERGENCY_TYPE.test(words(message, 18));

/**
 * The kind of visit, for what a trigger says. An emergency attendance is often called an inpatient or says nothing in PV1-2; a
 * patient who is admitted (A01, A06) is an inpatient wherever the bed is.
 */
export const visitKindOf = (message: Message, trigger: string): VisitKind => {
  const kind = classKindOf(message);
  if (kind === 'preadmission' || (kind === 'stay' && ADMITTED.has(trigger))) return kind;
  if (isInEmergencyDepartment(message)) return 'emergency';
  if (trigger === 'A04' && kind !== 'outpatient' && hasEmergencyType(message)) return 'emergency';
  return kind;
};
