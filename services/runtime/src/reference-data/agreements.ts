import {
  type AgreementRecord,
  type AgreementsState,
  applyRecord,
  emptyState,
} from '@causeway/schemas/agreements/log';
import { AGREEMENTS_TOPIC } from '../bus/topics.ts';
import type { Kafka } from '../kafka/connect.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { followTopics, type TopicFollower } from './topic-follower.ts';

/** An answer older than this releases nothing: so a change takes effect in under a second everywhere. */
export const FRESH_MS = 750;

export type Agreements = Omit<TopicFollower, 'offset'> & {
  /** Next offset of the topic. */
  offset(): number;
  /** The fold of everything up to `offset()`. A new object after each change, never changed in place. */
  state(): AgreementsState;
};

/** Follows the topic of agreements for a process that decides. */
export const followAgreements = (
  kafka: Kafka,
  log: Logger,
  metrics?: Pick<Metrics, 'loopRestarts'>,
): Agreements => {
  let state = emptyState();
  const follower = followTopics(kafka, {
    name: 'agreements',
    topics: () => [AGREEMENTS_TOPIC],
    apply: (_, { value }) => {
      if (value !== null) state = applyRecord(state, JSON.parse(value.toString('utf8')) as AgreementRecord);
    },
    log,
    metrics,
  });
  return { ...follower, offset: () => follower.offset(AGREEMENTS_TOPIC), state: () => state };
};
