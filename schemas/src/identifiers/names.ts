import { isFullDate } from '../dates/partial-dates.ts';

/**
 * When two written names count as one. The rules decide who is a possible match, so they are few and fixed; the reasons are in
 * docs/decisions (names that count as one).
 */

// Letters that Unicode does not take apart into a letter and an accent.
const PLAIN: Readonly<Record<string, string>> = {
  Æ: 'AE',
  Œ: 'OE',
  Ø: 'O',
  Ł: 'L',
  Đ: 'D',
  Ð: 'D',
  Ħ: 'H',
  Þ: 'TH',
};
// Marks that belong to no script of their own: accents, not the vowel signs of Indic scripts.
const ACCENTS = /\p{Script=Inherited}/gu;

/** What systems write where they know no name, as whole names only. */
const NO_NAME = ['UNKNOWN', 'NOTKNOWN', 'NOTGIVEN', 'NOTSTATED', 'UNNAMED', 'ANONYMOUS'];
/** Two newborns of one mother would be one person under these. */
const NO_FIRST_NAME = [
  'BABY',
  'INFANT',
  'NEWBORN',
  'UNBORN',
  'TWIN',
  'TRIPLET',
  'BOY',
  'GIRL',
  'MALE',
  'FEMALE',
];
const FAMILY: ReadonlySet<string> = new Set(NO_NAME);
const FIRST: ReadonlySet<string> = new Set([...NO_NAME, ...NO_FIRST_NAME]);

/**
 * Capital letters and digits of any script; accents on Latin, Greek and Cyrillic letters, punctuation and spaces are gone.
 * `O’Brien`, `O BRIEN` and `Obrien` give `OBRIEN`. The same again when applied to its own result.
 */
export function normaliseName(text: string): string {
  const upper = text.normalize('NFKD').toUpperCase().normalize('NFKD').replace(ACCENTS, '');
  return upper
    .replace(/[ÆŒØŁĐÐĦÞ]/g, (letter) => PLAIN[letter] ?? letter)
    .replace(/[^\p{L}\p{M}\p{N}]/gu, '');
}

/**
 * The first given name, normalised: up to the first space or hyphen, because one person is Anne Marie in one system, Anne-Marie in the
 * next and Anne with the middle name Marie in a third.
 */
export function normaliseFirstName(givenNames: string): string {
  const words = givenNames.split(/[\s\u2010-\u2015-]+/u).map(normaliseName);
  return words.find((word) => word !== '') ?? '';
}

export type DemographicPerson = { familyName: string; firstName: string; dateOfBirth: string };

/**
 * The text behind the `demographic` token: family name, first given name and full date of birth (`YYYY-MM-DD`). Undefined where one
 * of them is missing, stands for "not known", or the date is no date: whoever is not known is like nobody.
 */
export function demographicKey(person: DemographicPerson): string | undefined {
  const familyName = normaliseName(person.familyName);
  const firstName = normaliseFirstName(person.firstName);
  const whole = normaliseName(person.firstName);
  if (familyName === '' || FAMILY.has(familyName)) return undefined;
  if (firstName === '' || FIRST.has(firstName) || FIRST.has(whole)) return undefined;
  return isFullDate(person.dateOfBirth) ? `${familyName}:${firstName}:${person.dateOfBirth}` : undefined;
}
