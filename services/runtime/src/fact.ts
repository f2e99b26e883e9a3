import type { EventData, Person } from '@causeway/schemas/generated/types';
import type { Codec } from './avro.ts';
import { isPermanent, PermanentError } from './errors.ts';
import { type Classification, type Envelope, encodeHeaders, type Priority } from './event.ts';
import type { KafkaRecord } from './kafka-session.ts';
import type { Tokeniser } from './tokens.ts';
import { topicsOf } from './topology.ts';

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
  /** Default: the event type's own. */
  priority?: Priority;
  actBy?: string;
  correlationId?: string;
  /** The source's own identifiers of the person; the first one becomes the subject and must not change. */
  subject: readonly { scheme: string; id: string }[];
  /** Identifiers that are certain to be the person's: each becomes a token that others match on. */
  verified: { nhs?: string; upn?: string; pnc?: string };
  /** For the token of name and date of birth, where both are known in full. */
  person: Person;
  /** Under which visit and name a later fact can void this one. */
  remember?: { visit: string; fact: string };
  /**
   * What this fact voids. Its data has a field `corrects`, which the source fills where it remembers the event.
   * With `onlyIfKnown` it is published only if it does.
   */
  voids?: { visit: string; fact: string; onlyIfKnown?: boolean };
};

/** An outbox takes records of 512 kB; headers and framing need some of that. */
const LARGEST_VALUE = 500_000;

/** Tokens that others match on: one per certain identifier, and one of name and date of birth. */
export const tokensOf = (tokeniser: Tokeniser, { verified, person }: Fact): string[] => {
  const tokens = [
    verified.nhs && tokeniser.nhs(verified.nhs),
    verified.upn && tokeniser.upn(verified.upn),
    verified.pnc && tokeniser.pnc(verified.pnc),
    demographicToken(tokeniser, person),
  ];
  return tokens.filter((token): token is string => token !== undefined && token !== '');
};

const demographicToken = (tokeniser: Tokeniser, { name, dateOfBirth }: Person): string | undefined => {
  const firstName = name?.givenNames?.[0]?.trim().split(/\s+/)[0];
  if (!name?.familyName || !firstName || dateOfBirth?.precision !== 'day') return undefined;
  try {
    return tokeniser.demographic({ familyName: name.familyName, firstName, dateOfBirth: dateOfBirth.value });
  } catch (error) {
    // A name of nothing but punctuation identifies nobody.
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
export type Publishable = { schemaId: number; priority: Priority; siblingOf: readonly string[] };

/**
 * The outbox record of a fact. It derives from the fact and what it corrects alone, so that the same input
 * always makes the same bytes.
 * @throws PermanentError `no-identifier`, `too-large`, `invalid-data`
 */
export const factRecord = async (
  { organisation, source, codec, tokeniser }: Recording,
  fact: Fact,
  id: string,
  { schemaId, priority }: Publishable,
  corrects?: string,
): Promise<KafkaRecord> => {
  const [own] = fact.subject;
  if (own === undefined) throw new PermanentError('no-identifier', 'The person has no identifier');
  const subject = tokeniser.local(organisation, own.scheme, own.id);
  const data = fact.voids === undefined ? fact.data : { ...fact.data, corrects: corrects ?? null };
  const value = await codec.encode(schemaId, data);
  if (value.length > LARGEST_VALUE)
    throw new PermanentError('too-large', 'The event is too large for the bus');
  const envelope: Envelope = {
    id,
    source,
    type: fact.type,
    time: fact.occurredAt,
    subject,
    tokens: tokensOf(tokeniser, fact),
    otherTokens: [],
    ...(fact.recordedAt !== undefined && { recordedTime: fact.recordedAt }),
    classification: fact.classification,
    handling: fact.handling ?? [],
    exclude: fact.exclude ?? [],
    priority: fact.priority ?? priority,
    ...(fact.actBy !== undefined && { actBy: fact.actBy }),
    ...(fact.correlationId !== undefined && { correlationId: fact.correlationId }),
    ...(corrects !== undefined && { corrects }),
    replay: false,
    agreement: [],
  };
  const { outbox } = topicsOf(organisation);
  return { topic: outbox, key: subject, value, headers: encodeHeaders(envelope, 'outbox') };
};
