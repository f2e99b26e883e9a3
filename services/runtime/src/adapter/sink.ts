import { setTimeout as delay } from 'node:timers/promises';
import { isFeedback } from '@causeway/schemas/catalogue/event-type';
import type { Codec } from '../avro/codec.ts';
import { createDecoder } from '../avro/schema-lookup.ts';
import { subscriptionOrigin } from '../bus/dead-letter-reader.ts';
import type { Envelope } from '../bus/envelope.ts';
import { SINK_CIRCUIT } from '../delivery/circuit-breaker.ts';
import { createDelivery, type DeliveryParts } from '../delivery/delivery.ts';
import { inboxOf } from '../delivery/inbox-of.ts';
import { followRedrives, type Redriven } from '../delivery/redrive-worker.ts';
import { type Schedule, SINK_SCHEDULE } from '../delivery/retry-policy.ts';
import type { Attempt, DeliveryOutcome, Subscription } from '../delivery/subscription.ts';
import { errorCode, PermanentError, RetryableError } from '../errors.ts';
import { createAcknowledger, type EventReference, type RecipientStatus } from '../feedback/acknowledge.ts';
import { type Acknowledgement, acknowledgementRecord } from '../feedback/acknowledgement.ts';
import type { FeedbackParts } from '../feedback/feedback.ts';
import { watchOverdue } from '../feedback/overdue-watch.ts';
import { createInboxes } from '../inbox/inbox.ts';
import type { FetchedRecord } from '../kafka/broker-client.ts';
import type { Kafka } from '../kafka/connect.ts';
import type { Database } from '../postgres/database.ts';
import type { Agreements } from '../reference-data/agreements.ts';
import { FRESH_MS } from '../reference-data/agreements.ts';
import type { Organisations } from '../reference-data/organisations.ts';
import { list } from '../service/config.ts';
import type { Context } from '../service/service.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** As of a subscription; with what the legacy system said back, for the source of the event. */
export type SinkOutcome =
  | Exclude<DeliveryOutcome, Final>
  | (Final & { acknowledgement?: Omit<Acknowledgement, 'at'> });
type Final = Extract<DeliveryOutcome, { outcome: 'delivered' | 'refused' }>;

export type SinkOptions = {
  organisation: string;
  /** The adapter's name. */
  adapter: string;
  kafka: Kafka;
  codec: Codec;
  database: Database;
  agreements: Agreements;
  organisations: Organisations;
  log: Logger;
  metrics: Metrics;
  /** Hands one event to the legacy system, once; see `Subscription.deliver`. */
  deliver(attempt: Attempt): Promise<SinkOutcome>;
  /** What of the inbox is wanted; feedback only with `feedback`. */
  wants?(event: Envelope): boolean;
  /**
   * Whether `deliver` is also given what others say of the organisation's own events: types `uk.causeway.exchange.*`, whose
   * `inResponseTo` names the event. Default false. They are delivered like any other, and never acknowledged.
   */
  feedback?: boolean;
  /** Events under way at one time; default 1. */
  concurrency?: number;
  schedule?: Subscription['schedule'];
  circuit?: Subscription['circuit'];
  /** Tries again what the adapter's source side kept as a dead letter. */
  redriveSource?(letter: FetchedRecord): Promise<Redriven>;
  /** For tests. */
  delivery?: Pick<Partial<DeliveryParts>, 'clock' | 'random' | 'leaseMs' | 'instance'>;
};

export type Sink = {
  /**
   * What the legacy system says of an event later than at its delivery, such as that somebody has taken the case on. The source is
   * told where the agreements allow it, and the event is not overdue any more. Durable once it resolves. It may be
   * called again with the same words, also after a crash: they are published once. Other words follow those before.
   * @throws RetryableError when it cannot be kept now; PermanentError `not-there` where the inbox has no such event (it keeps
   * 30 days), `not-acknowledgeable` for feedback
   */
  acknowledge(event: EventReference, said: RecipientStatus): Promise<void>;
  /** A readiness check. @throws RetryableError until it can deliver */
  ready(): Promise<void>;
  close(): Promise<void>;
};

const wholeSeconds = (seconds: readonly string[]) => seconds.every((second) => /^[1-9]\d{0,4}$/.test(second));

/** A setting: pauses between tries of a sink, whole seconds; the usual ones without it. */
export const retrySeconds = () =>
  list(SINK_SCHEDULE.pauses.map((pause) => String(pause / 1_000)))
    .refine(wholeSeconds)
    .describe('pauses between tries, whole seconds separated by commas');

/** The schedule with the pauses of that setting: the last try is made however long they are. */
export const scheduleOf = (seconds: readonly string[]): Schedule => {
  const pauses = seconds.map((second) => Number(second) * 1_000);
  const sum = pauses.reduce((total, pause) => total + pause, 0);
  return { ...SINK_SCHEDULE, pauses, giveUpAfterMs: Math.max(SINK_SCHEDULE.giveUpAfterMs, 2 * sum) };
};

/** Creates the sink of an adapter, which stops with the service and is a part of its readiness. */
export const startSink = (
  { log, metrics, onStop, readiness }: Pick<Context<unknown>, 'log' | 'metrics' | 'onStop' | 'readiness'>,
  options: Omit<SinkOptions, 'log' | 'metrics'>,
): Sink => {
  const sink = createSink({ ...options, log, metrics });
  onStop('sink', () => sink.close());
  readiness('sink', () => sink.ready());
  return sink;
};

