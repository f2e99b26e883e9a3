/** What the desk of the force is given: a task for an event of a partner, an update for what is said of one of its own reports. Pure. */
import type { Envelope } from '@causeway/runtime/bus/envelope';
import { organisationOf } from '@causeway/runtime/bus/envelope';

type Task = {
  /** The event's id: two tasks with the same one are the same. */
  reference: string;
  /** Everything that a desk officer needs, on one line. */
  line: string;
  title: string;
  priority: string;
  actBy: string | null;
  from: string;
  occurredAt: string;
  handling: readonly string[];
  /** `verified`, or `possible`: the person must be confirmed first. Null where the sharing does not rest on a match. */
  match: string | null;
  corrects: string | null;
  /** The event of ours that it answers, where it does. */
  inResponseTo: string | null;
  ring: { team: string | null; telephone: string | null; outOfHours: string | null; quote: string | null };
  /** The fields that agreements release, and no others. */
  details: unknown;
};

type Update = {
  kind: 'acknowledged' | 'overdue' | 'outcome';
  reference: string;
  line: string;
  /** The event of ours that it is about. */
  about: string;
  state: string;
  by: string;
  at: string;
  ring: Task['ring'];
};

type Handed = { event: Envelope; data: unknown; title: string };

type Fields = Record<string, unknown>;

const ACKNOWLEDGED = 'uk.causeway.exchange.acknowledgement.recorded.v1';
const OVERDUE = 'uk.causeway.exchange.delivery.overdue.v1';
const OUTCOMES: readonly string[] = [
  'uk.causeway.council.safeguarding-referral-outcome.recorded.v1',
  'uk.causeway.council.safeguarding-referral-outcome.corrected.v1',
];

/** Whether it says what became of one of the force's own reports. */
export const isAnswer = ({ type, inResponseTo }: Pick<Envelope, 'type' | 'inResponseTo'>): boolean =>
  inResponseTo !== undefined && [ACKNOWLEDGED, OVERDUE, ...OUTCOMES].includes(type);

export const taskOf = ({ event, data, title }: Handed): Task => {
  const fields = fieldsOf(data);
  const from = organisationOf(event.source) ?? '';
  const ring = ringOf(fields);
  const priority = event.priority ?? 'routine';
  return {
    reference: event.id,
    line: lineOf([
      priority === 'immediate' || priority === 'urgent' ? priority.toUpperCase() : undefined,
      event.match === 'possible' ? 'POSSIBLE MATCH: CONFIRM' : undefined,
      event.corrects === undefined ? title : `${title} (withdraws or corrects an earlier notice)`,
      personLine(fieldsOf(fields.person)),
      event.actBy && `act by ${event.actBy}`,
      ringLine(from, ring),
      event.handling.length > 0 ? `handling: ${event.handling.join(', ')}` : undefined,
      event.match === 'verified' ? 'match verified' : undefined,
    ]),
    title,
    priority,
    actBy: event.actBy ?? null,
    from,
    occurredAt: event.time,
    handling: event.handling,
    match: event.match ?? null,
    corrects: event.corrects ?? null,
    inResponseTo: event.inResponseTo ?? null,
    ring,
    details: data,
  };
};

export const updateOf = ({ event, data, title }: Handed): Update => {
  const fields = fieldsOf(data);
  const by = organisationOf(event.source) ?? '';
  const ring = ringOf(fields);
  const kind = event.type === ACKNOWLEDGED ? 'acknowledged' : event.type === OVERDUE ? 'overdue' : 'outcome';
  const state = text(fields.state) ?? text(fields.reason) ?? text(fields.outcome) ?? 'UNKNOWN';
  return {
    kind,
    reference: event.id,
    line: lineOf([
      kind === 'overdue' ? 'RING' : undefined,
      title,
      words(state),
      text(fields.team) ?? undefined,
      text(fields.reference) ? `their reference ${text(fields.reference)}` : undefined,
      kind === 'overdue' ? `due ${text(fields.dueAt)}` : undefined,
      ringLine(by, ring),
    ]),
    about: event.inResponseTo?.split('/')[2] ?? '',
    state,
    by,
    at: event.time,
    ring,
  };
};

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

const words = (code: string): string => code.replaceAll('_', ' ');

const lineOf = (parts: readonly (string | undefined | null)[]): string =>
  parts
    .filter((part): part is string => Boolean(part))
    .join(' | ')
    .replaceAll(/[\s\p{Cc}]+/gu, ' ');

const personLine = (person: Fields): string | undefined => {
  const name = fieldsOf(person.name);
  const given = Array.isArray(name.givenNames) ? name.givenNames.filter((one) => text(one)) : [];
  const full = [...given, text(name.familyName)].filter(Boolean).join(' ');
  const born = text(fieldsOf(person.dateOfBirth).value);
  const address = fieldsOf(person.address);
  const lines = Array.isArray(address.lines) ? address.lines.filter((one) => text(one)) : [];
  const where = [...lines, text(address.postcode)].filter(Boolean).join(', ');
  return (
    [full || undefined, born && `born ${born}`, where || undefined].filter(Boolean).join(', ') || undefined
  );
};

const ringOf = (fields: Fields): Task['ring'] => {
  const contact = fieldsOf(fields.contact);
  return {
    team: text(contact.team),
    telephone: text(contact.telephone),
    outOfHours: text(contact.outOfHoursTelephone),
    quote: text(contact.reference) ?? text(fields.caseReference),
  };
};

const ringLine = (from: string, { team, telephone, outOfHours, quote }: Task['ring']): string => {
  const numbers = [telephone, outOfHours && outOfHours !== telephone ? `out of hours ${outOfHours}` : null];
  const said = numbers.filter(Boolean).join(', ') || 'no number given';
  return `ring ${[from, team].filter(Boolean).join(', ')}: ${said}${quote ? `, quote ${quote}` : ''}`;
};
