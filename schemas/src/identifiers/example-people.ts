/**
 * People who do not exist, and who occur in the records of more than one organisation of the example partnership: for simulators,
 * tests and benchmarks. The same number always gives the same person; NHS numbers are from the range that is never issued.
 */
import { checkNhsNumber } from './nhs-number.ts';
import { checkPncId } from './police.ts';
import { checkUpn } from './upn.ts';

export type ExamplePerson = {
  familyName: string;
  givenName: string;
  sex: 'male' | 'female';
  /** `YYYY-MM-DD` */
  dateOfBirth: string;
  nhsNumber: string;
  address: { lines: [string, string]; postcode: string };
  /** The number that each organisation's own system gave the person. */
  hospitalNumber: string;
  councilId: string;
  policeId: string;
};

export type ExampleAdult = ExamplePerson & { pncId: string };
export type ExampleChild = ExamplePerson & { upn: string };

/** How many there are; the hospital's patients are the adults and the children. */
export const EXAMPLE_ADULTS = 1_000;
export const EXAMPLE_CHILDREN = 120;

const FAMILY_NAMES = [
  'Exampleton',
  'Sampleson',
  'Testwell',
  'Mockford',
  'Fakenham-Smith',
  "O'Placeholder",
  'Dummère',
];
const GIVEN_NAMES = [
  'Alda',
  'Bertram',
  'Cerys',
  'Dafydd',
  'Edith',
  'Farid',
  'Grace',
  'Hamish',
  'Imani',
  'Jory',
];
const LETTERS = [...'ABCDEFGHJKLMNPQRTUVWXYZ'];
const SERIALS = 500_000;
const FIRST_CHILD = 400_000;

const pick = (list: readonly string[], n: number): string => list[n % list.length] ?? '';
const two = (n: number): string => String(n).padStart(2, '0');

/** The only letter with which the check finds the identifier valid. */
const withLetter = (make: (letter: string) => string, valid: (text: string) => boolean): string =>
  LETTERS.map(make).find(valid) ?? '';

/**
 * A valid NHS number of the test range 999 000 0000 to 999 999 9999, another one for each number below 500 000. One serial in eleven has
 * no check digit; the one with another first digit then has.
 */
export const testNhsNumber = (n: number): string =>
  [n % SERIALS, (n % SERIALS) + SERIALS]
    .flatMap((serial) => [...'0123456789'].map((check) => `999${String(serial).padStart(6, '0')}${check}`))
    .find((text) => checkNhsNumber(text).valid) ?? '';

const personOf = (n: number, serial: number, year: number): ExamplePerson => ({
  familyName: pick(FAMILY_NAMES, n),
  givenName: pick(GIVEN_NAMES, n * 7),
  sex: n % 2 ? 'male' : 'female',
  dateOfBirth: `${year}-${two(1 + (n % 12))}-${two(1 + (n % 28))}`,
  nhsNumber: testNhsNumber(serial),
  address: { lines: [`${1 + (n % 90)} Invented Lane`, 'Fictionham'], postcode: 'WE4 5TS' },
  hospitalNumber: `T${String(serial).padStart(7, '0')}`,
  councilId: String(1_000_000 + serial),
  policeId: `WP-P-${700_000 + serial}`,
});

/** An adult who was born between 1930 and 2007. Numbers beyond `EXAMPLE_ADULTS` are people whom only load tests know. */
export const exampleAdult = (n: number): ExampleAdult => ({
  ...personOf(n, n, 1930 + (n % 78)),
  pncId: withLetter(
    (letter) => `${1990 + (n % 30)}/${String(100_000 + n).padStart(7, '0')}${letter}`,
    (text) => checkPncId(text).valid,
  ),
});

/** A child who was born between 2010 and 2023. */
export const exampleChild = (n: number): ExampleChild => ({
  ...personOf(n, FIRST_CHILD + n, 2010 + (n % 14)),
  upn: withLetter(
    (letter) => `${letter}999${two(n % 100)}0${two(10 + (n % 14))}${String(n).padStart(4, '0')}`,
    (text) => checkUpn(text).valid,
  ),
});
