/**
 * Code lists of British HL7 v2 feeds to the words of our events. What is not in a list is UNKNOWN; the code itself
 * travels beside it. Source of the lists: HSCIC ITK HL7 V2 Reference Tables v1.0.14, after the NHS Data Dictionary.
 */
import { codeList } from '@causeway/runtime/adapter/code-list';
import type {
  AdmissionMethod,
  ArrivalMode,
  CareContext,
  DischargeDestination,
  DischargeMethod,
  PatientClass,
  Sex,
  SourceOfAdmission,
} from '@causeway/schemas/generated/types';

/** ITK table 0001 is numeric, HL7's own has letters; feeds send either. 9 is "not specified", not a finding. */
const SEX = codeList<Sex>({ male: '1 M MALE', female: '2 F FEMALE', indeterminate: 'A I' });

/** Table 0007: the national codes, and the letters of HL7's own table that products from elsewhere send. */
const ADMISSION_METHOD = codeList<AdmissionMethod>({
  elective: '11 12 13 C R',
  emergency: '21 22 23 24 25 28 2A 2B 2C 2D A E U',
  maternity: '31 32 L',
  transfer: '81',
  birth: '82 83 N',
});

/** Table 0023. */
const SOURCE_OF_ADMISSION = codeList<SourceOfAdmission>({
  usual_residence: '19',
  temporary_residence: '29',
  penal_establishment_or_court: '37 38 39 40 41 42',
  nhs_hospital: '49 51 52 53',
  care_home: '54 55 56 65 85 86',
  foster_care: '66',
  born_in_hospital: '79',
  other_hospital_or_hospice: '87 88',
});

/** Table 0112. */
const DISCHARGE_METHOD = codeList<DischargeMethod>({
  clinical_advice: '1',
  self_or_relative: '2',
  tribunal_or_court: '3',
  died: '4',
  stillbirth: '5',
});

/** Table 0113, and what the NHS Data Dictionary added to it since. */
const DISCHARGE_DESTINATION = codeList<DischargeDestination>({
  usual_residence: '19',
  temporary_residence: '29',
  court: '37',
  penal_establishment_or_police: '38 40 42',
  nhs_hospital: '48 49 50 51 52 53',
  nhs_care_home: '54',
  local_authority_residential: '65',
  local_authority_foster_care: '66',
  not_applicable: '79',
  other_care: '55 56 84 85 86 87 88',
});

type Code = string | undefined;

export const sexOf = (code: Code): Sex => SEX(code) ?? 'UNKNOWN';

/** Treatment functions, specialties and patient types of stays that are about a birth, whatever way the patient came in. */
const ABOUT_A_BIRTH = codeList<'maternity' | 'birth'>({
  maternity: '500 501 505 560 MAT MATERNITY OBS OBSTETRICS',
  birth: '422 424 NEWBORN',
});

/** What a stay says of itself besides the admission method. */
export type StaySigns = {
  patientClass: Code;
  sourceOfAdmission: Code;
  dischargeMethod: Code;
  /** Codes of the specialty and the patient type. */
  kinds: readonly Code[];
  /** Names of wards, specialties and patient types. */
  words: readonly Code[];
};

const signOfBirth = (stay: StaySigns): 'maternity' | 'birth' | undefined => {
  const word = patientClassOf(stay.patientClass);
  const isNewborn = /^NEW ?BORN$/i.test(stay.patientClass?.trim() ?? '');
  if (isNewborn || stay.sourceOfAdmission === '79' || stay.dischargeMethod === '5') return 'birth';
  if (word === 'obstetrics') return 'maternity';
  const coded = stay.kinds.map((kind) => ABOUT_A_BIRTH(kind));
  const found = coded.find((sign) => sign !== undefined);
  if (found !== undefined) return found;
  const named = careNamedIn(stay.words);
  if (named === 'newborn') return 'birth';
  return named === 'maternity' ? 'maternity' : undefined;
};

