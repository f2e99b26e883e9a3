/** From the housing system's words to the catalogue's, and back. Pure: files in `fixtures/` show what it does. */
import type { Envelope } from '@causeway/runtime/bus/envelope';
import type { Fact } from '@causeway/runtime/source/fact';
import type { AntisocialBehaviourKind, Contact, Person } from '@causeway/schemas/generated/types';

export const TYPE = 'uk.causeway.council.antisocial-behaviour-case.opened.v1';

/** What the housing system says about a case; `reference` and `tenant.number` are its own. */
type HousingCase = {
  reference: string;
  openedAt: string;
  kind: string;
  risk: string;
  tenant: { number: string; familyName: string; givenName: string; born: string };
};

export type Translated = { identity: readonly string[]; facts: Fact[] } | { problem: string };

const KINDS: Record<string, AntisocialBehaviourKind> = {
  harassment: 'personal',
  noise: 'nuisance',
  litter: 'environmental',
};

const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';
const isTime = (value: unknown): value is string =>
  isText(value) && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value);

const readCase = (raw: Buffer): HousingCase | undefined => {
  try {
    const one = JSON.parse(raw.toString('utf8'));
    const { tenant } = one;
    const complete =
      isText(one.reference) &&
      isTime(one.openedAt) &&
      isText(tenant?.number) &&
      isText(tenant.familyName) &&
      isText(tenant.givenName) &&
      /^\d{4}-\d\d-\d\d$/.test(tenant.born);
    return complete ? one : undefined;
  } catch {
    return undefined;
  }
};

/** One case as the housing system sends it. The problem names no value: it ends up in answers and logs. */
export const translateCase = (raw: Buffer, contact: Contact): Translated => {
  const one = readCase(raw);
  if (one === undefined)
    return { problem: 'a case has reference, openedAt, and tenant with number, familyName, givenName, born' };
  const person: Person = {
    name: { familyName: one.tenant.familyName, givenNames: [one.tenant.givenName] },
    dateOfBirth: { value: one.tenant.born, precision: 'day' },
    sex: 'UNKNOWN',
    identifiers: { localId: one.tenant.number },
  };
  const fact: Fact = {
    type: TYPE,
    occurredAt: one.openedAt,
    classification: 'OFFICIAL-SENSITIVE',
    subject: [{ scheme: 'tenant', id: one.tenant.number }],
    verified: {},
    person,
    data: {
      person,
      personCategory: 'UNKNOWN',
      contact: { ...contact, reference: one.reference },
      caseReference: one.reference,
      openedAt: one.openedAt,
      behaviour: KINDS[one.kind] ?? 'UNKNOWN',
      risk: one.risk === 'high' || one.risk === 'medium' ? one.risk : 'UNKNOWN',
    },
  };
  return { identity: [one.reference], facts: [fact] };
};

/** What the housing system is told of an event: what was released to it, under the words it knows. */
export const noticeOf = (event: Pick<Envelope, 'id' | 'source' | 'type' | 'time'>, data: unknown) => ({
  id: event.id,
  from: event.source.split('/')[1],
  about: event.type,
  happenedAt: event.time,
  details: data,
});