const SUBSCRIPTION = 'sink';
const NOTE_TRIES = 20;
const NOTE_AGAIN_MS = 500;
const FORGET_MS = 3_600_000;

/**
 * The bus side of a legacy system that listens: brings the organisation's inbox to it through the delivery core, passes on what
 * it says back, watches what becomes overdue, and carries out redrives. One per adapter. Everything begins
 * in the background and goes on through outages.
 */
export const createSink = (options: SinkOptions): Sink => {
  const { organisation, adapter, kafka, codec, database, agreements, log, metrics } = options;
  const producer = kafka.producer();
  const inboxes = createInboxes(kafka, log);
  const feedback: FeedbackParts = {
    organisation,
    component: adapter,
    codec,
    organisations: options.organisations,
    agreements,
  };
  const common = { database, inboxes, producer, log, metrics };
  const overdue = watchOverdue({ ...common, feedback, reader: () => kafka.reader(), ...options.delivery });

  const placed = ({ event, position, since }: Pick<Attempt, 'event' | 'position' | 'since'>) => {
    const [partition = 0, offset = 0] = position.split('-').map(Number);
    return [{ event, partition, offset, since }];
  };

  /** The system has it: that must be known, or somebody is rung up for nothing. */
  const noted = async (
    attempt: Attempt,
    { acknowledgement, ...rest }: Extract<SinkOutcome, Final>,
  ): Promise<DeliveryOutcome> => {
    const note = acknowledgement === undefined ? overdue.delivered : overdue.acknowledged;
    if (rest.outcome === 'delivered') await untilNoted(() => note(placed(attempt)), attempt.signal);
    if (acknowledgement === undefined) return rest;
    const said = { ...acknowledgement, at: new Date().toISOString() };
    const record = await acknowledgementRecord(feedback, attempt.event, said).catch((error) => {
      log.warn({ event: 'acknowledgement.not_sent', code: errorCode(error) }, 'acknowledgement not sent');
      return undefined;
    });
    return record === undefined ? rest : { ...rest, also: [record] };
  };

  const untilNoted = async (note: () => Promise<void>, signal: AbortSignal): Promise<void> => {
    for (let tries = 0; tries < NOTE_TRIES && !signal.aborted; tries += 1) {
      try {
        return await note();
      } catch (error) {
        log.warn({ event: 'delivery.retrying', code: errorCode(error) }, 'delivery not recorded; retrying');
        await delay(NOTE_AGAIN_MS);
      }
    }
  };

  const delivery = createDelivery({
    ...common,
    component: adapter,
    agreements,
    reader: () => kafka.reader(),
    decode: createDecoder(codec, Date.now),
    settled: (_subscription, item, { report, event }) => {
      if (report?.outcome !== 'withheld' || event === undefined) return;
      void overdue
        .delivered(placed({ event, position: report.position, since: item.since }))
        .catch(() => undefined);
    },
    ...options.delivery,
  });
  delivery.set({
    id: SUBSCRIPTION,
    name: adapter,
    organisation,
    start: 'oldest',
    concurrency: options.concurrency ?? 1,
    schedule: options.schedule ?? SINK_SCHEDULE,
    circuit: options.circuit ?? SINK_CIRCUIT,
    wants: (event) =>
      (options.feedback === true || !isFeedback(event.type)) && (options.wants?.(event) ?? true),
    deliver: async (attempt) => {
      const outcome = await options.deliver(attempt);
      return outcome.outcome === 'delivered' || outcome.outcome === 'refused'
        ? noted(attempt, outcome)
        : outcome;
    },
  });

  const redriver = followRedrives({
    organisation,
    component: adapter,
    reader: () => kafka.reader(),
    producer,
    database,
    log,
    metrics,
    async redrive(letter, { id, deadLetter }) {
      const origin = subscriptionOrigin(letter);
      if (origin === undefined) {
        if (options.redriveSource !== undefined) return options.redriveSource(letter);
        throw new PermanentError('not-redrivable', 'This adapter has no source side');
      }
      const { subscription, place } = origin;
      if (place === undefined)
        throw new PermanentError('no-origin', 'The dead letter does not say where it lay');
      await delivery.store.orderRedrive({ subscription, ...place, letter: deadLetter, request: id });
      delivery.refresh();
      return { outcome: 'queued', code: 'ok' };
    },
  });

  const acknowledging = createAcknowledger({
    feedback,
    database,
    inbox: inboxOf(inboxes, organisation),
    producer,
    overdue,
    now: Date.now,
  });
  const forgetting = setInterval(() => {
    acknowledging.forget().catch((error) => {
      log.warn({ event: 'cleanup.failed', code: errorCode(error) }, 'old acknowledgements not removed');
    });
  }, FORGET_MS).unref();

  return {
    acknowledge: acknowledging.acknowledge,
    async ready() {
      await delivery.ready();
      if (!agreements.freshWithin(10 * FRESH_MS))
        throw new RetryableError('agreements-not-current', 'The agreements are not followed');
    },
    async close() {
      clearInterval(forgetting);
      await redriver.close();
      await delivery.close();
      await overdue.close();
      await inboxes.close();
    },
  };
};
