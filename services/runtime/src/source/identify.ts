import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import type { EventData } from '@causeway/schemas/generated/types';
import type { Codec } from '../avro/codec.ts';
import { eventId } from '../bus/envelope.ts';
import type { Agreements } from '../reference-data/agreements.ts';
import type { Fact, Publishable, Recording } from './fact.ts';
import { type IdentifiedFact, rulesOf } from './rules.ts';

export type PublishableTypes = ReadonlyMap<string, Publishable>;

/**
 * The event types that a source can publish, with the ids of their schemas.
 * @throws RetryableError, or PermanentError `unknown-schema` before the deployment step of this version has run
 */
export const publishableTypes = async (
  codec: Codec,
  wanted: readonly (keyof EventData)[],
): Promise<PublishableTypes> => {
  const types = new Map<string, Publishable>();
  for (const { type, schema, siblingOf, defaultPriority, actBy } of loadCatalogue()) {
    if (!wanted.some((one) => one === type)) continue;
    const schemaId = await codec.idOf(type, schema);
    await codec.schemaOf(schemaId);
    types.set(type, { schemaId, siblingOf, defaultPriority, ...(actBy && { actBy }) });
  }
  return types;
};

/** Read by the exchange and the console, which need no agreement for it. */
const NEVER_RELEASED = 'uk.causeway.nhs.identity.linked.v1';

/** Whether an agreement names the type that is neither a draft nor ended; what withdraws such a fact is shared with it. */
export const sharedBy = (
  agreements: Agreements,
  organisation: string,
  types: PublishableTypes,
): ((fact: Fact) => boolean) => {
  let of: ReturnType<Agreements['state']> | undefined;
  let shared = new Set<string>();
  const sharedTypes = (): Set<string> => {
    const named = new Set([NEVER_RELEASED]);
    for (const { record, status } of agreements.state().versions.values()) {
      if (record.agreement.from !== organisation || status === 'draft' || status === 'ended') continue;
      for (const type of Object.keys(record.release)) named.add(type);
    }
    const wanted = [...types].filter(([type, { siblingOf }]) =>
      [type, ...siblingOf].some((one) => named.has(one)),
    );
    return new Set(wanted.map(([type]) => type));
  };
  return ({ type }) => {
    // The state is a new object after each change.
    if (of !== agreements.state()) {
      of = agreements.state();
      shared = sharedTypes();
    }
    return shared.has(type);
  };
};

/** The facts of a message with their ids. An id derives from the message alone, so that one that is sent again is known. */
export const identifyFacts = (
  { organisation, tokeniser }: Pick<Recording, 'organisation' | 'tokeniser'>,
  { identity, content, facts }: { identity: readonly string[]; content: Buffer; facts: readonly Fact[] },
): IdentifiedFact[] =>
  facts.map((fact, index) => {
    const visit = (fact.remember ?? fact.latest ?? fact.voids ?? fact.traits?.[0])?.visit;
    const tokenBy = (one: typeof tokeniser | undefined) =>
      visit === undefined ? undefined : one?.local(organisation, 'visit', visit);
    const token = tokenBy(tokeniser);
    return {
      fact,
      id: eventId(identity, content, index),
      rules: token === undefined ? [] : rulesOf(fact, { visit: token, former: tokenBy(tokeniser.former) }),
    };
  });
