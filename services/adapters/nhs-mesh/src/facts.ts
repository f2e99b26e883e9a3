/** What a notification says, as facts; the same for a bundle that says it all and a signal that only says that something changed. */
import type { Fact, LocalIdentifier, OtherPerson, Verified } from '@causeway/runtime/source/fact';
import type {
  BirthOutcome,
  Contact,
  DeathNotificationStatus,
  PartialDate,
  Person,
} from '@causeway/schemas/generated/types';
import { personCategoryAt } from '@causeway/schemas/identifiers/person-category';

/** A notification about one person. */
export type About = {
  own: LocalIdentifier;
  verified: Verified;
  person: Person;
  /** When the national index changed its record, and when it told so. */
  occurredAt: string;
  notifiedAt: string;
  sequence: string | undefined;
  /** What messages about the same thing are compared by. */
  order: string;
  contact: Contact;
};

const attributes = ({ own, verified, person, occurredAt, notifiedAt, sequence }: About) => ({
  occurredAt,
  recordedAt: notifiedAt,
  ...(sequence !== undefined && { sequence }),
  classification: 'OFFICIAL-SENSITIVE' as const,
  subject: [own],
  verified,
  person: { name: person.name ?? null, dateOfBirth: person.dateOfBirth ?? null },
});

const common = ({ person, contact, occurredAt }: About) => ({
  person,
  personCategory: personCategoryAt(person, occurredAt),
  contact,
});

/** The mailbox promises no order: of each thing about a person only what is not older than what was told is news. */
const latest = ({ own, order }: About, fact: string) => ({
  latest: { visit: `patient:${own.scheme}:${own.id}`, fact, order },
});

/** PDS death notification status. */
const DEATHS: Record<string, DeathNotificationStatus> = { '1': 'informal', '2': 'formal', U: 'removed' };

export const deathStatus = (code: string | undefined): DeathNotificationStatus =>
  DEATHS[code ?? ''] ?? 'UNKNOWN';

export const deathNotified = (
  about: About,
  status: DeathNotificationStatus,
  dateOfDeath: PartialDate | null,
): Fact => ({
  ...attributes(about),
  ...latest(about, 'death'),
  type: 'uk.causeway.nhs.death.notified.v1',
  data: {
    ...common(about),
    status,
    dateOfDeath,
    placeOfDeath: null,
    cause: null,
    notifiedAt: about.notifiedAt,
  },
});

export const addressChanged = (about: About, movedOn: PartialDate | null): Fact => ({
  ...attributes(about),
  ...latest(about, 'address'),
  type: 'uk.causeway.nhs.change-of-address.notified.v1',
  data: { ...common(about), movedOn, previousLocalAuthority: null, notifiedAt: about.notifiedAt },
});

/** Another practice, or, where the notification does not say what, any other change of the record. */
export const recordAmended = (about: About, amended: string[] | null): Fact => ({
  ...attributes(about),
  ...latest(about, amended?.join(' ') ?? 'record'),
  type: 'uk.causeway.nhs.demographics.amended.v1',
  data: { ...common(about), amendment: 'amended', amended, amendedAt: about.notifiedAt },
});

type Birth = {
  mother: Person | null;
  others: OtherPerson[];
  outcome: BirthOutcome;
  birthOrder: number | null;
  bornAt: string | null;
};

/** Sent once, so there is nothing to compare. */
export const birthNotified = (about: About, { others, ...birth }: Birth): Fact => ({
  ...attributes(about),
  type: 'uk.causeway.nhs.birth.notified.v1',
  others,
  data: { ...common(about), ...birth, notifiedAt: about.notifiedAt },
});

/** A link for the exchange and the console; without another number it says only that this one changed. */
export const numberChanged = (about: About, other: string | undefined): Fact => ({
  ...attributes(about),
  type: 'uk.causeway.nhs.identity.linked.v1',
  others: other === undefined ? [] : [{ local: [{ ...about.own, id: other }], verified: { nhs: other } }],
  data: {
    linkKind: 'number_changed',
    schemes: ['nhs'],
    linkedAt: about.occurredAt,
    contact: about.contact,
  },
});
