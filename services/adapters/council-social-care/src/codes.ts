/** What the codes of case-management systems and statutory returns mean in our events. Both sources of the adapter read them here. */
import type {
  CareLegalStatus,
  CategoryOfAbuse,
  MissingFromCareKind,
  PrimaryNeedCode,
  ReferralSource,
  Sex,
} from '@causeway/schemas/generated/types';

/** Looks a code up in capitals and without spaces around it; undefined for one that is not in the list. */
const lookup =
  <T>(list: Record<string, T>) =>
  (code: string | null | undefined): T | undefined => {
    const key = code?.trim().toUpperCase() ?? '';
    return Object.hasOwn(list, key) ? list[key] : undefined;
  };

const SEXES: Record<string, Sex> = {
  M: 'male',
  F: 'female',
  MALE: 'male',
  FEMALE: 'female',
  // SSDA903 and the Children in need census until 2023: 1 and 2; 9 is indeterminate, 0 not known.
  '1': 'male',
  '2': 'female',
  '9': 'indeterminate',
  I: 'indeterminate',
};

/** UNKNOWN for anything else: U, 0 and local words. */
export const sexOf = (code: string | null | undefined): Sex => lookup(SEXES)(code) ?? 'UNKNOWN';

const SOURCES: Record<string, ReferralSource> = {
  ...Object.fromEntries(['1A', '1B', '1C', '1D'].map((code) => [code, 'individual' as const])),
  ...Object.fromEntries(['2A', '2B'].map((code) => [code, 'school_or_education' as const])),
  ...Object.fromEntries(['3A', '3B', '3C', '3D', '3F'].map((code) => [code, 'health' as const])),
  '3E': 'emergency_department',
  '4': 'housing',
  ...Object.fromEntries(['5A', '5B', '5C', '5D'].map((code) => [code, 'local_authority' as const])),
  '6': 'police',
  '7': 'other_legal',
  '8': 'other',
  '9': 'anonymous',
};

/** ReferralSource of the Children in need census; 10 (not known) and others are UNKNOWN. */
export const referralSourceOf = (code: string | null | undefined): ReferralSource =>
  lookup(SOURCES)(code) ?? 'UNKNOWN';

const NEEDS: Record<string, PrimaryNeedCode> = {
  ...Object.fromEntries(
    (['N1', 'N2', 'N3', 'N4', 'N5', 'N6', 'N7', 'N8', 'N9'] as const).map((code) => [code, code]),
  ),
  N0: 'UNKNOWN',
};

/** PrimaryNeedCode of the Children in need census; undefined for a code that it does not have. */
export const primaryNeedOf = lookup(NEEDS);

const CATEGORIES: Record<string, CategoryOfAbuse> = {
  NEG: 'NEG',
  PHY: 'PHY',
  SAB: 'SAB',
  EMO: 'EMO',
  MUL: 'MUL',
};

/** InitialCategoryOfAbuse and LatestCategoryOfAbuse of the Children in need census; undefined for a code that it does not have. */
export const categoryOfAbuseOf = lookup(CATEGORIES);

const LEGAL_STATUSES: Record<string, CareLegalStatus> = {
  C1: 'interim_care_order',
  C2: 'care_order',
  D1: 'freed_or_placement_order',
  E1: 'freed_or_placement_order',
  V2: 'single_accommodation',
  V3: 'short_breaks',
  V4: 'short_breaks',
  L1: 'emergency_or_police_protection',
  L2: 'emergency_or_police_protection',
  L3: 'emergency_or_police_protection',
  J1: 'remand_or_criminal',
  J2: 'remand_or_criminal',
  J3: 'remand_or_criminal',
};

/** LS of SSDA903; undefined for a code that it does not have. */
export const legalStatusOf = lookup(LEGAL_STATUSES);

const MISSING_KINDS: Record<string, MissingFromCareKind> = {
  M: 'missing',
  A: 'away_without_authorisation',
  MISSING: 'missing',
  ABSENT: 'away_without_authorisation',
};

/** MISSING of SSDA903, and the words of case-management systems. */
export const missingKindOf = lookup(MISSING_KINDS);

/** RNE S: the child starts to be looked after. Null where the reason is not said. */
export const startsLookedAfter = (reason: string | null | undefined): boolean | null =>
  reason ? reason.trim().toUpperCase() === 'S' : null;

/** REC X1: another episode follows. Null where the reason is not said. */
export const ceasesLookedAfter = (reason: string | null | undefined): boolean | null =>
  reason ? reason.trim().toUpperCase() !== 'X1' : null;
