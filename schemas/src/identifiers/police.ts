/**
 * Numbers of the Police National Computer and of the Criminal Records Office. Algorithm of the check letter: as
 * ministryofjustice/hmpps-person-record (PNCIdentifier, CROIdentifier) computes it.
 */
import { type Checked, compact, invalid, valid } from './checked.ts';

/** By the remainder of two digits of the year followed by the serial, modulo 23: no I, O or S. */
const LETTERS = 'ZABCDEFGHJKLMNPQRTUVWXY';

const fits = (year: string, serial: string, letter: string): boolean =>
  LETTERS[Number(year.slice(-2) + serial) % 23] === letter;

/**
 * Checks a PNC id. Canonical: `YYYY/NNNNNNNL`. The short form drops the century, the slash and leading zeros of the serial.
 * A two-digit year from 50 on is of the last century: nobody on the computer was convicted before 1950, and a border
 * that moves with the clock would give one person two tokens.
 */
export function checkPncId(text: string): Checked {
  const pnc = compact(text);
  if (pnc === '') return invalid('empty');
  const parts =
    /^(\d{4}|\d{2})\/(\d{1,7})([A-Z])$/.exec(pnc) ??
    /^(\d{4})(\d{7})([A-Z])$/.exec(pnc) ??
    /^(\d{2})(\d{1,7})([A-Z])$/.exec(pnc);
  if (!parts) return invalid('format');
  const [, written = '', digits = '', letter = ''] = parts;
  const serial = digits.padStart(7, '0');
  if (Number(serial) === 0) return invalid('placeholder');
  if (!fits(written, serial, letter)) return invalid('check-character');
  const century = Number(written) < 50 ? '20' : '19';
  return valid(`${written.length === 2 ? century + written : written}/${serial}${letter}`);
}

/**
 * Checks a CRO number: `NNNNNN/YYL`, of which leading zeros may be missing, or `SFYY/NNNNNNL` for a record of the small
 * files, whose serial counts as it is written. Canonical: six digits of serial in the first form.
 */
export function checkCro(text: string): Checked {
  const cro = compact(text);
  if (cro === '') return invalid('empty');
  const standard = /^(\d{1,6})\/(\d{2})([A-Z])$/.exec(cro);
  if (standard) {
    const [, digits = '', year = '', letter = ''] = standard;
    const serial = digits.padStart(6, '0');
    if (Number(serial) === 0) return invalid('placeholder');
    return fits(year, serial, letter) ? valid(`${serial}/${year}${letter}`) : invalid('check-character');
  }
  const small = /^SF(\d{2})\/(\d{1,6})([A-Z])$/.exec(cro);
  if (!small) return invalid('format');
  const [, year = '', serial = '', letter = ''] = small;
  if (Number(serial) === 0) return invalid('placeholder');
  return fits(year, serial, letter) ? valid(`SF${year}/${serial}${letter}`) : invalid('check-character');
}
