import { isFeedback } from '@causeway/schemas/catalogue/event-type';
import { batched } from '../async/batcher.ts';
import { runLoop } from '../async/run-loop.ts';
import { decodeHeaders, type Envelope } from '../bus/envelope.ts';
import { inboxOf } from '../delivery/inbox-of.ts';
import { instanceName } from '../delivery/instance.ts';
import { type Clock, systemClock } from '../delivery/subscription.ts';
import type { Inboxes } from '../inbox/inbox.ts';
import type { FetchedRecord, KafkaRecord } from '../kafka/broker-client.ts';
import type { Producer } from '../kafka/producer.ts';
import type { Reader } from '../kafka/reader.ts';
import type { Database } from '../postgres/database.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { followAcknowledgements } from './acknowledgement-follower.ts';
import {
  allowsFeedback,
  type FeedbackParts,
  feedbackRecord,
  isInForce,
  recipientContact,
} from './feedback.ts';
import {
  createOverdueStore,
  migrateFeedback,
  type Overdue,
  type Watched,
  watchedOf,
} from './overdue-store.ts';

/** An event and where it lies in the inbox. */
export type Placed = {
  event: Envelope;
  partition: number;
  offset: number;
  /** Append time, milliseconds since 1970. */
  since: number;
};

/**
 * Watches one organisation's inbox for events that are not delivered or not acknowledged in time, and tells the source of each
 * one, once. It reads the inbox itself, so that it notices what nobody fetches and what waits behind something else.
 *
 * One watch per organisation, run by whoever delivers to it: its adapter where it has a sink, the gateway for all
 * others. Whoever hands an event over says so with `delivered`, before or after the watch has seen it.
 */
export type OverdueWatch = {
  /** These were handed over. Cheap where none of them is watched for. @throws RetryableError */
  delivered(events: readonly Placed[]): Promise<void>;
  /** Somebody or some system at the recipient has said that it has them. @throws RetryableError */
  acknowledged(events: readonly Placed[]): Promise<void>;
  close(): Promise<void>;
};

export type OverdueParts = {
  feedback: FeedbackParts;
  database: Pick<Database, 'query' | 'transaction' | 'migrate'>;
  inboxes: Pick<Inboxes, 'use'>;
  producer: Pick<Producer, 'send'>;
  log: Logger;
  metrics: Pick<Metrics, 'overdue' | 'loopRestarts'>;
  /** Where others may take acknowledgements for the organisation, such as the gateway: reads what they note. */
  reader?(): Reader;
  clock?: Clock;
  instance?: string;
};

const TYPE = 'uk.causeway.exchange.delivery.overdue.v1';
const TURN_MS = 5_000;
const LEASE_MS = 20_000;
const RETRY_MS = 1_000;
const FOLLOWING_MS = 5_000;
/** Events of one statement that says that they were handed over. */
const MOST_NOTED = 1_000;
/** A watch that begins for the first time looks back this far. */
const FIRST_LOOK_MS = 300_000;

/** The notice for the source, or undefined where the agreements allow no feedback any more. @throws RetryableError */
const overdueRecord = async (
  parts: FeedbackParts,
  { event, reason, dueAt, noticedAt }: Overdue,
): Promise<KafkaRecord | undefined> => {
  if (!allowsFeedback(parts.agreements.state(), event.agreement)) return undefined;
  return feedbackRecord(parts, event, {
    type: TYPE,
    data: {
      overdueEvent: event.id,
      overdueType: event.type,
      overduePriority: event.priority === 'same-day' ? 'same_day' : event.priority,
      recipient: parts.organisation,
      reason,
      dueAt: dueAt.toISOString(),
      noticedAt: noticedAt.toISOString(),
      contact: recipientContact(parts),
    },
    identity: [],
    time: noticedAt.toISOString(),
  });
};

