import { isFeedback } from '@causeway/schemas/catalogue/event-type';
import type { EventData } from '@causeway/schemas/generated/types';
import type { KafkaRecord } from '../kafka/broker-client.ts';
import {
  type Answered,
  allowsFeedback,
  type FeedbackParts,
  feedbackRecord,
  recipientContact,
} from './feedback.ts';

const TYPE = 'uk.causeway.exchange.acknowledgement.recorded.v1';

export type Acknowledgement = {
  /** As the schema writes it: `not_ours` is `not-ours` at the gateway. */
  state: Exclude<EventData[typeof TYPE]['state'], 'UNKNOWN'>;
  team?: string | null;
  /** A case or message number that says nothing about the person by itself. */
  reference?: string | null;
  /** When the recipient said so, RFC 3339. */
  at: string;
};

/**
 * The outbox record with which a recipient tells the source what became of its event; undefined where the
 * agreements that released it allow no feedback, or it is feedback itself. The same words at the same time make the same event.
 *
 * @throws RetryableError when the registry is away
 */
export const acknowledgementRecord = async (
  parts: FeedbackParts,
  answered: Answered,
  { state, team = null, reference = null, at }: Acknowledgement,
): Promise<KafkaRecord | undefined> => {
  if (isFeedback(answered.type) || !allowsFeedback(parts.agreements.state(), answered.agreement))
    return undefined;
  return feedbackRecord(parts, answered, {
    type: TYPE,
    data: {
      acknowledges: answered.id,
      acknowledgedType: answered.type,
      recipient: parts.organisation,
      state,
      team,
      reference,
      recordedAt: at,
      contact: recipientContact(parts),
    },
    identity: [state, team ?? '', reference ?? '', at],
    time: at,
  });
};
