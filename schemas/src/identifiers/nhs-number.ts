import type { NhsNumberStatus } from '../generated/types.ts';
import { type Checked, compact, invalid, valid } from './checked.ts';

/**
 * Checks an NHS number: ten digits of which the last is a modulus 11 check digit (NHS Data Dictionary, data element NHS
 * NUMBER). Canonical: ten digits without spaces. Ten equal digits pass the sum (3333333333, 9999999999) and are refused as
 * `placeholder`: systems put them where they know no number, and a match on one would join strangers.
 */
export function checkNhsNumber(text: string): Checked {
  const digits = compact(text);
  if (digits === '') return invalid('empty');
  if (!/^\d{10}$/.test(digits)) return invalid('format');
  if (/^(\d)\1{9}$/.test(digits)) return invalid('placeholder');
  let sum = 0;
  for (let at = 0; at < 9; at += 1) sum += Number(digits[at]) * (10 - at);
  return (11 - (sum % 11)) % 11 === Number(digits[9]) ? valid(digits) : invalid('check-character');
}

/** Whether a valid number is from 999 000 0000 to 999 999 9999: never issued, for tests and training only. */
export const isTestNhsNumber = (number: string): boolean => number.startsWith('999');

/**
 * The number if it may stand for the person: valid, and traced against the national index. A number that nobody traced
 * may be somebody else's.
 */
export function verifiedNhsNumber(
  text: string | null | undefined,
  status: NhsNumberStatus | null | undefined,
): string | undefined {
  if (!text || status !== 'verified') return undefined;
  const checked = checkNhsNumber(text);
  return checked.valid ? checked.value : undefined;
}

// NHS Data Dictionary: NHS NUMBER STATUS INDICATOR CODE 01 to 08.
const STATUSES: readonly NhsNumberStatus[] = [
  'verified',
  'not_traced',
  'trace_required',
  'no_match',
  'needs_resolving',
  'in_progress',
  'trace_not_required',
  'trace_postponed',
];

/**
 * The tracing status of a code `01` to `08`, written as `1`, `01` or, in ITK feeds, `NSTS01`; undefined for any other text,
 * because the field may hold anything.
 */
export function nhsNumberStatusOf(code: string | undefined): NhsNumberStatus | undefined {
  const digit = /^(?:NSTS)?0?([1-8])$/i.exec(code?.trim() ?? '')?.[1];
  return digit === undefined ? undefined : STATUSES[Number(digit) - 1];
}