/**
 * The group of an admission method code. A stay on a maternity ward is often booked under an emergency code; agreements
 * that leave out maternity and births go by this group, so every sign of a birth counts before the code.
 */
export const admissionMethodOf = (code: Code, stay: StaySigns): AdmissionMethod => {
  const byCode = ADMISSION_METHOD(code) ?? 'UNKNOWN';
  if (byCode === 'maternity' || byCode === 'birth') return byCode;
  return signOfBirth(stay) ?? byCode;
};

export const sourceOfAdmissionOf = (code: Code): SourceOfAdmission => SOURCE_OF_ADMISSION(code) ?? 'UNKNOWN';
export const dischargeMethodOf = (code: Code): DischargeMethod => DISCHARGE_METHOD(code) ?? 'UNKNOWN';
export const dischargeDestinationOf = (code: Code): DischargeDestination =>
  DISCHARGE_DESTINATION(code) ?? 'UNKNOWN';

/** Classes of a stay, table 0004 and the words that products write in its place. */
const PATIENT_CLASS = codeList<PatientClass>({
  inpatient: 'I IP INPATIENT NEWBORN',
  day_case: 'D DC DAYCASE',
  emergency: 'E ED ER AE A&E EMERGENCY',
  outpatient: 'O OP OUTPATIENT',
  obstetrics: 'B OBSTETRICS MATERNITY',
  preadmission: 'P PREADMIT PREADMISSION',
  recurring: 'R RECURRING',
});

export const patientClassOf = (code: Code): PatientClass =>
  PATIENT_CLASS(code?.replace(/[\s-]+/g, '')) ?? 'UNKNOWN';

/** Table 0430. */
const ARRIVAL_MODE = codeList<ArrivalMode>({
  ambulance: 'A H',
  own_transport_or_walked: 'C F P W',
  police: 'L POLICE',
  other: 'O',
});

export const arrivalModeOf = (code: Code): ArrivalMode => ARRIVAL_MODE(code) ?? 'UNKNOWN';

/** Treatment function codes (NHS Data Dictionary) of kinds of care that agreements leave out. */
const CARE_CONTEXT = codeList<Exclude<CareContext, 'general'>>({
  maternity: '500 501 505 560',
  newborn: '422 424',
  mental_health: `656 ${Array.from({ length: 28 }, (_, index) => 700 + index).join(' ')}`,
  sexual_health: '360',
});

/** Words in the names of wards, specialties and patient types that say the same where no national code does. */
const CARE_WORDS: [CareContext, RegExp][] = [
  ['newborn', /NEWBORN|NEONAT|SCBU|NICU/],
  [
    'maternity',
    /MATERNITY|OBSTETRIC|MIDWI|(ANTE|POST) ?NATAL|\bLABOU?R\b|DELIVERY SUITE|\bBIRTH(S|ING)?\b|\bMLU\b/,
  ],
  ['mental_health', /PSYCHIATR|MENTAL HEALTH|CAMHS/],
  ['sexual_health', /SEXUAL|GENITO ?URIN|\bGUM\b|\bHIV\b/],
];

const careNamedIn = (words: readonly Code[]): CareContext | undefined => {
  const text = words.join(' ').toUpperCase();
  return CARE_WORDS.find(([, pattern]) => pattern.test(text))?.[0];
};

const OF_METHOD: Partial<Record<AdmissionMethod, CareContext>> = { maternity: 'maternity', birth: 'newborn' };

/**
 * The kind of care: by the admission method, the treatment function code, then by words. A local code that is no national one
 * leaves it open.
 */
export const careContextOf = (
  specialty: Code,
  method: AdmissionMethod,
  words: readonly (string | undefined)[],
): CareContext => {
  const coded = OF_METHOD[method] ?? CARE_CONTEXT(specialty);
  if (coded !== undefined) return coded;
  return careNamedIn([specialty, ...words]) ?? (/^\d{3}$/.test(specialty ?? '') ? 'general' : 'UNKNOWN');
};
