import type { KafkaRecord } from '../kafka/broker-client.ts';
import { decodeObject, required } from './json-record.ts';
import { topicsOf } from './topics.ts';

/**
 * Redrive: dead letters once more to the one who gave them up, after what was wrong has been mended. The console writes
 * one record for each dead letter into `redrive.<organisation>`. Everybody who gives dead letters up follows that topic and takes
 * those that bear its own name in `dl-component`: an adapter what its source or sink refused, the gateway what
 * webhooks refused, the exchange what it refused itself. What came of it is a `redrive` record in `deliveries.<organisation>`.
 */
export type RedriveRequest = {
  /** Of this request: in the result as well. 8 to 64 letters, digits, `-` and `_`. */
  id: string;
  /** Offset in `dead-letter.<organisation>`, partition 0. */
  deadLetter: number;
  /** Who asked, as the log-in calls them. */
  by: string;
  /** Why, as typed: at most 500 characters. Shown to operators only. */
  reason: string;
  /** When, RFC 3339. */
  at: string;
};

/** The record of `redrive.<organisation>`; the key is the request's id. */
export const redriveRecord = (organisation: string, request: RedriveRequest): KafkaRecord => ({
  topic: topicsOf(organisation).redrive,
  partition: 0,
  key: request.id,
  value: Buffer.from(JSON.stringify(request)),
});

/** @throws PermanentError `undecodable` for a value that is no request */
export const parseRedrive = (value: Buffer | null): RedriveRequest => {
  const object = decodeObject(value, 'redrive');
  return {
    id: required(object, 'id', (id) => typeof id === 'string' && /^[A-Za-z0-9_-]{8,64}$/.test(id)),
    deadLetter: required(object, 'deadLetter', (at) => Number.isSafeInteger(at) && Number(at) >= 0),
    by: required(object, 'by', isText(200)),
    reason: required(object, 'reason', isText(500)),
    at: required(object, 'at', isText(40)),
  };
};

const isText =
  (longest: number) =>
  (value: unknown): boolean =>
    typeof value === 'string' && value.length > 0 && value.length <= longest;
