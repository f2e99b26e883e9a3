import { CODE_LISTS } from '@causeway/schemas/agreements/code-lists';
import { z } from 'zod';
import {
  addDays,
  checked,
  dateForm,
  namedForm,
  namesPerson,
  parsedJson,
  personForm,
  personKey,
} from '../bus/person-record.ts';
import { topicsOf } from '../bus/topics.ts';
import type { FetchedRecord, KafkaRecord } from '../kafka/broker-client.ts';
import type { Links } from './identity-links.ts';
import { createPersonIndex, type Match, type NamedPerson, type PersonIndex } from './person-index.ts';
import { type FollowParts, followEach, type TopicFollower } from './topic-follower.ts';

/** Why an organisation knows a person: agreements can limit who is told of an event to those who do. */
export type Interest = NamedPerson & {
  /** The adapter or service that keeps it, such as `council-social-care` or `gateway`. */
  writer: string;
  /** The writer's own name of the case, unique for the writer. */
  reference: string;
  /** A code of the list `interests`. */
  reason: string;
  tokens: string[];
  demographic?: string | undefined;
  /** First day, and last day (included) where it has ended. Dates are `YYYY-MM-DD` in the United Kingdom. */
  since: string;
  until?: string | undefined;
  /** Last day on which it counts unless it is published again: at most 400 days after it was. */
  expires: string;
};

export const MAX_INTEREST_DAYS = 400;
const CODE = 'invalid-interest';
const WHAT = 'An interest';

const form = z
  .object({
    ...namedForm,
    ...personForm,
    reason: z.enum(CODE_LISTS.interests.codes.map(({ code }) => code)),
    since: dateForm,
    until: dateForm.optional(),
    expires: dateForm,
  })
  .refine(namesPerson, { path: ['tokens'] })
  .refine(({ since, until }) => until === undefined || until >= since, { path: ['until'] });

/**
 * The record that publishes an interest, or replaces the one of the same writer and reference.
 * @param today `YYYY-MM-DD`
 * @throws PermanentError `invalid-interest`; the message names the members and never their values
 */
export const interestRecord = (organisation: string, interest: Interest, today: string): KafkaRecord => {
  const latest = addDays(today, MAX_INTEREST_DAYS);
  const expiring = form.refine(({ expires }) => expires <= latest, { path: ['expires'] });
  const { writer, reference } = interest;
  const value = Buffer.from(JSON.stringify(checked(expiring, interest, CODE, WHAT)));
  return {
    topic: topicsOf(organisation).interests,
    partition: 0,
    key: personKey(organisation, { writer, reference }),
    value,
  };
};

/**
 * The record that takes an interest back as if it had never been. A case that has closed is published again with `until`
 * instead: then what corrects an earlier event still reaches the organisation.
 */
export const withdrawnInterestRecord = (
  organisation: string,
  named: Pick<Interest, 'writer' | 'reference'>,
): KafkaRecord => ({
  topic: topicsOf(organisation).interests,
  partition: 0,
  key: personKey(organisation, checked(z.object(namedForm), named, CODE, WHAT)),
  value: null,
});

/**
 * Reads a record of the topic. Whatever it says, it counts for no more than 400 days after it was appended.
 * @throws PermanentError `invalid-interest`
 */
export const parseInterest = (value: Buffer, appendedAt: number): Interest => {
  const interest = checked(form, parsedJson(value, CODE, WHAT), CODE, WHAT);
  const latest = addDays(new Date(appendedAt).toISOString().slice(0, 10), MAX_INTEREST_DAYS);
  return { ...interest, expires: interest.expires < latest ? interest.expires : latest };
};

export type Interests = {
  /** All of an organisation's that are in its topic, ended and expired ones included. */
  of(organisation: string): Interest[];
  /**
   * How certain it is that the organisation knows the person for one of the reasons on that day; null where it does not. With
   * `everSince` an interest that has ended or expired counts too.
   */
  known(question: KnownQuestion): Match | null;
};

type KnownQuestion = {
  organisation: string;
  tokens: readonly string[];
  reasons: readonly string[];
  links: Links;
  today: string;
  everSince: boolean;
};

export const createInterests = (): Interests & {
  apply(organisation: string, record: FetchedRecord): void;
} => {
  const byOrganisation = new Map<string, PersonIndex<Interest>>();
  const counts = ({ since, until, expires }: Interest, today: string, everSince: boolean) =>
    since <= today && (everSince || ((until === undefined || today <= until) && today <= expires));

  return {
    apply: (organisation, { key, value, timestamp }) => {
      const index = byOrganisation.get(organisation) ?? createPersonIndex<Interest>();
      byOrganisation.set(organisation, index);
      const name = key?.toString('latin1') ?? '';
      if (value === null) index.delete(name);
      else index.set(name, parseInterest(value, timestamp));
    },
    of: (organisation) => byOrganisation.get(organisation)?.values() ?? [],
    known: ({ organisation, tokens, reasons, links, today, everSince }) => {
      const found = byOrganisation.get(organisation)?.find(tokens, links) ?? [];
      const matches = found
        .filter(({ entry }) => reasons.includes(entry.reason) && counts(entry, today, everSince))
        .map(({ match }) => match);
      return matches.includes('verified') ? 'verified' : (matches[0] ?? null);
    },
  };
};

/** Follows the interests of every organisation, new ones included, with one reader. */
export const followInterests = (...parts: FollowParts): Interests & TopicFollower =>
  followEach('interests', createInterests(), ...parts);
