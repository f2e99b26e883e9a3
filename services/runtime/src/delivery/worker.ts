import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { errorCode } from '../errors.ts';
import { type AttemptParts, attemptOnce, type Result } from './attempt.ts';
import type { PartitionDelivery } from './partition.ts';
import type { Item } from './queue.ts';
import { createReadAhead, type ReadAheadParts } from './read-ahead.ts';
import type { DeliveryStore } from './store.ts';

/**
 * Works what this instance holds of one subscription: reads its partitions ahead, tries what may be tried, as
 * many at a time as the subscription says, and writes down what came of it.
 */
export type Worker = {
  add(delivery: PartitionDelivery): void;
  deliveries(): PartitionDelivery[];
  /** Something can be tried or read that could not before. */
  wake(): void;
  /** Rows parked for the whole subscription, by all instances. */
  parkedInAll(count: number): void;
  /** Takes nothing new, waits for what is under way and writes it down. */
  stop(): Promise<void>;
};

type WorkerParts = AttemptParts &
  ReadAheadParts & {
    store: DeliveryStore;
    /** Whether leases are certain to be held still: a process that was stopped for a while must not go on. */
    holds(): boolean;
    /** Heard after each settled event. */
    settled(item: Item, result: Result): void;
    /** The receiver wants nothing any more. */
    gone(): void;
  };

/** Transitions of one partition that may wait to be saved. */
const MOST_UNSAVED = 200;
const AFTER_FAILURE_MS = 500;
/** Look around at least this often, also without a wake. */
const IDLE_MS = 1_000;
/** A reason of its own is cheap; without one an error is made, with its stack, for each of thousands of events. */
const WOKEN = 'woken';

