import { createRequire } from 'node:module';
import { PermanentError, RetryableError } from '../../errors.ts';

const load = createRequire(import.meta.url);
const { errorCodes } = load('kafkajs/src/protocol/error') as { errorCodes: { type: string; code: number }[] };

// PRODUCER_FENCED is younger than the client's own list.
const ERROR_NAMES = new Map([
  ...errorCodes.map(({ code, type }) => [code, type] as const),
  [90, 'PRODUCER_FENCED'],
]);

/** Kafka's name of an error code. */
export const errorName = (code: number): string => ERROR_NAMES.get(code) ?? `UNKNOWN_ERROR_${code}`;

/** What the caller or the settings got wrong: the same request cannot succeed later. */
const INVALID =
  /^(INVALID_(CONFIG|PARTITIONS|TOPIC_EXCEPTION|GROUP_ID|SESSION_TIMEOUT|TRANSACTION_TIMEOUT)|POLICY_VIOLATION)$/;

/** The error for a name of Kafka's: permanent where the same request cannot succeed later. */
export const errorOf = (name: string, context: string): Error => {
  if (name.endsWith('AUTHORIZATION_FAILED'))
    return new PermanentError(
      'not-authorised',
      `Kafka refused ${context}: this principal has no right to do it. Check its name and the declared ACLs.`,
    );
  if (name === 'MESSAGE_TOO_LARGE' || name === 'RECORD_LIST_TOO_LARGE')
    return new PermanentError('too-large', `Kafka refused ${context}: larger than the topic allows.`);
  const ErrorClass = INVALID.test(name) ? PermanentError : RetryableError;
  const code = `kafka-${name.toLowerCase().replaceAll('_', '-')}` as const;
  return new ErrorClass(code, `Kafka answered ${name} to ${context}`);
};

/** An error of ours for one of the client. */
export const translateError = (error: unknown, context: string): Error => {
  if (error instanceof RetryableError || error instanceof PermanentError) return error;
  // Several topics at once: the client gathers what happened to each.
  const first = (error as { errors?: unknown[] }).errors?.[0];
  if (first) return translateError(first, context);
  const { type, code, name, message } = error as {
    type?: string;
    code?: number;
    name?: string;
    message?: string;
  };
  if (code === 90) return errorOf('PRODUCER_FENCED', context);
  if (type) return errorOf(type, context);
  const cause = { cause: error };
  if (name === 'KafkaJSSASLAuthenticationError')
    return new RetryableError(
      'kafka-log-in',
      'Kafka refused the log-in. Check KAFKA_USERNAME and KAFKA_PASSWORD.',
      cause,
    );
  return new RetryableError(
    'kafka-unavailable',
    `Kafka could not be reached for ${context}: ${message ?? name}`,
    cause,
  );
};

/** Runs requests of the client; what they throw becomes an error of ours. */
export const attempt = async <T>(context: string, run: () => Promise<T>): Promise<T> => {
  try {
    return await run();
  } catch (error) {
    throw translateError(error, context);
  }
};

/** Whether the error says something about the link, and not what the broker thinks of a request. */
export const isLinkFailure = (error: unknown): boolean =>
  error instanceof RetryableError
    ? LINK_FAILURES.has(error.code)
    : !(error instanceof PermanentError) && (error as { type?: string }).type === undefined;

const LINK_FAILURES = new Set(['kafka-timed-out', 'kafka-disconnected', 'kafka-closed', 'kafka-malformed']);
