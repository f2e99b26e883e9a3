import type { KafkaRecord } from '../kafka/broker-client.ts';
import { topicsOf } from './topics.ts';

/**
 * The records of `deliveries.<organisation>`: what became of that organisation's inbox. JSON; the key is the subscription or
 * the client. Nothing in them is personal: events are named by id and position.
 */
export type DeliveryRecord = AttemptRecord | PageRecord | AcknowledgedRecord | GapRecord | RedriveResult;

/** One attempt to hand one event to a sink or a webhook. */
export type AttemptRecord = {
  kind: 'attempt';
  subscription: string;
  /** `<partition>-<offset>` in the inbox. */
  position: string;
  /** Id, type and source of the event; absent where the record could not be read. */
  event?: string;
  type?: string;
  source?: string;
  /**
   * `delivered`; `retry`: will be tried again; `unreachable`: the same, and nothing was sent; `refused`: the receiver will never
   * take it; `gave-up`: the last try; both are dead letters. `withheld`: no agreement allows it any more. `undecodable` and
   * `lost` (no longer in the inbox): could not be read. `gone`: the receiver wants nothing any more.
   */
  outcome:
    | 'delivered'
    | 'retry'
    | 'unreachable'
    | 'refused'
    | 'gave-up'
    | 'withheld'
    | 'undecodable'
    | 'lost'
    | 'gone';
  /** A stable word: `ok`, `AE`, `time-out`, `not-active`. */
  code: string;
  /** As the receiver said it: `AA`, `503`. */
  status?: string;
  /** Tries so far that count, this one included. */
  attempt: number;
  durationMs: number;
  /** The redrive request that brought it back, and the dead letter that it named. */
  redrive?: string;
  deadLetter?: number;
  /** RFC 3339. */
  at: string;
};

/** One page or flush for a client that pulls or streams. */
export type PageRecord = {
  kind: 'page';
  client: string;
  via: 'pull' | 'stream';
  /** Per partition that gave events: first and last position handed over, and how many. */
  events: { first: string; last: string; count: number }[];
  withheld: number;
  at: string;
};

/** A recipient said over HTTP what became of an event, whether or not the source is told. */
type AcknowledgedRecord = {
  kind: 'acknowledged';
  client: string;
  position: string;
  event: string;
  state: 'seen' | 'accepted' | 'not_ours' | 'unable';
  at: string;
};

/** Records that were gone from the inbox before the subscription read them. `until` is the first one that is still there. */
export type GapRecord = {
  kind: 'gap';
  subscription: string;
  partition: number;
  from: number;
  until: number;
  at: string;
};

/** What came of a redrive request. `queued`: attempts follow, with `redrive` in their records. */
export type RedriveResult = {
  kind: 'redrive';
  request: string;
  deadLetter: number;
  component: string;
  outcome: 'queued' | 'published' | 'duplicate' | 'not-shared' | 'withheld' | 'refused' | 'not-found';
  code: string;
  /** The client that asked the component itself: there is no record of it in `redrive.<organisation>`. */
  by?: string;
  at: string;
};

/** The record for the topic. The key spreads subscriptions and clients over the partitions, each in its order. */
export const deliveryRecord = (organisation: string, record: DeliveryRecord): KafkaRecord => ({
  topic: topicsOf(organisation).deliveries,
  key: keyOf(record),
  value: Buffer.from(JSON.stringify(record)),
});

const keyOf = (record: DeliveryRecord): string => {
  if (record.kind === 'page' || record.kind === 'acknowledged') return record.client;
  return record.kind === 'redrive' ? record.component : record.subscription;
};