export const createWorker = (parts: WorkerParts): Worker => {
  const { subscription, clock, circuit, log } = parts;
  const deliveries = new Set<PartitionDelivery>();
  /** Ends the loops, and later what is still under way then. */
  const halting = new AbortController();
  const stopping = new AbortController();
  let stopped = false;
  let underWay = 0;
  let elsewhere = 0;
  let wakeTrying: (() => void) | undefined;

  const wake = (): void => wakeTrying?.();

  const alive = (): PartitionDelivery[] => [...deliveries].filter(({ signal }) => !signal.aborted);
  const working = (): PartitionDelivery[] => alive().filter((delivery) => !delivery.retired());
  const parkedHere = (): number => alive().reduce((sum, delivery) => sum + delivery.parked(), 0);

  const slots = (): number => {
    if (stopped || !parts.holds()) return 0;
    const state = circuit.state(clock.now());
    if (state === 'open') return 0;
    return (state === 'half-open' ? 1 : subscription.concurrency) - underWay;
  };

  const startReady = (): void => {
    const free = slots();
    if (free <= 0) return;
    const now = clock.now();
    const found = working()
      .filter((delivery) => delivery.unsaved() < MOST_UNSAVED)
      .flatMap((delivery) => delivery.queue.ready(now, free).map((item) => ({ delivery, item })));
    found.sort((a, b) => pressure(a.item) - pressure(b.item));
    for (const { delivery, item } of found.slice(0, free)) void tryItem(delivery, item);
  };

  /** Ends whatever is under way of a delivery, when it is lost or the worker stops. */
  const signals = new WeakMap<PartitionDelivery, AbortSignal>();
  const signalOf = (delivery: PartitionDelivery): AbortSignal => {
    const signal = signals.get(delivery) ?? AbortSignal.any([delivery.signal, stopping.signal]);
    // As many listen as there are events under way.
    setMaxListeners(0, signal);
    signals.set(delivery, signal);
    return signal;
  };

  const tryItem = async (delivery: PartitionDelivery, item: Item): Promise<void> => {
    underWay += 1;
    delivery.queue.begin(item);
    const signal = signalOf(delivery);
    try {
      const result = await attemptOnce(parts, item, delivery.held.partition, signal);
      if (!delivery.signal.aborted) settle(delivery, item, result);
    } catch (error) {
      // Not the event's fault nor the receiver's: the bus or the registry is away, or we are stopping.
      if (!signal.aborted)
        log.warn(
          { event: 'inbox.retrying', subscription: subscription.id, code: errorCode(error) },
          'an event could not be read; retrying',
        );
      item.due = clock.now() + AFTER_FAILURE_MS;
      delivery.queue.postpone(item);
    } finally {
      underWay -= 1;
      wake();
    }
  };

  const settle = (delivery: PartitionDelivery, item: Item, result: Result): void => {
    const { next, receiver, item: tried } = result;
    // The queue keeps its own item: only what the attempt decides is taken over.
    if (tried !== undefined)
      Object.assign(item, { tries: tried.tries, firstTry: tried.firstTry, due: tried.due });
    noteReceiver(receiver, item);
    parts.settled(item, result);
    applyResult(delivery, item, result);
    if (next === 'stop') {
      stopped = true;
      parts.gone();
    }
  };

  const noteReceiver = (receiver: Result['receiver'], item: Item): void => {
    const changed =
      receiver === 'well'
        ? circuit.succeeded()
        : receiver === 'in-trouble' && circuit.failed(item.event.id, clock.now());
    if (!changed) return;
    const { openUntil } = circuit.snapshot();
    const fields = { subscription: subscription.id, open: openUntil !== null };
    if (openUntil === null)
      log.warn({ event: 'receiver.resumed', ...fields }, 'the receiver accepts events again');
    else
      log.warn({ event: 'receiver.paused', ...fields }, 'the receiver keeps failing; deliveries are paused');
    // Lost, it is found out again by the next failures.
    parts.store.saveCircuit(subscription.id, circuit.snapshot()).catch(() => undefined);
  };

  /** How long until something can be tried that cannot now; null where something else has to happen before. */
  const nextLook = (now: number): number | null => {
    const until = circuit.until();
    if (!stopped && until !== null && until > now) return until - now;
    if (slots() <= 0) return null;
    const dues = working()
      .filter((delivery) => delivery.unsaved() < MOST_UNSAVED)
      .flatMap(({ queue }) => queue.nextDue() ?? []);
    return dues.length > 0 ? Math.max(1, Math.min(...dues) - now) : null;
  };

  /** By the injected clock until something is due; by the real one now and then, as a lease may come back. */
  const somethingNew = async (ms: number | null): Promise<void> => {
    const due = ms === null ? undefined : new AbortController();
    let idle: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      wakeTrying = resolve;
      idle = setTimeout(resolve, IDLE_MS);
      if (ms !== null && due !== undefined) void clock.wait(ms, due.signal).then(resolve);
    });
    clearTimeout(idle);
    due?.abort(WOKEN);
  };

  const trying = async (): Promise<void> => {
    while (!stopped) {
      startReady();
      reader.wakeIfRoom();
      await somethingNew(nextLook(clock.now()));
      // One turn of the event loop, so that what is settled together is followed by one look.
      await new Promise(setImmediate);
    }
  };

  const reader = createReadAhead(parts, {
    working,
    isStopped: () => stopped,
    parkedInAll: () => elsewhere + parkedHere(),
    freshBytes: () => alive().reduce((sum, { queue }) => sum + queue.freshBytes(), 0),
  });

  const running = Promise.all([trying(), reader.run(halting.signal)]);

  return {
    add(delivery) {
      for (const old of deliveries) {
        // Claimed anew by its own holder, whose lease had run out or was ended by a replay: each partition is read once.
        if (old.held.partition === delivery.held.partition) old.drop();
        if (old.signal.aborted) deliveries.delete(old);
      }
      deliveries.add(delivery);
      wake();
    },
    deliveries: alive,
    wake,
    parkedInAll: (count) => {
      elsewhere = Math.max(0, count - parkedHere());
    },
    async stop() {
      stopped = true;
      halting.abort(WOKEN);
      wake();
      const patience = setTimeout(() => stopping.abort(), STOP_MS);
      await running;
      while (underWay > 0) await delay(10);
      clearTimeout(patience);
      stopping.abort();
      await Promise.all(alive().map((delivery) => delivery.flushed()));
    },
  };
};

/** How long what is under way may still take when the service stops. */
const STOP_MS = 4_000;

/** Writes down what the attempt decided. */
const applyResult = (delivery: PartitionDelivery, item: Item, result: Result): void => {
  const { next, report, record, also } = result;
  if (next === 'done') delivery.done(item, report, also);
  else if (report === undefined) return;
  else if (next === 'postpone') delivery.postpone(item, report);
  else if (next === 'dead-letter' && record !== undefined)
    delivery.deadLetter(
      item,
      { record, reason: deadLetterReason(report), attempts: item.tries, also },
      report,
    );
  else delivery.park(item, report);
};

const pressure = ({ event, since, due }: Item): number =>
  (event.priority === 'immediate' ? 0 : 1e15) + Math.max(since, due);

const deadLetterReason = ({ outcome, code }: { outcome: string; code: string }): string =>
  `${outcome}-${code}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