/** Begins in the background and goes on through outages. */
export const watchOverdue = (parts: OverdueParts): OverdueWatch => {
  const { feedback, database, producer, log, metrics, clock = systemClock } = parts;
  const { organisation } = feedback;
  const store = createOverdueStore(database, organisation, parts.instance ?? instanceName());
  const inbox = inboxOf(parts.inboxes, organisation);
  const acknowledgements = parts.reader && followAcknowledgements(parts.reader, organisation, store);
  const closing = new AbortController();
  let migrated: Promise<void> | undefined;
  let complete = false;

  const prepared = (): Promise<void> => {
    migrated ??= migrateFeedback(database);
    migrated.catch(() => {
      migrated = undefined;
    });
    return migrated;
  };

  const firstHeads = async (): Promise<number[]> => {
    const known = await store.heads();
    if (known.length === 0) return inbox.since(clock.now() - FIRST_LOOK_MS);
    if (complete) return known;
    // Lanes that came since the last start have no head yet.
    const heads = (await inbox.oldest()).map((oldest, partition) => known[partition] ?? oldest);
    complete = true;
    return heads;
  };

  /** Reads to the end of the inbox. */
  const look = async (): Promise<void> => {
    const heads = await firstHeads();
    for (;;) {
      const fetched = await inbox.read(heads.map((offset, partition) => ({ partition, offset })));
      const found: Watched[] = [];
      let moved = false;
      for (const { partition, records, next, outOfRange } of fetched) {
        const to = outOfRange ? ((await inbox.oldest())[partition] ?? next) : next;
        found.push(...records.flatMap((record) => watched(record, partition) ?? []));
        moved ||= to > (heads[partition] ?? 0);
        heads[partition] = Math.max(to, heads[partition] ?? 0);
      }
      if (!moved || closing.signal.aborted) return;
      await store.found(found, heads);
    }
  };

  const tell = async (): Promise<void> => {
    // Whether anybody may be told stands in the agreements: they must be known.
    while (feedback.agreements.freshWithin(FOLLOWING_MS)) {
      const overdue = await store.overdue(clock.now());
      if (overdue.length === 0) return;
      const records: KafkaRecord[] = [];
      for (const one of overdue) {
        // What may not be handed over any more is not late.
        if (!isInForce(feedback.agreements.state(), one.event.agreement)) continue;
        const record = await overdueRecord(feedback, one);
        if (record !== undefined) records.push(record);
        metrics.overdue.inc({ organisation, reason: one.reason });
        const { event, reason } = one;
        log.error(
          { event: 'event.overdue', organisation, eventId: event.id, type: event.type, reason },
          'an event is overdue: ring the recipient',
        );
      }
      if (records.length > 0) await producer.send(records);
      await store.told(overdue);
    }
  };

  const turn = async (): Promise<void> => {
    await prepared();
    if (!(await store.lead(LEASE_MS))) return;
    const heard = await acknowledgements?.listen(clock.now());
    await look();
    // Heard before the inbox was read to its end: what was acknowledged is known by now.
    if (heard !== undefined) await store.hear(heard, clock.now());
    await tell();
    await store.forget();
  };

  const running = runLoop({
    name: 'overdue-watch',
    signal: closing.signal,
    step: async () => {
      await turn();
      await clock.wait(TURN_MS, closing.signal);
    },
    retryMs: RETRY_MS,
    log,
    metrics,
    fields: { organisation },
  });

  const placed = (events: readonly Placed[]): Watched[] =>
    events.flatMap((one) => (isFeedback(one.event.type) ? [] : (watchedOf(one.event, one) ?? [])));

  const noting = (write: typeof store.delivered): OverdueWatch['delivered'] => {
    const note = batched<Watched, void>(async (found) => {
      await prepared();
      // One statement can touch a row once.
      const rows = new Map(found.map((one) => [`${one.partition}-${one.position}`, one]));
      await write([...rows.values()], clock.now());
      return found.map(() => undefined);
    }, MOST_NOTED);
    return async (events) => {
      const found = placed(events);
      if (found.length > 0) await note(found);
    };
  };

  return {
    delivered: noting(store.delivered),
    acknowledged: noting(store.acknowledged),
    async close() {
      closing.abort();
      await running;
      await acknowledgements?.close();
    },
  };
};

const watched = (record: FetchedRecord, partition: number): Watched | undefined => {
  try {
    const event = decodeHeaders(record.headers);
    if (isFeedback(event.type)) return undefined;
    return watchedOf(event, { partition, offset: record.offset, since: record.timestamp });
  } catch {
    // Whoever delivers it says that it cannot be read.
    return undefined;
  }
};
