import { createFlushInterval } from '../async/flush-interval.ts';
import { runLoop } from '../async/run-loop.ts';
import type { Decode } from '../avro/schema-lookup.ts';
import type { PolicyInputs } from '../disclosure/policy-snapshot.ts';
import { errorCode, RetryableError } from '../errors.ts';
import type { Inboxes } from '../inbox/inbox.ts';
import type { Producer } from '../kafka/producer.ts';
import type { Reader } from '../kafka/reader.ts';
import type { Database } from '../postgres/database.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Result } from './attempt.ts';
import { createAuthoriser } from './authorise.ts';
import { createCircuit } from './circuit-breaker.ts';
import { openDeadLetters } from './dead-letter-reader.ts';
import { type DeliveryInbox, inboxOf } from './inbox-of.ts';
import { instanceName, register, unregister } from './instance.ts';
import { keepLeases } from './leases.ts';
import { createPartitionDelivery, type PartitionDelivery } from './partition.ts';
import type { Item } from './queue.ts';
import { createDeliveryStore, type DeliveryStore, type Held, migrateDelivery } from './store.ts';
import { type Clock, type Subscription, systemClock } from './subscription.ts';
import { createWorker, type Worker } from './worker.ts';

export type DeliveryParts = PolicyInputs & {
  /** The service: `dl-component` of its dead letters. */
  component: string;
  database: Pick<Database, 'query' | 'migrate'>;
  inboxes: Pick<Inboxes, 'use'>;
  /** For dead letters that are redriven; opened when first needed. */
  reader(): Reader;
  producer: Pick<Producer, 'send'>;
  decode: Decode;
  log: Logger;
  metrics: Pick<Metrics, 'deliveries' | 'deliveryGaps' | 'deadLetters' | 'loopRestarts'>;
  /** Heard after each try, before it is written down. */
  settled?(subscription: Subscription, item: Item, result: Result): void;
  /** A receiver answered that it wants nothing any more; its subscription has stopped here. */
  gone?(subscription: Subscription): void;
  clock?: Clock;
  /** From 0 to 1. */
  random?(): number;
  /** How long a partition stays with an instance that has gone silent, milliseconds; default 45 s. */
  leaseMs?: number;
  /**
   * How long settled events are gathered before they are written down, milliseconds; default one turn of the event loop. A process
   * that dies repeats what it settled in that time.
   */
  saveMs?: number;
  instance?: string;
};

/**
 * Brings inboxes to subscriptions: in order for each subject, at least once, under agreements that are asked again at
 * each try. Several instances over one database share the work. Everything begins in the background and goes on through outages.
 */
export type Delivery = {
  /** Works a subscription from now on, or goes on with it under changed terms. */
  set(subscription: Subscription): void;
  /** Stops working it in this instance; what is stored stays. `store.forget` removes that. */
  unset(id: string): Promise<void>;
  /** Where heads, parked events and leases are written down: for replays, redrives and questions about them. */
  store: DeliveryStore;
  /** A readiness check. @throws RetryableError until the tables are there */
  ready(): Promise<void>;
  /** Looks for leases, changed subscriptions and redrive orders now rather than within 5 s. */
  refresh(): void;
  /** Finishes what is under way, writes it down and gives the leases back. */
  close(): Promise<void>;
};

const LEASE_MS = 45_000;
const RETRY_MS = 1_000;

type Running = { subscription: Subscription; worker: Worker };

