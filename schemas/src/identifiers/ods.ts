import { type Checked, compact, invalid, valid } from './checked.ts';

/** NHS Data Dictionary defaults for a practice: none known, not applicable, no registered practice. */
const DEFAULTS: ReadonlySet<string> = new Set(['V81997', 'V81998', 'V81999']);

/**
 * Checks the form of an ODS code: three to six letters and digits (trust `RNJ`, site `RNJ01`, practice `F84034`, since April 2020 also
 * `A1B2C`). It has no check digit, and its form does not tell what kind of organisation it is. The codes that stand
 * for an unknown or absent practice are `placeholder`.
 */
export function checkOdsCode(text: string): Checked {
  const code = compact(text);
  if (code === '') return invalid('empty');
  if (!/^[A-Z0-9]{3,6}$/.test(code)) return invalid('format');
  return DEFAULTS.has(code) ? invalid('placeholder') : valid(code);
}
