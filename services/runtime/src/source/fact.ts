import type { EventType } from '@causeway/schemas/catalogue/catalogue';
import { isIdentityLinked } from '@causeway/schemas/catalogue/event-type';
import { urgencyOf } from '@causeway/schemas/catalogue/urgency';
import type { EventData, Person } from '@causeway/schemas/generated/types';
import type { Codec } from '../avro/codec.ts';
import {
  type Classification,
  decodeHeaders,
  type Envelope,
  encodeHeaders,
  type Priority,
} from '../bus/envelope.ts';
import type { Tokeniser } from '../bus/pseudonyms.ts';
import { topicsOf } from '../bus/topics.ts';
import { isPermanent, PermanentError } from '../errors.ts';
import type { KafkaRecord } from '../kafka/broker-client.ts';

/** Identifiers that are certain to be a person's: each becomes a token that others match on. */
export type Verified = { nhs?: string; upn?: string; pnc?: string; cro?: string };

/** An identifier that only the source's own organisation uses; `scheme` is a lower-case word. */
export type LocalIdentifier = { scheme: string; id: string };

/** Somebody else in the event, such as next of kin: found by disclosure searches, never matched on. */
export type OtherPerson = {
  local?: readonly LocalIdentifier[];
  verified?: Verified;
  person?: Pick<Person, 'name' | 'dateOfBirth'>;
};

/** A fact as an adapter's translation states it, before it has an id, tokens and headers. */
export type Fact = { [T in keyof EventData]: FactOf<T> }[keyof EventData];

type FactOf<T extends keyof EventData> = {
  type: T;
  data: EventData[T];
  /** When it happened in the world, and when the source system wrote it down; RFC 3339 with offset. */
  occurredAt: string;
  recordedAt?: string;
  classification: Classification;
  handling?: string[];
  /** Organisations that must not receive it, or `all`. */
  exclude?: string[];
  /** Default: what the event type says of its urgency. */
  priority?: Priority;
  actBy?: string;
  correlationId?: string;
  /** `/<organisation>/<event id>` that this answers. */
  inResponseTo?: string;
  /** The source's own order, where it has one: a word of at most 64 characters. */
  sequence?: string;
  /** Back-filled history. */
  replay?: boolean;
  /** The source's own identifiers of the person; the first one becomes the subject and must not change. */
  subject: readonly LocalIdentifier[];
  verified: Verified;
  /** For the token of name and date of birth, where both are known in full. */
  person: Pick<Person, 'name' | 'dateOfBirth'>;
  /** Other people that the event is about. */
  others?: readonly OtherPerson[];
  /**
   * Under which visit (or other thing of the source's) and name a later fact can void this one. With `onlyIf` it is published only
   * if such a fact is, or is not, remembered; `over` ends it: from then on it is not known any more.
   */
  remember?: { visit: string; fact: string; onlyIf?: 'known' | 'not-known'; over?: boolean };
  /**
   * For a source that promises no order: published only if nothing was published of the same `visit` and `fact` that has a later
   * `order`. The order is a word that the source's own order becomes as text, such as a time in UTC.
   */
  latest?: { visit: string; fact: string; order: string };
  /**
   * What stays true of the visit once one of its messages has said so, although later ones do not: such as that it is about a
   * birth. Where the trait is remembered, or seen now, `data` takes the place of those fields that the fact has.
   */
  traits?: readonly { visit: string; name: string; seen: boolean; data: Partial<EventData[T]> }[];
  /**
   * What this fact voids. Its data has a field `corrects`, which the source fills where it remembers the event.
   * With `onlyIfKnown` it is published only if it does. An adapter that keeps the ids of its events itself names the `event`.
   */
  voids?: { visit: string; fact: string; onlyIfKnown?: boolean; event?: string };
};

/** An outbox takes records of 512 kB; headers and framing need some of that. */
const LARGEST_VALUE = 500_000;

/** A header's list takes no more. */
const MOST_OTHER_TOKENS = 50;

/**
 * Tokens that others match on: one per certain identifier, and one of name and date of birth. Where there is a former partnership key,
 * then the same by that one.
 */
export const tokensOf = (
  tokeniser: Tokeniser,
  { verified, person }: { verified: Verified; person: Pick<Person, 'name' | 'dateOfBirth'> },
): string[] => {
  const tokens = [
    verified.nhs && tokeniser.nhs(verified.nhs),
    verified.upn && tokeniser.upn(verified.upn),
    verified.pnc && tokeniser.pnc(verified.pnc),
    verified.cro && tokeniser.cro(verified.cro),
    demographicToken(tokeniser, person),
  ];
  return [
    ...tokens.filter((token): token is string => token !== undefined && token !== ''),
    ...(tokeniser.former ? tokensOf(tokeniser.former, { verified, person }) : []),
  ];
};

/** Of an identifier that only one organisation uses: its token, and the one by the former key where there is one. */
export const localTokens = (
  tokeniser: Tokeniser,
  organisation: string,
  { scheme, id }: LocalIdentifier,
): string[] => [
  tokeniser.local(organisation, scheme, id),
  ...(tokeniser.former ? [tokeniser.former.local(organisation, scheme, id)] : []),
];

