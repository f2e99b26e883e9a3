import type { Envelope } from '../bus/envelope.ts';
import type { KafkaRecord } from '../kafka/broker-client.ts';
import type { CircuitSettings } from './circuit-breaker.ts';
import type { Schedule } from './retry-policy.ts';

/**
 * Somebody who wants an organisation's inbox brought to him: a legacy system behind its adapter (a sink), or a webhook.
 * The delivery core keeps order, positions, retries and dead letters; how one event is handed over is `deliver`'s.
 */
export type Subscription = {
  /** Unique within the service's database schema; also the key in `deliveries.<organisation>` unless it has a `name`. */
  id: string;
  /** What `deliveries.<organisation>` calls it where the id is not unique there, as with two adapters of one organisation. */
  name?: string;
  /** Whose inbox. */
  organisation: string;
  /** Where to begin where nothing is known yet: `since` is milliseconds since 1970, by append time. */
  start: 'oldest' | 'end' | { since: number };
  /** Events under way at one time, of different subjects. */
  concurrency: number;
  schedule: Schedule;
  circuit: CircuitSettings;
  /** Whether this event is wanted at all, by its attributes; what is not is passed over. All by default. */
  wants?(event: Envelope): boolean;
  /**
   * Hands one event over, once. It should not take longer than 30 s and must heed `signal`. What it throws counts as
   * `retry` with the error's code.
   */
  deliver(attempt: Attempt): Promise<DeliveryOutcome>;
};

/** One try to hand over one event. The agreements allow it at this moment. */
export type Attempt = {
  event: Envelope;
  /** The fields that may be handed over now. */
  data: unknown;
  /** Registry id of the schema of the record, for titles and documentation of the fields. */
  schemaId: number;
  /** `<id>/<version>` of the agreements that release it now. */
  agreements: readonly string[];
  /** `<partition>-<offset>` in the inbox. */
  position: string;
  /** When it came into the inbox, milliseconds since 1970. */
  since: number;
  /** 1 for the first try. */
  number: number;
  redriven: boolean;
  /** The trace of this try, W3C Trace Context, where there is one: for a protocol that can carry it. */
  traceparent?: string;
  /** Aborted when the service stops or another instance has taken over. */
  signal: AbortSignal;
};

export type DeliveryOutcome =
  | {
      outcome: 'delivered';
      code?: string;
      status?: string;
      /** Published together with the record of the delivery, such as what the receiver said back. */
      also?: readonly KafkaRecord[];
    }
  /** Not wanted after all; passed over without a record. */
  | { outcome: 'not-wanted' }
  /** `blame` says whether the receiver is in trouble or only this event (default): the circuit counts the former. */
  | {
      outcome: 'retry';
      code: string;
      status?: string;
      blame?: 'event' | 'receiver';
      /** Not before then, whatever the schedule says; milliseconds. */
      afterMs?: number;
    }
  /** Nothing was sent: uses up no try. */
  | { outcome: 'unreachable'; code: string; status?: string; afterMs?: number }
  /** The receiver will never take this event: a dead letter now. */
  | { outcome: 'refused'; code: string; status?: string; also?: readonly KafkaRecord[] }
  /** The receiver wants nothing any more: the subscription stops, the event waits. */
  | { outcome: 'gone'; code: string; status?: string };

/** The world's time; injected, so that three days can be tested in moments. */
export type Clock = {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after that time, or when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
};

const LONGEST_TIMER_MS = 2_000_000_000;

export const systemClock: Clock = {
  now: () => Date.now(),
  wait: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, Math.min(Math.max(ms, 0), LONGEST_TIMER_MS));
      signal.addEventListener('abort', end);
    }),
};
