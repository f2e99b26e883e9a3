import { schemaIdOf } from '../avro/codec.ts';
import type { Decode } from '../avro/schema-lookup.ts';
import { decodeHeaders, type Envelope } from '../bus/envelope.ts';
import {
  authoriseDelivery,
  type DeliveryDecision,
  type InboxRecord,
} from '../disclosure/delivery-decision.ts';
import {
  createPolicySnapshots,
  type PolicyInputs,
  type PolicySnapshot,
} from '../disclosure/policy-snapshot.ts';
import { isPermanent } from '../errors.ts';
import type { FetchedRecord } from '../kafka/broker-client.ts';
import type { Clock } from './subscription.ts';

/** An inbox record, read. */
export type Read = InboxRecord & { schemaId: number };

type AuthoriserParts = PolicyInputs & { organisation: string; decode: Decode; clock: Clock };

/** Asks the one function that decides what may be handed over, at the moment of each try. */
export type Authoriser = {
  /**
   * `unreadable` for a record that nobody will ever be able to read.
   * @param envelope what its headers say, where that is known
   * @throws RetryableError while it may become readable
   */
  read(record: FetchedRecord, envelope?: Envelope): Promise<Read | { unreadable: string }>;
  /** Waits until the agreements are known to be current, then decides. */
  authorise(read: Read, signal: AbortSignal): Promise<DeliveryDecision>;
};

const STALE_PAUSE_MS = 50;
/** What was found out about the agreements serves the events of a moment. */
const MOMENT_MS = 200;

export const createAuthoriser = ({
  organisation,
  decode,
  clock,
  ...knowledge
}: AuthoriserParts): Authoriser => {
  const rulings = createPolicySnapshots(knowledge, () => clock.now());
  let made: { ruling: PolicySnapshot; at: number } | undefined;

  const current = (): PolicySnapshot => {
    const at = performance.now();
    if (made === undefined || at - made.at > MOMENT_MS || !rulings.isCurrent(made.ruling))
      made = { ruling: rulings.current(), at };
    return made.ruling;
  };

  return {
    async read(record, envelope) {
      try {
        const event = envelope ?? decodeHeaders(record.headers);
        return { event, ...(await decode(record.value)), schemaId: schemaIdOf(record.value) };
      } catch (error) {
        if (isPermanent(error)) return { unreadable: error.code };
        throw error;
      }
    },
    async authorise(read, signal) {
      while (!rulings.isFresh()) {
        signal.throwIfAborted();
        await new Promise((resolve) => setTimeout(resolve, STALE_PAUSE_MS));
      }
      return authoriseDelivery(current(), read, organisation);
    },
  };
};
