import { eventId } from '../bus/envelope.ts';
import type { KafkaRecord } from '../kafka/broker-client.ts';
import type { DedupLookup } from './dedup-store.ts';
import type { Recording } from './fact.ts';
import { type MemoryRule, skipReasonOf, writesOf } from './rules.ts';

/**
 * The record of an interest or a safeguard. It is on the bus before the facts of its message, and is sent only where it says something
 * new: `state` is compared with what was sent last about this thing under this name.
 */
export type Registration = {
  record: KafkaRecord;
  /** Sent with it. */
  also?: readonly KafkaRecord[];
  /** In the source's own words: whose it is, and which record of theirs. */
  about: string;
  name: string;
  /** What decides whether it is new; undefined closes what was opened, and does nothing where nothing was. */
  state: string | undefined;
  /** As in a fact's `latest`: a registration that is older than one that was sent before is skipped. */
  order?: string;
};

export type IdentifiedRegistration = { records: KafkaRecord[]; rule: MemoryRule };

/** The state is kept as a hash: it may be made of tokens. */
export const identifyRegistrations = (
  { organisation, tokeniser }: Pick<Recording, 'organisation' | 'tokeniser'>,
  registrations: readonly Registration[] = [],
): IdentifiedRegistration[] =>
  registrations.map(({ record, also = [], about, name, state, order }) => ({
    records: [record, ...also],
    rule: {
      rule: 'registration',
      visit: tokeniser.local(organisation, 'standing', about),
      former: tokeniser.former?.local(organisation, 'standing', about),
      fact: name,
      state: state === undefined ? '' : eventId([name], Buffer.from(state), 0),
      order,
    },
  }));

/** The records of the registrations that say something new, which are known from then on. */
export const newRegistrations = (
  registrations: readonly IdentifiedRegistration[],
  known: Pick<DedupLookup, 'lastEvent' | 'addFact'>,
): KafkaRecord[] =>
  registrations.flatMap(({ records, rule }) => {
    const skipped = skipReasonOf(rule, known) !== undefined;
    for (const write of writesOf(rule, known)) known.addFact(write);
    return skipped ? [] : records;
  });
