/** What the facts of a message have in common: the patient, the visit, the times and the place. */

import type { Fact } from '@causeway/runtime/source/fact';
import { parseInstant, parsePartialDate } from '@causeway/schemas/dates/hl7';
import type { AdmissionMethod, CareContext, Contact } from '@causeway/schemas/generated/types';
import { checkOdsCode } from '@causeway/schemas/identifiers/ods';
import { personCategoryAt } from '@causeway/schemas/identifiers/person-category';
import { header, type Message, type Segment, segment, text } from '../hl7/parser.ts';
import { admissionMethodOf, careContextOf } from './codes.ts';
import type { Patient } from './patient.ts';

/** A message about a patient. */
export type About = {
  message: Message;
  evn: Segment | undefined;
  patient: Patient;
  /** Where the person is stays out of the event. */
  shielded: boolean;
  contact: Contact;
};

/** A message about a patient's visit. */
export type Encounter = About & { pv1: Segment; visit: string };

/** The visit that the message speaks of, or what is missing to know it. */
export const encounterOf = (about: About): Encounter | 'no-visit-segment' | 'no-visit-number' => {
  const { message } = about;
  const pv1 = segment(message, 'PV1');
  if (pv1 === undefined) return 'no-visit-segment';
  const visit =
    text(message, pv1, 19) ?? text(message, pv1, 50) ?? text(message, segment(message, 'PID'), 18);
  return visit === undefined ? 'no-visit-number' : { ...about, pv1, visit };
};

const recordedTime = ({ message, evn }: About): string | undefined =>
  parseInstant(text(message, evn, 2)) ?? parseInstant(text(message, header(message), 7));

/** When the message says it happened: EVN-6, else when it was recorded, else when it was sent. */
export const eventTime = (about: About): string | undefined =>
  parseInstant(text(about.message, about.evn, 6)) ?? recordedTime(about);

/** When something is planned for, by the field of PV2 that is meant for it or EVN-3. */
const plannedIn = ({ message, evn }: About, pv2Field: number): string | undefined =>
  parseInstant(text(message, segment(message, 'PV2'), pv2Field)) ?? parseInstant(text(message, evn, 3));

/** Whether EVN-6 holds the time that something is planned for, as some products do, and not when it was planned. */
const isPlanInstead = (about: About, occurred: string, pv2Field: number): boolean => {
  const recorded = recordedTime(about);
  if (recorded !== undefined && Date.parse(occurred) > Date.parse(recorded)) return true;
  return occurred === plannedIn(about, pv2Field);
};

/** When something was planned that is planned for the time in that field of PV2. */
export const planningTime = (about: About, pv2Field: number): string | undefined => {
  const occurred = parseInstant(text(about.message, about.evn, 6));
  if (occurred === undefined || isPlanInstead(about, occurred, pv2Field))
    return recordedTime(about) ?? occurred;
  return occurred;
};

/** When something is planned for: that field of PV2, EVN-3, or EVN-6 where that is not when it was planned. */
export const plannedFor = (about: About, pv2Field: number): string | undefined => {
  const occurred = parseInstant(text(about.message, about.evn, 6));
  const instead = occurred !== undefined && isPlanInstead(about, occurred, pv2Field) ? occurred : undefined;
  return plannedIn(about, pv2Field) ?? instead;
};

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

/** Names of the wards (the one before too), the specialty and the patient type. */
const wordsOf = ({ message, pv1 }: Encounter): (string | undefined)[] => [
  ...[3, 6].flatMap((field) => [1, 2, 9].map((component) => text(message, pv1, field, { component }))),
  text(message, pv1, 10),
  text(message, pv1, 10, { component: 2 }),
  text(message, pv1, 18),
  text(message, pv1, 18, { component: 2 }),
];

