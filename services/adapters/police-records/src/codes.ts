/**
 * Constrained values, as the Standard Data Model writes them: four letters and a number instead of a word in one language.
 *
 * Only `GNDR_0001` is published with its meaning; the other codes are this adapter's own, in the same form. This is the one
 * table: a force whose system has other codes changes it here, and the OpenAPI document follows.
 */
import { CODE_LISTS } from '@causeway/schemas/agreements/code-lists';
import type { EventData } from '@causeway/schemas/generated/types';

type Data<T extends string> = EventData[Extract<keyof EventData, `uk.causeway.police.${T}.v1`>];
type Reported = Data<'missing-person.reported'>;
type Located = Data<'missing-person.located'>;
type Vulnerability = Data<'vulnerability-report.shared'>;
type Incident = Data<'domestic-abuse-incident.attended'>;
type Power = Data<'child-protection-power.used'>;
type Detention = Data<'mental-health-detention.made'>;
type Voided = Data<'vulnerability-report.voided'>;

export const INCIDENT_TYPES = {
  INTY_0001: 'missing person reported',
  INTY_0002: 'missing person located',
  INTY_0003: 'vulnerability report',
  INTY_0004: 'domestic abuse incident attended',
  INTY_0005: 'police protection of a child (Children Act 1989, section 46)',
  INTY_0006: 'detention under the Mental Health Act 1983',
  INTY_0007: 'cancellation of one of the others',
} as const;
export type IncidentType = keyof typeof INCIDENT_TYPES;
export type Cancellable = Exclude<IncidentType, 'INTY_0007'>;

export const GENDER: Record<string, Reported['person']['sex']> = {
  GNDR_0001: 'female',
  GNDR_0002: 'male',
  GNDR_0003: 'indeterminate',
  GNDR_0004: 'UNKNOWN',
};

export const PERSON_CATEGORY: Record<string, Reported['personCategory']> = {
  PCAT_0001: 'child',
  PCAT_0002: 'adult',
  PCAT_0003: 'unborn',
  PCAT_0004: 'UNKNOWN',
};

export const ASSERTION_KIND: Record<string, Reported['assertionKind']> = {
  ASRT_0001: 'fact',
  ASRT_0002: 'assessment',
};

export const DATA_SUBJECT_CATEGORY: Record<string, Reported['dataSubjectCategory']> = {
  DSCT_0001: 'suspect',
  DSCT_0002: 'convicted',
  DSCT_0003: 'victim',
  DSCT_0004: 'witness',
  DSCT_0005: 'other',
};

export const MISSING_RISK: Record<string, Reported['risk']> = {
  MPRK_0001: 'none',
  MPRK_0002: 'low',
  MPRK_0003: 'medium',
  MPRK_0004: 'high',
};

export const FOUND_BY: Record<string, Located['foundBy']> = {
  FNDB_0001: 'police',
  FNDB_0002: 'returned_alone',
  FNDB_0003: 'family_or_friend',
  FNDB_0004: 'carer_or_professional',
  FNDB_0005: 'public',
  FNDB_0006: 'UNKNOWN',
};

export const LOCATED_OUTCOME: Record<string, Located['outcome']> = {
  LOCO_0001: 'safe',
  LOCO_0002: 'harmed',
  LOCO_0003: 'dead',
  LOCO_0004: 'UNKNOWN',
};

/** Red 4 working hours, amber 24 hours, green 72 hours, blue stays with the police. */
export const GRADE: Record<string, Vulnerability['grade']> = {
  VGRD_0001: 'red',
  VGRD_0002: 'amber',
  VGRD_0003: 'green',
  VGRD_0004: 'blue',
};

