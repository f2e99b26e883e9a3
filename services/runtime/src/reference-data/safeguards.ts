import { CODE_LISTS } from '@causeway/schemas/agreements/code-lists';
import { z } from 'zod';
import {
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
import { WIDE } from './identity-links.ts';
import { createPersonIndex, type Match, type NamedPerson, type PersonIndex } from './person-index.ts';
import { type FollowParts, followEach, type TopicFollower } from './topic-follower.ts';

/** `shielded` takes every location out of what anybody is told of the person; the others withhold all of it. */
export type SafeguardKind = 'shielded' | 'processing-restricted' | 'objection-upheld';

/** What protects a person everywhere, whoever said so and whoever's event it is. */
export type Safeguard = NamedPerson & {
  /** The adapter or service that keeps it. */
  writer: string;
  /** The writer's own name of it, unique for the writer. */
  reference: string;
  kind: SafeguardKind;
  /** Holds the organisation's own token of the person (the subject of its events) too: what waits in an inbox is found by it. */
  tokens: string[];
  demographic?: string | undefined;
  /** `YYYY-MM-DD`. */
  since: string;
  /** When somebody has to look at it again. Nothing ends by itself on that day. */
  review: string;
};

const CODE = 'invalid-safeguard';
const WHAT = 'A safeguard';

const form = z
  .object({
    ...namedForm,
    ...personForm,
    kind: z.enum(CODE_LISTS.safeguards.codes.map(({ code }) => code as SafeguardKind)),
    since: dateForm,
    review: dateForm,
  })
  .refine(namesPerson, { path: ['tokens'] });

/**
 * The record that publishes a safeguard, or replaces the one of the same writer and reference.
 * @throws PermanentError `invalid-safeguard`; the message names the members and never their values
 */
export const safeguardRecord = (organisation: string, safeguard: Safeguard): KafkaRecord => ({
  topic: topicsOf(organisation).safeguards,
  partition: 0,
  key: personKey(organisation, safeguard),
  value: Buffer.from(JSON.stringify(checked(form, safeguard, CODE, WHAT))),
});

/** The record that ends a safeguard. */
export const withdrawnSafeguardRecord = (
  organisation: string,
  named: Pick<Safeguard, 'writer' | 'reference'>,
): KafkaRecord => ({
  topic: topicsOf(organisation).safeguards,
  partition: 0,
  key: personKey(organisation, checked(z.object(namedForm), named, CODE, WHAT)),
  value: null,
});

/** @throws PermanentError `invalid-safeguard` */
export const parseSafeguard = (value: Buffer): Safeguard =>
  checked(form, parsedJson(value, CODE, WHAT), CODE, WHAT);

export type Safeguards = {
  /** All of an organisation's. */
  of(organisation: string): Safeguard[];
  /** What protects the person: a possible match protects as well, because the other mistake cannot be undone. */
  protecting(tokens: readonly string[], links: Links): { kind: SafeguardKind; match: Match }[];
};

export const createSafeguards = (): Safeguards & {
  apply(organisation: string, record: FetchedRecord): void;
} => {
  const all: PersonIndex<Safeguard & { organisation: string }> = createPersonIndex(WIDE);
  return {
    apply: (organisation, { key, value }) => {
      const name = `${organisation} ${key?.toString('latin1') ?? ''}`;
      if (value === null) all.delete(name);
      else all.set(name, { ...parseSafeguard(value), organisation });
    },
    of: (id) =>
      all.values().flatMap(({ organisation, ...safeguard }) => (organisation === id ? safeguard : [])),
    protecting: (tokens, links) =>
      all.find(tokens, links).map(({ entry, match }) => ({ kind: entry.kind, match })),
  };
};

/** Follows the safeguards of every organisation, new ones included, with one reader. */
export const followSafeguards = (...parts: FollowParts): Safeguards & TopicFollower =>
  followEach('safeguards', createSafeguards(), ...parts);