/** Every token of the other people in a fact, each once. */
const otherTokensOf = (
  { tokeniser, organisation }: Recording,
  others: readonly OtherPerson[],
  own: ReadonlySet<string>,
): string[] => {
  const tokens = others.flatMap(({ local = [], verified = {}, person = {} }) => [
    ...local.flatMap((one) => localTokens(tokeniser, organisation, one)),
    ...tokensOf(tokeniser, { verified, person }),
  ]);
  return [...new Set(tokens)].filter((token) => !own.has(token)).slice(0, MOST_OTHER_TOKENS);
};

const demographicToken = (
  tokeniser: Tokeniser,
  { name, dateOfBirth }: Pick<Person, 'name' | 'dateOfBirth'>,
): string | undefined => {
  const firstName = name?.givenNames?.[0]?.trim().split(/\s+/)[0];
  if (!name?.familyName || !firstName || dateOfBirth?.precision !== 'day') return undefined;
  try {
    return tokeniser.demographic({ familyName: name.familyName, firstName, dateOfBirth: dateOfBirth.value });
  } catch (error) {
    // A name of nothing but punctuation identifies no person.
    if (isPermanent(error)) return undefined;
    throw error;
  }
};

/** What the record of a fact needs besides the fact. */
export type Recording = {
  organisation: string;
  /** `/<organisation>/<adapter>` */
  source: string;
  codec: Codec;
  tokeniser: Tokeniser;
};

/** An event type as the source publishes it. */
export type Publishable = Pick<EventType, 'siblingOf' | 'defaultPriority' | 'actBy'> & { schemaId: number };

/** What is known of a fact besides: the event that it corrects, and the source's own token of the person where that has made it itself. */
type PublishedFact = { corrects?: string | undefined; subject?: string | undefined };

/** Of the identifier by which the source knows the person; the first one is the subject. */
const ownTokens = (
  { tokeniser, organisation }: Recording,
  { subject: [own] }: Pick<Fact, 'subject'>,
): [string, ...string[]] => {
  if (own === undefined) throw new PermanentError('no-identifier', 'The person has no identifier');
  const [subject = '', ...former] = localTokens(tokeniser, organisation, own);
  return [subject, ...former];
};

/**
 * The outbox record of a fact. It derives from the fact and what it corrects alone, so that the same input
 * always makes the same bytes.
 * @throws PermanentError `no-identifier`, `invalid-identifier`, `too-large`, `invalid-data`, `invalid-attribute`
 */
export const factRecord = async (
  recording: Recording,
  fact: Fact,
  id: string,
  type: Publishable,
  { corrects, subject: given }: PublishedFact = {},
): Promise<KafkaRecord> => {
  const { organisation, source, codec, tokeniser } = recording;
  const [subject, ...former] = given === undefined ? ownTokens(recording, fact) : [given];
  const data = fact.voids === undefined ? fact.data : { ...fact.data, corrects: corrects ?? null };
  const value = await codec.encode(type.schemaId, data);
  if (value.length > LARGEST_VALUE)
    throw new PermanentError('too-large', 'The event is too large for the bus');
  const { person, others } = isIdentityLinked(fact.type) ? withoutNames(fact) : fact;
  const tokens = [...tokensOf(tokeniser, { verified: fact.verified, person }), ...former];
  const otherTokens = others ? otherTokensOf(recording, others, new Set([subject, ...tokens])) : [];
  const urgency = urgencyOf(type, data as Record<string, unknown>, fact.occurredAt);
  const actBy = fact.actBy ?? urgency.actBy;
  const envelope: Envelope = {
    id,
    source,
    type: fact.type,
    time: fact.occurredAt,
    subject,
    tokens,
    otherTokens,
    ...(fact.recordedAt !== undefined && { recordedTime: fact.recordedAt }),
    classification: fact.classification,
    handling: fact.handling ?? [],
    exclude: fact.exclude ?? [],
    priority: fact.priority ?? urgency.priority,
    ...(actBy !== undefined && { actBy }),
    ...(fact.correlationId !== undefined && { correlationId: fact.correlationId }),
    ...(fact.inResponseTo !== undefined && { inResponseTo: fact.inResponseTo }),
    ...(fact.sequence !== undefined && { sequence: fact.sequence }),
    ...(corrects !== undefined && { corrects }),
    replay: fact.replay ?? false,
    agreement: [],
  };
  const { outbox } = topicsOf(organisation);
  const headers = encodeHeaders(envelope, 'outbox');
  if (hasFreeAttributes(fact)) checkHeaders(headers);
  return { topic: outbox, key: subject, value, headers };
};

/** A link between identities is made of certain identifiers: several people can share a name and a date of birth. */
const withoutNames = ({ others }: Pick<Fact, 'others'>): Pick<Fact, 'person' | 'others'> => ({
  person: {},
  ...(others && { others: others.map(({ person: _, ...certain }) => certain) }),
});

/** Attributes that come from the source system's own words, and could have a form that the exchange refuses. */
const hasFreeAttributes = (fact: Fact): boolean =>
  [fact.correlationId, fact.inResponseTo, fact.sequence, fact.actBy, fact.handling, fact.exclude].some(
    (one) => one !== undefined,
  );

const checkHeaders = (headers: Record<string, string>): void => {
  decodeHeaders(
    Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Buffer.from(value)])),
  );
};
