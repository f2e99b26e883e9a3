import type { DutyContact } from '@causeway/runtime/reference-data/organisations';

const PARTS = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/London',
  weekday: 'short',
  hour: 'numeric',
  hourCycle: 'h23',
});

/** Monday to Friday, 8 to 18 o'clock in the United Kingdom. Bank holidays are not known: both numbers are always shown. */
export function isOfficeHour(at: number): boolean {
  const parts = Object.fromEntries(PARTS.formatToParts(at).map(({ type, value }) => [type, value]));
  const hour = Number(parts.hour);
  return !['Sat', 'Sun'].includes(parts.weekday ?? '') && hour >= 8 && hour < 18;
}

/** All duty contacts, those who answer now first and marked. */
export function contactsAt(contacts: readonly DutyContact[], at: number): (DutyContact & { now: boolean })[] {
  const hours = isOfficeHour(at) ? 'in-hours' : 'out-of-hours';
  return contacts
    .map((contact) => ({ ...contact, now: contact.hours === 'always' || contact.hours === hours }))
    .sort((a, b) => Number(b.now) - Number(a.now));
}
