import { type Checked, compact, invalid, valid } from './checked.ts';

/** Numbered 0 to 22: no I, O or S. */
const LETTERS = 'ABCDEFGHJKLMNPQRTUVWXYZ';

/**
 * Checks a Unique Pupil Number: a check letter, then twelve digits (authority 3, school 4, year 2, serial 3). In a temporary
 * number the last character is a letter, which counts by its place in the table. The letter is that of the sum of
 * each character times its position 2 to 13, modulo 23. Source: Department for Education, GovTalk UniquePupilNumber 2-0.
 */
export function checkUpn(text: string): Checked {
  const upn = compact(text);
  if (upn === '') return invalid('empty');
  if (!/^[A-Z]\d{11}[0-9A-Z]$/.test(upn)) return invalid('format');
  let sum = 0;
  for (let at = 1; at < 13; at += 1) {
    const character = upn.charAt(at);
    const worth = /\d/.test(character) ? Number(character) : LETTERS.indexOf(character);
    if (worth < 0) return invalid('format');
    sum += worth * (at + 1);
  }
  return LETTERS[sum % 23] === upn[0] ? valid(upn) : invalid('check-character');
}

/** Whether a valid UPN is temporary: given by a school until the permanent one is known, and not the pupil's for good. */
export const isTemporaryUpn = (upn: string): boolean => /[A-Z]$/.test(upn);