/** How the patient was admitted, PV1-4, with what else says that the stay is about a birth. */
export const methodOf = (encounter: Encounter): AdmissionMethod => {
  const { message, pv1 } = encounter;
  return admissionMethodOf(text(message, pv1, 4), {
    patientClass: text(message, pv1, 2),
    sourceOfAdmission: text(message, pv1, 14),
    dischargeMethod: text(message, pv1, 36),
    kinds: [text(message, pv1, 18), text(message, pv1, 10)],
    words: wordsOf(encounter),
  });
};

export const careOf = (encounter: Encounter): CareContext =>
  careContextOf(text(encounter.message, encounter.pv1, 10), methodOf(encounter), wordsOf(encounter));

/**
 * A stay that one message shows to be about a birth is so in all that follow, whatever ward and codes they name. A mother's and
 * a baby's stay have numbers of their own.
 */
export const traitsOf = (encounter: Encounter) => {
  const { visit } = encounter;
  const method = methodOf(encounter);
  return {
    traits: [
      {
        visit,
        name: 'maternity-stay',
        seen: method === 'maternity',
        data: { admissionMethod: 'maternity' as const, careContext: 'maternity' as const },
      },
      {
        visit,
        name: 'birth-stay',
        seen: method === 'birth',
        data: { admissionMethod: 'birth' as const, careContext: 'newborn' as const },
      },
    ],
  };
};

export const specialtyOf = ({ message, pv1 }: Encounter): string | null => text(message, pv1, 10) ?? null;

export const common = ({ patient, contact }: About, at: string) => ({
  person: patient.person,
  personCategory: personCategoryAt(patient.person, at),
  contact,
});

/** A place of PV1: PL.4 is the site, PL.1 the ward, or PL.2 in feeds that put the trust's code in front. */
export const placeAt = ({ message, pv1, shielded }: Encounter, field: number) => {
  if (shielded) return { site: null, ward: null };
  const part = (component: number) => text(message, pv1, field, { component }) ?? null;
  const isTrust = part(1) !== null && part(1) === text(message, header(message), 4);
  return { site: part(4), ward: isTrust ? part(2) : part(1) };
};

/** Where the patient is. */
export const place = (encounter: Encounter) => {
  const { site, ward } = placeAt(encounter, 3);
  const servicing = text(encounter.message, encounter.pv1, 39) ?? null;
  return { site: site ?? (encounter.shielded ? null : servicing), ward };
};

/** The ODS code of the site, where the feed names the site by a code that begins with the trust's own. */
export const siteCodeOf = (encounter: Encounter): string | null => {
  const trust = text(encounter.message, header(encounter.message), 4)?.slice(0, 3).toUpperCase() ?? '';
  const code = place(encounter).site?.toUpperCase() ?? '';
  const isSite =
    trust.length === 3 && code.length === 5 && code.startsWith(trust) && checkOdsCode(code).valid;
  return isSite ? code : null;
};

/** Processing modes of MSH-11.2 that mark history: archive, restore, initial load (table 0207). */
const HISTORY = new Set(['A', 'R', 'I']);

const orderOf = (message: Message): Pick<Fact, 'sequence' | 'replay'> => {
  const sequence = text(message, header(message), 13);
  const mode = text(message, header(message), 11, { component: 2 })?.toUpperCase();
  return {
    // HL7 gives -1 and 0 meanings of their own: the link is being reset.
    ...(/^[1-9]\d{0,18}$/.test(sequence ?? '') && { sequence: sequence?.padStart(20, '0') ?? '' }),
    ...(mode !== undefined && HISTORY.has(mode) && { replay: true }),
  };
};

export const attributes = (about: About, at: string) => {
  const { message, patient } = about;
  const recorded = recordedTime(about);
  const { name = null, dateOfBirth = null } = patient.person;
  return {
    occurredAt: at,
    ...(recorded === undefined ? {} : { recordedAt: recorded }),
    ...orderOf(message),
    classification: 'OFFICIAL-SENSITIVE' as const,
    subject: patient.local,
    verified: patient.verifiedNhsNumber === undefined ? {} : { nhs: patient.verifiedNhsNumber },
    person: { name, dateOfBirth },
  };
};
