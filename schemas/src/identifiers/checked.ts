/** What checking an identifier says: its one canonical form, or why it cannot be one. Nothing is ever repaired. */
export type Checked = { valid: true; value: string } | { valid: false; reason: InvalidReason };

/**
 * `empty` nothing but spaces; `format` not written as this scheme writes it; `check-character` well written, but the
 * check digit or letter does not fit; `placeholder` what systems put where they know no number.
 */
type InvalidReason = 'empty' | 'format' | 'check-character' | 'placeholder';

export const valid = (value: string): Checked => ({ valid: true, value });

export const invalid = (reason: InvalidReason): Checked => ({ valid: false, reason });

/** Without white space and dashes, in capitals: what people and systems add for reading. */
export const compact = (text: string): string => text.replace(/[\s\u2010-\u2014-]/g, '').toUpperCase();

/** The canonical form, or undefined: for callers that do not report why. */
export const canonicalOf = (checked: Checked): string | undefined =>
  checked.valid ? checked.value : undefined;
