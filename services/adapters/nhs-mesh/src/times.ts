/** Times of NEMS and MNS, and the order that they give to messages about one person. */

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

/** The text if it is a point in time with an offset that exists. */
export const instant = (text: string | undefined): string | undefined =>
  text !== undefined && INSTANT.test(text) && !Number.isNaN(Date.parse(text)) ? text : undefined;

/** What becomes of a message's own time and number when messages are compared: as text, the later one is greater. */
export const orderOf = (at: string, sequence: string | undefined): string =>
  `${new Date(at).toISOString()} ${(sequence ?? '').padStart(20, '0')}`;

/** A whole number of at most 19 digits that can serve as a sequence. */
export const sequenceOf = (text: string | undefined): string | undefined =>
  text !== undefined && /^\d{1,19}$/.test(text) ? text.padStart(20, '0') : undefined;