export const createDelivery = (parts: DeliveryParts): Delivery => {
  const { component, database, inboxes, producer, log, metrics } = parts;
  const { clock = systemClock, random = Math.random, leaseMs = LEASE_MS, instance = instanceName() } = parts;
  register(instance);
  const store = createDeliveryStore(database, instance);
  const beat = createFlushInterval(parts.saveMs ?? 0);
  const deadLetters = openDeadLetters(parts.reader);
  const wanted = new Map<string, Subscription>();
  const running = new Map<string, Running>();
  const closing = new AbortController();
  let migrated = false;

  const allDeliveries = (): PartitionDelivery[] =>
    [...running.values()].flatMap(({ worker }) => worker.deliveries());

  const start = async (subscription: Subscription): Promise<void> => {
    const { id, organisation } = subscription;
    const inbox = inboxOf(inboxes, organisation);
    // Of one that is known only lanes that came later begin, with their first record.
    const isKnown = await store.known(id);
    await store.begin(id, isKnown ? await inbox.oldest() : await firstHeads(inbox, subscription));
    const worker = createWorker({
      subscription,
      metrics,
      authoriser: createAuthoriser({ ...parts, organisation, clock }),
      circuit: createCircuit(subscription.circuit, await store.circuit(id)),
      clock,
      random,
      inbox,
      store,
      log,
      holds: () => leases.hold(),
      recordOf: ({ deadLetter, position }, partition) =>
        deadLetter === null ? inbox.at(partition, position) : deadLetters.at(organisation, deadLetter),
      settled: (item, result) => {
        if (result.report !== undefined)
          metrics.deliveries.inc({ component, organisation, outcome: result.report.outcome });
        parts.settled?.(subscription, item, result);
      },
      gap: () => metrics.deliveryGaps.inc({ component, organisation }),
      gone: () => parts.gone?.(subscription),
    });
    running.set(id, { subscription, worker });
  };

  const stop = async (id: string): Promise<void> => {
    const known = running.get(id);
    if (known === undefined) return;
    running.delete(id);
    await known.worker.stop();
    await Promise.all(known.worker.deliveries().map(release));
  };

  const release = async (delivery: PartitionDelivery): Promise<void> => {
    await delivery.flushed();
    delivery.drop();
    await store.release(delivery.held).catch(() => undefined);
  };

  /** Brings what is worked in line with what is wanted. */
  const reconcile = async (): Promise<void> => {
    await prepared;
    const changed = [...running.values()].filter(({ subscription: one }) => wanted.get(one.id) !== one);
    await Promise.all(changed.map(({ subscription }) => stop(subscription.id)));
    for (const subscription of wanted.values()) {
      if (running.has(subscription.id) || closing.signal.aborted) continue;
      await start(subscription).catch((error) => {
        const told = {
          event: 'subscription.retrying',
          subscription: subscription.id,
          code: errorCode(error),
        } as const;
        log.warn(told, 'a subscription could not be started; retrying');
        setTimeout(() => leases.refresh(), RETRY_MS).unref();
      });
    }
  };

  const begin = async (held: Held): Promise<void> => {
    const known = running.get(held.subscription);
    if (known === undefined || closing.signal.aborted) return store.release(held);
    const { organisation } = known.subscription;
    const delivery = createPartitionDelivery(held, await store.parked(held), {
      organisation,
      component,
      store,
      producer,
      log,
      beat,
      changed: () => known.worker.wake(),
      lost: () => leases.refresh(),
      deadLettered: (reason) => metrics.deadLetters.inc({ component, organisation, reason }),
    });
    known.worker.add(delivery);
  };

  const afterTurn = async (): Promise<void> => {
    const ids = [...running.keys()];
    const counts = await store.parkedCounts(ids);
    for (const [id, { worker }] of running) worker.parkedInAll(counts.get(id) ?? 0);
    const orders = await store.redriveOrders(ids);
    for (const delivery of orders.length > 0 ? allDeliveries() : []) {
      const { subscription, partition } = delivery.held;
      const own = orders.filter((one) => one.subscription === subscription && one.partition === partition);
      const organisation = running.get(subscription)?.subscription.organisation;
      if (own.length === 0 || organisation === undefined) continue;
      delivery.requeue(await deadLetters.items(organisation, own));
      await delivery.flushed();
      if (!delivery.signal.aborted) await store.doneRedrive(own);
    }
  };

  const prepared = runLoop({
    name: 'delivery-tables',
    signal: closing.signal,
    step: async () => {
      await migrateDelivery(database);
      migrated = true;
      return 'done';
    },
    retryMs: RETRY_MS,
    log,
    metrics,
  });
  const leases = keepLeases({
    store,
    instance,
    leaseMs,
    log,
    metrics,
    prepare: reconcile,
    subscriptions: () => [...running.keys()],
    deliveries: allDeliveries,
    begin,
    release,
    after: afterTurn,
  });

  return {
    set(subscription) {
      wanted.set(subscription.id, subscription);
      leases.refresh();
    },
    async unset(id) {
      wanted.delete(id);
      await stop(id);
    },
    store,
    refresh: () => leases.refresh(),
    async ready() {
      if (!migrated) throw new RetryableError('starting', 'The tables of the delivery are not there yet');
    },
    async close() {
      closing.abort();
      await leases.close();
      await Promise.all([...running.keys()].map(stop));
      unregister(instance);
      await deadLetters.close();
    },
  };
};

const firstHeads = (inbox: DeliveryInbox, { start }: Subscription): Promise<number[]> => {
  if (start === 'oldest') return inbox.oldest();
  return start === 'end' ? inbox.ends() : inbox.since(start.since);
};