export const CONCERN: Record<string, Vulnerability['concerns'][number]> = {
  VCON_0001: 'physical_abuse',
  VCON_0002: 'emotional_abuse',
  VCON_0003: 'sexual_abuse',
  VCON_0004: 'neglect',
  VCON_0005: 'self_neglect',
  VCON_0006: 'financial_abuse',
  VCON_0007: 'domestic_abuse',
  VCON_0008: 'exploitation',
  VCON_0009: 'modern_slavery',
  VCON_0010: 'discriminatory_abuse',
  VCON_0011: 'organisational_abuse',
  VCON_0012: 'mental_health',
  VCON_0013: 'self_harm_or_suicide',
  VCON_0014: 'substance_use',
  VCON_0015: 'missing',
  VCON_0016: 'radicalisation',
  VCON_0017: 'homelessness',
  VCON_0018: 'other',
};

export const CONSENT: Record<string, Vulnerability['consent']> = {
  CNST_0001: 'agreed',
  CNST_0002: 'not_agreed',
  CNST_0003: 'not_asked',
  CNST_0004: 'not_applicable',
};
export const AGREED = 'CNST_0001';
export const CONSENT_NEEDED =
  'is needed: a report about an adult who did not agree is shared only for one of these reasons';

export const CONSENT_OVERRIDE: Record<string, NonNullable<Vulnerability['consentOverriddenBecause']>> = {
  COVR_0001: 'vital_interests',
  COVR_0002: 'lacks_capacity',
  COVR_0003: 'others_at_risk',
  COVR_0004: 'child_at_risk',
  COVR_0005: 'coercion_suspected',
  COVR_0006: 'serious_crime',
  COVR_0007: 'legal_duty',
  COVR_0008: 'asking_unsafe',
};

/** The grades of the DASH risk model. */
export const DOMESTIC_ABUSE_RISK: Record<string, Incident['riskGrade']> = {
  DASH_0001: 'standard',
  DASH_0002: 'medium',
  DASH_0003: 'high',
};

export const CHILD_PRESENCE: Record<string, Incident['children'][number]['presence']> = {
  CHPR_0001: 'in_the_room',
  CHPR_0002: 'in_the_home',
  CHPR_0003: 'elsewhere',
  CHPR_0004: 'UNKNOWN',
};

export const ACCOMMODATION: Record<string, Power['accommodation']> = {
  PPAC_0001: 'local_authority',
  PPAC_0002: 'relative_or_friend',
  PPAC_0003: 'hospital',
  PPAC_0004: 'police_premises',
  PPAC_0005: 'stays_where_found',
  PPAC_0006: 'UNKNOWN',
};

export const DETENTION_POWER: Record<string, Detention['powerUsed']> = {
  MHPW_0001: 'section_136',
  MHPW_0002: 'section_135',
};

export const PLACE_OF_SAFETY: Record<string, Detention['placeOfSafety']> = {
  MHPS_0001: 'emergency_department',
  MHPS_0002: 'health_based_place_of_safety',
  MHPS_0003: 'police_station',
  MHPS_0004: 'private_premises',
  MHPS_0005: 'other',
};

export const CONVEYANCE: Record<string, Detention['conveyance']> = {
  MHCV_0001: 'ambulance',
  MHCV_0002: 'police_vehicle',
  MHCV_0003: 'other',
};

export const CANCELLATION_REASON: Record<string, Voided['reason']> = {
  CNRS_0001: 'cancelled',
  CNRS_0002: 'entered_in_error',
  CNRS_0003: 'wrong_person',
  CNRS_0004: 'duplicate',
};

export const CLASSIFICATION = {
  PSCL_0001: 'OFFICIAL',
  PSCL_0002: 'OFFICIAL-SENSITIVE',
} as const;

/** Markings that must not come onto this bus, not even to be kept as what was refused. */
export const TOO_HIGH: readonly unknown[] = [
  'PSCL_0003',
  'PSCL_0004',
  'SECRET',
  'TOP SECRET',
  'TOP-SECRET',
  'TOP_SECRET',
];

/** Handling conditions of the partnership. */
export const HANDLING: Record<string, string> = Object.fromEntries(
  CODE_LISTS.handling.codes.map(({ code, title }) => [code, title]),
);
