import { setTimeout as delay } from 'node:timers/promises';
import { deadLetterRecord, SUBSCRIPTION_HEADER } from '../bus/dead-letter.ts';
import { type DeliveryRecord, deliveryRecord } from '../bus/delivery-log.ts';
import { topicsOf } from '../bus/topics.ts';
import { errorCode, isPermanent, RetryableError } from '../errors.ts';
import type { FetchedRecord, KafkaRecord } from '../kafka/broker-client.ts';
import type { Producer } from '../kafka/producer.ts';
import type { Logger } from '../telemetry/log.ts';
import { envelopeOf, refOf } from './dead-letter-reader.ts';
import { createQueue, type Item, type Queue } from './queue.ts';
import type { DeliveryStore, Held } from './store.ts';

/**
 * One partition of one subscription while this instance holds it: what waits, and how its outcomes are stored.
 * First the records of Kafka (dead letters, attempts), then head and parked rows in one statement
 * that the lease's epoch guards. A crash in between repeats a delivery and loses nothing.
 */
export type PartitionDelivery = {
  held: Held;
  queue: Queue;
  /** Where to read on. */
  readAt(): number;
  /** How many are parked, here and ahead. */
  parked(): number;
  /** Whether any are parked where reading has not come yet: they are not tried before it has. */
  hasAhead(): boolean;
  /** Aborted when the partition is not ours any more. */
  signal: AbortSignal;
  /** Adds what was read; `next` is where to read on. */
  take(records: readonly FetchedRecord[], next: number): void;
  /** Puts dead letters back into the queue. */
  requeue(items: readonly Item[]): void;
  /** It waits no longer. */
  done(item: Item, report?: DeliveryRecord, also?: readonly KafkaRecord[]): void;
  /** It is tried again at `item.due`. */
  park(item: Item, report: DeliveryRecord): void;
  postpone(item: Item, report: DeliveryRecord): void;
  /** It becomes a dead letter; the subject goes on once that is durable. */
  deadLetter(item: Item, parts: DeadLetterParts, report: DeliveryRecord): void;
  /** Reports something about the partition itself, such as a gap. */
  report(record: DeliveryRecord, readAt?: number): void;
  /** What is settled and not yet written down. */
  unsaved(): number;
  /** Resolves when everything settled so far is written down, or the partition is lost. */
  flushed(): Promise<void>;
  /** Nothing more is begun: the partition is about to be handed over. */
  retire(): void;
  retired(): boolean;
  drop(): void;
};

type DeadLetterParts = {
  record: FetchedRecord;
  reason: string;
  attempts: number;
  also?: readonly KafkaRecord[] | undefined;
};

export type PartitionDeliveryParts = {
  organisation: string;
  /** The service: `dl-component` of its dead letters. */
  component: string;
  store: DeliveryStore;
  producer: Pick<Producer, 'send'>;
  log: Logger;
  /** Resolves when what was settled by then is to be written down. */
  beat(): Promise<void>;
  /** Something can be tried that could not before. */
  changed(): void;
  /** Somebody else works the partition. */
  lost(delivery: PartitionDelivery): void;
  deadLettered(reason: string): void;
};

type Pending = {
  records: KafkaRecord[];
  keep: Map<number, Item>;
  remove: Set<number>;
  deadLettered: Item[];
  count: number;
};

const SAVE_AGAIN_MS = 250;
const emptyPending = (): Pending => ({
  records: [],
  keep: new Map(),
  remove: new Set(),
  deadLettered: [],
  count: 0,
});

