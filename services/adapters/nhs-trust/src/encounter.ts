/** What the ADT messages about a stay have in common: the patient, the visit, the times and the place. */

import { parseInstant, parsePartialDate } from '@causeway/schemas/dates/hl7';
import type { AdmissionMethod, Contact } from '@causeway/schemas/generated/types';
import { admissionMethodOf } from './codes.ts';
import { header, type Message, type Segment, segment, text } from './hl7.ts';
import { categoryAt, isShielded, type NhsNumberPolicy, type Patient, patientOf } from './patient.ts';

export type Encounter = {
  message: Message;
  evn: Segment | undefined;
  pv1: Segment;
  patient: Patient;
  visit: string;
  shielded: boolean;
  contact: Contact;
};

export type Faulty = 'no-patient-segment' | 'no-visit-segment' | 'no-visit-number';

/** The stay that the message speaks of, or what is missing to know it. */
export const encounterOf = (
  message: Message,
  contact: Contact,
  policy: NhsNumberPolicy,
): Encounter | Faulty => {
  const facility = text(message, header(message), 4) ?? '';
  const patient = patientOf(message, facility, policy);
  if (patient === undefined) return 'no-patient-segment';
  const pv1 = segment(message, 'PV1');
  if (pv1 === undefined) return 'no-visit-segment';
  const visit =
    text(message, pv1, 19) ?? text(message, pv1, 50) ?? text(message, segment(message, 'PID'), 18);
  if (visit === undefined) return 'no-visit-number';
  const evn = segment(message, 'EVN');
  return { message, evn, pv1, patient, visit, shielded: isShielded(message), contact };
};

/** When the message says it happened: EVN-6, else when it was recorded, else when it was sent. */
export const eventTime = ({ message, evn }: Encounter): string | undefined =>
  parseInstant(text(message, evn, 6)) ?? recordedTime(message, evn);

const recordedTime = (message: Message, evn: Segment | undefined): string | undefined =>
  parseInstant(text(message, evn, 2)) ?? parseInstant(text(message, header(message), 7));

/**
 * A time of PV1. Where it has only the date, the event's own time serves if it falls on that day;
 * if not, the beginning of the day is the most that can be said.
 */
export const visitTime = (encounter: Encounter, field: number): string | undefined => {
  const written = text(encounter.message, encounter.pv1, field);
  const date = parsePartialDate(written);
  const event = eventTime(encounter);
  if (date === undefined) return event;
  return (
    parseInstant(written) ??
    (event?.startsWith(date.value) || date.precision !== 'day' ? event : parseInstant(`${date.value}T00:00`))
  );
};

export const givenTime = ({ message, pv1 }: Encounter, field: number): string | null =>
  parseInstant(text(message, pv1, field)) ?? null;

/** How the patient was admitted, PV1-4, with what else says that the stay is about a birth. */
export const methodOf = ({ message, pv1 }: Encounter): AdmissionMethod =>
  admissionMethodOf(text(message, pv1, 4), {
    patientType: text(message, pv1, 18),
    specialty: text(message, pv1, 10),
  });

export const common = ({ patient, contact }: Encounter, at: string) => ({
  person: patient.person,
  personCategory: categoryAt(patient.person, at),
  contact,
});

/** Where the patient is: PL.4 is the site, PL.1 the ward. */
export const place = ({ message, pv1, shielded }: Encounter) => ({
  site: shielded ? null : (text(message, pv1, 3, { component: 4 }) ?? text(message, pv1, 39) ?? null),
  ward: shielded ? null : (text(message, pv1, 3) ?? null),
});

export const attributes = ({ message, evn, patient }: Encounter, at: string) => {
  const recorded = recordedTime(message, evn);
  return {
    occurredAt: at,
    ...(recorded === undefined ? {} : { recordedAt: recorded }),
    classification: 'OFFICIAL-SENSITIVE' as const,
    subject: patient.local,
    verified: patient.verifiedNhsNumber === undefined ? {} : { nhs: patient.verifiedNhsNumber },
    person: patient.person,
  };
};
