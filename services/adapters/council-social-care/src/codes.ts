/** What the codes of case-management systems and statutory returns mean in our events. Both sources of the adapter read them here. */
import { codeList } from '@causeway/runtime/adapter/code-list';
import type {
  CareLegalStatus,
  CategoryOfAbuse,
  MissingFromCareKind,
  PrimaryNeedCode,
  ReferralSource,
  Sex,
} from '@causeway/schemas/generated/types';

type Code = string | null | undefined;

/** SSDA903 and the Children in need census until 2023: 1 and 2; 9 is indeterminate, 0 not known. */
const SEX = codeList<Sex>({ male: 'M MALE 1', female: 'F FEMALE 2', indeterminate: '9 I' });

/** UNKNOWN for anything else: U, 0 and local words. */
export const sexOf = (code: Code): Sex => SEX(code) ?? 'UNKNOWN';

const SOURCE = codeList<ReferralSource>({
  individual: '1A 1B 1C 1D',
  school_or_education: '2A 2B',
  health: '3A 3B 3C 3D 3F',
  emergency_department: '3E',
  housing: '4',
  local_authority: '5A 5B 5C 5D',
  police: '6',
  other_legal: '7',
  other: '8',
  anonymous: '9',
});

/** ReferralSource of the Children in need census; 10 (not known) and others are UNKNOWN. */
export const referralSourceOf = (code: Code): ReferralSource => SOURCE(code) ?? 'UNKNOWN';

/** PrimaryNeedCode of the Children in need census; undefined for a code that it does not have. */
export const primaryNeedOf = codeList<PrimaryNeedCode>({
  ...{ N1: 'N1', N2: 'N2', N3: 'N3', N4: 'N4', N5: 'N5', N6: 'N6', N7: 'N7', N8: 'N8', N9: 'N9' },
  UNKNOWN: 'N0',
});

/** InitialCategoryOfAbuse and LatestCategoryOfAbuse of the Children in need census; undefined for a code that it does not have. */
export const categoryOfAbuseOf = codeList<CategoryOfAbuse>({
  NEG: 'NEG',
  PHY: 'PHY',
  SAB: 'SAB',
  EMO: 'EMO',
  MUL: 'MUL',
});

/** LS of SSDA903; undefined for a code that it does not have. */
export const legalStatusOf = codeList<CareLegalStatus>({
  interim_care_order: 'C1',
  care_order: 'C2',
  freed_or_placement_order: 'D1 E1',
  single_accommodation: 'V2',
  short_breaks: 'V3 V4',
  emergency_or_police_protection: 'L1 L2 L3',
  remand_or_criminal: 'J1 J2 J3',
});

/** MISSING of SSDA903, and the words of case-management systems. */
export const missingKindOf = codeList<MissingFromCareKind>({
  missing: 'M MISSING',
  away_without_authorisation: 'A ABSENT',
});

/** RNE S: the child starts to be looked after. Null where the reason is not said. */
export const startsLookedAfter = (reason: string | null | undefined): boolean | null =>
  reason ? reason.trim().toUpperCase() === 'S' : null;

/** REC X1: another episode follows. Null where the reason is not said. */
export const ceasesLookedAfter = (reason: string | null | undefined): boolean | null =>
  reason ? reason.trim().toUpperCase() !== 'X1' : null;
