/** Event types are named `uk.causeway.<domain>.<fact>.v<N>`; their Avro records after them. */

const EVENT_TYPE =
  /^uk\.causeway\.([a-z][a-z0-9-]*)\.([a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)*)\.v([1-9][0-9]*)$/;

/** Whether the text is the name of an event type. */
export function isEventType(text: string): boolean {
  return EVENT_TYPE.test(text);
}

/**
 * The full Avro name of an event type: `uk.causeway.nhs.patient-discharge.voided.v1` gives
 * `uk.causeway.nhs.PatientDischargeVoidedV1`.
 * @throws Error when the text is not an event type.
 */
export function avroName(type: string): string {
  const [, domain, fact, version] = EVENT_TYPE.exec(type) ?? [];
  if (domain === undefined || fact === undefined) throw new Error('not an event type');
  const name = fact
    .split(/[.-]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
  return `uk.causeway.${domain.replaceAll('-', '_')}.${name}V${version}`;
}

/** Whether it is a type about events themselves: no agreement, no personal data, only to whom it answers. */
export function isFeedback(type: string): boolean {
  return type.startsWith('uk.causeway.exchange.');
}

/** Whether it says that two identities are one person's: for the exchange and the console only, whatever an agreement says. */
export function isIdentityLinked(type: string): boolean {
  return /\.identity\.linked\.v[1-9][0-9]*$/.test(type);
}

/** The case chain tells of other events: an agreement names it among its fields where it is to be released. */
export const RELEASED_ATTRIBUTES = ['correlationId'] as const;
export type ReleasedAttribute = (typeof RELEASED_ATTRIBUTES)[number];
