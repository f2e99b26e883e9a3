import { type Checked, compact, invalid, valid } from './checked.ts';

// BS 7666 postcode, rewritten without the subtraction of character classes.
const OUTCODE =
  'GIR|(?:[A-PR-UWYZ][0-9][0-9]?|[A-PR-UWYZ][A-HK-Y][0-9][0-9]?|[A-PR-UWYZ][0-9][A-HJKSTUW]|[A-PR-UWYZ][A-HK-Y][0-9][ABEHMNPRVWXY])';
const POSTCODE = new RegExp(`^(${OUTCODE})([0-9][ABD-HJLNP-UW-Z]{2})$`);
const ONLY_OUTCODE = new RegExp(`^(?:${OUTCODE})$`);
const PSEUDO = /^ZZ99(\d[A-Z]{2})$/;

/**
 * Checks the form of a postcode (BS 7666). Canonical: capitals, one space before the last three characters. The
 * pseudo-postcodes of the NHS, which begin with ZZ99, are valid too: `isPseudoPostcode` tells them apart.
 */
export function checkPostcode(text: string): Checked {
  const written = compact(text);
  if (written === '') return invalid('empty');
  const pseudo = PSEUDO.exec(written);
  if (pseudo) return valid(`ZZ99 ${pseudo[1]}`);
  const parts = POSTCODE.exec(written);
  return parts ? valid(`${parts[1]} ${parts[2]}`) : invalid('format');
}

/** Whether a canonical postcode stands for no place: no fixed abode, unknown or abroad. It is never to be geocoded. */
export const isPseudoPostcode = (postcode: string): boolean => postcode.startsWith('ZZ99');

/** The outward part (`WE4 5TS` gives `WE4`) of a postcode or of an outward part; null for anything else, ZZ99 included. */
export function outcodeOf(text: string): string | null {
  const written = compact(text);
  if (ONLY_OUTCODE.test(written)) return written;
  return POSTCODE.exec(written)?.[1] ?? null;
}

/**
 * Checks a Unique Property Reference Number: one to twelve digits, no check digit. Canonical: without leading zeros, which some
 * systems add.
 */
export function checkUprn(text: string): Checked {
  const written = compact(text);
  if (written === '') return invalid('empty');
  if (!/^\d{1,12}$/.test(written)) return invalid('format');
  const uprn = written.replace(/^0+/, '');
  return uprn === '' ? invalid('placeholder') : valid(uprn);
}

/** Checks the form of a GSS code: a letter for the country and eight digits, such as E10000014. It has no check digit. */
export function checkGssCode(text: string): Checked {
  const code = compact(text);
  if (code === '') return invalid('empty');
  return /^[EKNSW]\d{8}$/.test(code) ? valid(code) : invalid('format');
}
