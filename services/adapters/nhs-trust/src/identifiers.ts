/** NHS numbers, as far as a source needs them. */

/**
 * The ten digits of an NHS number that passes its modulus-11 check, whatever spaces or dashes it was written with.
 * Algorithm: NHS Data Dictionary, data element NHS NUMBER.
 */
export const validNhsNumber = (written: string): string | undefined => {
  const digits = written.replace(/[ -]/g, '');
  if (!/^\d{10}$/.test(digits)) return undefined;
  const sum = [...digits.slice(0, 9)].reduce((total, digit, at) => total + Number(digit) * (10 - at), 0);
  const check = (11 - (sum % 11)) % 11;
  return check === Number(digits[9]) ? digits : undefined;
};

/** Ten equal digits: valid by its check digit, and what systems put where they know no number. */
export const isPlaceholder = (nhsNumber: string): boolean => /^(\d)\1{9}$/.test(nhsNumber);
