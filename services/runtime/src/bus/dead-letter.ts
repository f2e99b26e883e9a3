import { createHash } from 'node:crypto';
import type { PlacedRecord } from '../kafka/broker-client.ts';

/** Which subscription a dead letter comes from; a redrive finds its way back by it and by `dl-origin`. */
export const SUBSCRIPTION_HEADER = 'dl-subscription';

/** Bytes of a dead letter that are kept; of more than that, the beginning, the length and the hash. */
export const KEPT_BYTES = 400_000;

export type DeadLetter = {
  /** As it came; null where a Kafka record had no value. */
  raw: Buffer | null;
  /** A code in kebab-case; never anything of the content. */
  reason: string;
  attempts: number;
  contentType?: string;
  /** Set where `raw` is only the beginning of what came. */
  whole?: { length: number; sha256: string };
  /** Key and headers of a Kafka record, carried along unchanged. */
  key?: Buffer | null;
  headers?: Record<string, Buffer | undefined>;
};

/**
 * The record that keeps what could not be read, published or delivered: its bytes unchanged, up to `keptBytes`.
 * `component` is who gave up, `origin` where the bytes came from. Nothing personal may be in either.
 */
export const deadLetterRecord = (
  topic: string,
  component: string,
  origin: string,
  letter: DeadLetter,
  keptBytes = KEPT_BYTES,
): PlacedRecord => {
  const { raw, reason, attempts, contentType, key = null, headers = {} } = letter;
  const received = Object.entries(headers).filter(
    (entry): entry is [string, Buffer] => entry[1] !== undefined,
  );
  const cut = raw !== null && raw.length > keptBytes;
  const whole =
    letter.whole ??
    (cut ? { length: raw.length, sha256: createHash('sha256').update(raw).digest('hex') } : undefined);
  return {
    topic,
    partition: 0,
    key,
    value: cut ? raw.subarray(0, keptBytes) : raw,
    headers: {
      ...Object.fromEntries(received),
      ...(contentType === undefined ? {} : { 'content-type': contentType }),
      'dl-component': component,
      'dl-reason': reason,
      'dl-origin': origin,
      'dl-attempts': String(attempts),
      ...(whole === undefined ? {} : { 'dl-length': String(whole.length), 'dl-sha256': whole.sha256 }),
    },
  };
};
