import { RetryableError } from '../errors.ts';
import type { FetchedRecord } from '../kafka/broker-client.ts';
import type { Reader } from '../kafka/reader.ts';
import { SUBSCRIPTION_HEADER } from './dead-letter.ts';
import { topicsOf } from './topics.ts';

const LIMITS = { maxWaitMs: 0, maxBytes: 2_097_152, partitionMaxBytes: 262_144 };

/** One dead letter by its offset; undefined where retention has removed it. @throws RetryableError */
export const readDeadLetter = async (
  reader: Pick<Reader, 'fetch'>,
  organisation: string,
  offset: number,
): Promise<FetchedRecord | undefined> => {
  const topic = topicsOf(organisation).deadLetter;
  const [part] = await reader.fetch([{ topic, partition: 0, offset }], LIMITS);
  if (part === undefined)
    throw new RetryableError('kafka-unavailable', 'Kafka gave no answer for the dead letter');
  return part.records.find((record) => record.offset === offset);
};

/** The component that refused the record. */
export const componentOf = ({ headers }: FetchedRecord): string | undefined =>
  headers['dl-component']?.toString('utf8');

/**
 * Where a dead letter of a subscription was in the inbox; undefined for a dead letter of anything else. `place` is
 * undefined where it does not say so.
 */
export const subscriptionOrigin = ({ headers }: Pick<FetchedRecord, 'headers'>) => {
  const subscription = headers[SUBSCRIPTION_HEADER]?.toString('utf8');
  if (subscription === undefined) return undefined;
  const origin = /^(\d+)-(\d+)$/.exec(headers['dl-origin']?.toString('utf8') ?? '');
  const place = origin === null ? undefined : { partition: Number(origin[1]), position: Number(origin[2]) };
  return { subscription, place };
};