export const createPartitionDelivery = (
  held: Held,
  parked: readonly Item[],
  parts: PartitionDeliveryParts,
): PartitionDelivery => {
  const { organisation, component, store, producer, log, beat, changed } = parts;
  const queue = createQueue();
  const ending = new AbortController();
  let isRetired = false;
  let readAt = held.head;
  let savedHead = held.head;
  let pending = emptyPending();
  let flushing: Promise<void> | undefined;

  /**
   * Parked in an earlier life, or redriven, where reading has not come again. Each takes its place when it does: tried before, it would
   * pass what lies between.
   */
  const ahead = new Map<number, Item>();
  const admit = (item: Item): void => {
    if (item.position < readAt) queue.add(item);
    else ahead.set(item.position, item);
  };
  for (const item of parked) admit(item);

  /** Dead letters that are not written down as such yet, by position, and what is requeued of them meanwhile. */
  const deadLettering = new Map<number, Item | undefined>();

  const leave = (item: Item): void => {
    queue.remove(item);
    const requeued = deadLettering.get(item.position);
    deadLettering.delete(item.position);
    if (requeued !== undefined) admit(requeued);
  };

  const readOn = (next: number): void => {
    readAt = Math.max(readAt, next);
    // What the inbox keeps no longer is not read; that will come out when it is tried.
    const passed = [...ahead.values()].filter(({ position }) => position < readAt);
    for (const item of passed) ahead.delete(item.position);
    for (const item of passed) queue.add(item);
  };

  const head = () => queue.firstFresh() ?? readAt;

  const note = (report: DeliveryRecord | undefined): void => {
    if (report !== undefined) pending.records.push(deliveryRecord(organisation, report));
    pending.count += 1;
    save();
    changed();
  };

  const keep = (items: readonly Item[]): void => {
    for (const item of items) pending.keep.set(item.position, item);
  };

  const forget = (item: Item): void => {
    pending.keep.delete(item.position);
    if (item.parked) pending.remove.add(item.position);
  };

  const save = (): void => {
    flushing ??= flush();
  };

  const isDue = () => !ending.signal.aborted && (pending.count > 0 || head() !== savedHead);

  const flush = async (): Promise<void> => {
    await beat();
    while (isDue()) {
      const batch = pending;
      const upTo = head();
      const rows = [...batch.keep.values()].map((item) => ({ ...item }));
      pending = emptyPending();
      await persist(batch, rows, upTo);
      for (const item of batch.deadLettered) leave(item);
      if (batch.deadLettered.length > 0 || batch.count > 0) changed();
      if (isDue()) await beat();
    }
    // In the same moment as the last look: what is settled later starts another flush.
    flushing = undefined;
  };

  const persist = async (batch: Pending, rows: readonly Item[], upTo: number): Promise<void> => {
    let sent = batch.records.length === 0;
    while (!ending.signal.aborted) {
      try {
        if (!sent) await producer.send(batch.records);
        sent = true;
        await store.save(held, { head: upTo, keep: rows, remove: [...batch.remove] });
        savedHead = upTo;
        return;
      } catch (error) {
        const code = errorCode(error);
        if (code === 'lease-lost' || isPermanent(error)) {
          log.warn(
            { event: 'partition.released', subscription: held.subscription, partition: held.partition, code },
            'lease lost, partition released',
          );
          return lose();
        }
        log.warn(
          { event: 'delivery.retrying', subscription: held.subscription, code },
          'deliveries could not be recorded; retrying',
        );
        await delay(SAVE_AGAIN_MS);
      }
    }
  };

  const lose = (): void => {
    if (ending.signal.aborted) return;
    ending.abort(new RetryableError('lease-lost', 'The partition is not held any more'));
    parts.lost(delivery);
  };

  const delivery: PartitionDelivery = {
    held,
    queue,
    readAt: () => readAt,
    parked: () => queue.size().parked + ahead.size,
    hasAhead: () => ahead.size > 0,
    signal: ending.signal,
    take(records, next) {
      for (const record of records) {
        const known = ahead.get(record.offset);
        ahead.delete(record.offset);
        const item = known ?? itemOf(record);
        queue.add(item);
        if (item.parked && known === undefined) {
          keep([item]);
          pending.count += 1;
        }
      }
      readOn(next);
      save();
      changed();
    },
    requeue(items) {
      for (const item of items) {
        if (deadLettering.has(item.position)) deadLettering.set(item.position, item);
        else if (!queue.has(item.position) && !ahead.has(item.position)) admit(item);
      }
      keep(items);
      note(undefined);
    },
    done(item, report, also = []) {
      pending.records.push(...also);
      forget(item);
      queue.remove(item);
      note(report);
    },
    park(item, report) {
      const parking = queue.park(item);
      keep([item, ...parking]);
      note(report);
    },
    postpone(item, report) {
      queue.postpone(item);
      if (item.parked) keep([item]);
      note(report);
    },
    deadLetter(item, { record, reason, attempts, also = [] }, report) {
      pending.records.push(...also);
      forget(item);
      const topic = topicsOf(organisation).deadLetter;
      pending.records.push(deadLetterOf(topic, component, held, item, { record, reason, attempts }));
      pending.deadLettered.push(item);
      deadLettering.set(item.position, undefined);
      parts.deadLettered(reason);
      note(report);
    },
    report(record, from) {
      if (from !== undefined) readOn(from);
      note(record);
    },
    unsaved: () => pending.count,
    flushed: async () => {
      while (flushing !== undefined) await flushing;
    },
    retire() {
      isRetired = true;
    },
    retired: () => isRetired,
    drop: () => ending.abort(new RetryableError('stopping', 'The service stops')),
  };
  return delivery;
};

const deadLetterOf = (
  topic: string,
  component: string,
  { subscription, partition }: Held,
  { position }: Item,
  { record: original, reason, attempts }: DeadLetterParts,
): KafkaRecord => {
  const origin = `${partition}-${position}`;
  const { key, value: raw, headers } = original;
  const received = Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('dl-')));
  const content = { raw, key, headers: received, reason, attempts };
  const record = deadLetterRecord(topic, component, origin, content, Number.POSITIVE_INFINITY);
  return { ...record, headers: { ...record.headers, [SUBSCRIPTION_HEADER]: subscription } };
};

const itemOf = (record: FetchedRecord): Item => {
  const envelope = envelopeOf(record);
  return {
    position: record.offset,
    event: refOf(envelope, record.offset),
    since: record.timestamp,
    parked: false,
    tries: 0,
    firstTry: null,
    due: 0,
    deadLetter: null,
    redrive: null,
    record,
    ...(envelope && { envelope }),
  };
};
