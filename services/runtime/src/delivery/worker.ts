import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { type NextStep, runLoop } from '../async/run-loop.ts';
import { endingAfter } from '../async/timeout.ts';
import { errorCode } from '../errors.ts';
import type { Ends } from '../inbox/tail.ts';
import { type AttemptParts, attemptOnce, type Result } from './attempt.ts';
import type { Circuit } from './circuit-breaker.ts';
import type { DeliveryInbox } from './inbox-of.ts';
import type { PartitionDelivery, PartitionDeliveryParts } from './partition.ts';
import type { Item } from './queue.ts';
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

export type WorkerParts = AttemptParts & {
  inbox: DeliveryInbox;
  store: DeliveryStore;
  circuit: Circuit;
  log: PartitionDeliveryParts['log'];
  /** Whether leases are certain to be held still: a process that was stopped for a while must not go on. */
  holds(): boolean;
  /** Heard after each settled event. */
  settled(item: Item, result: Result): void;
  /** Events were lost before they were read. */
  gap(): void;
  /** The receiver said that it wants nothing any more. */
  gone(): void;
};

/** Fresh events of one partition that are held in memory, and bytes of all partitions. */
const AHEAD = 200;
/** With fewer than this there is more to be read: not with each event that is done. */
const REFILL = 100;
const AHEAD_BYTES = 4 * 1024 * 1024;
/** Rows that may be parked for one subscription before reading stops. */
export const MOST_PARKED = 10_000;
const AFTER_FAILURE_MS = 500;
/** A look around even where nobody said that anything changed. */
const IDLE_MS = 1_000;
/** A reason of its own is cheap; without one an error is made, with its stack, for each of thousands of events. */
const WOKEN = 'woken';

export const createWorker = (parts: WorkerParts): Worker => {
  const { subscription, clock, circuit, inbox, log } = parts;
  const deliveries = new Set<PartitionDelivery>();
  /** Ends the loops, and later what is still under way then. */
  const halting = new AbortController();
  const stopping = new AbortController();
  let stopped = false;
  let underWay = 0;
  let elsewhere = 0;
  let wakeTrying: (() => void) | undefined;
  let wakeReading = new AbortController();

  /** Which are waited for at their ends; others could not be read on, for want of room or because the receiver is left alone. */
  let waitedFor: ReadonlySet<PartitionDelivery> | undefined;

  const wake = (): void => wakeTrying?.();

  const readOnIfRoom = (): void => {
    if (waitedFor === undefined || readable().every((delivery) => waitedFor?.has(delivery))) return;
    waitedFor = undefined;
    wakeReading.abort(WOKEN);
    wakeReading = new AbortController();
  };

  const alive = (): PartitionDelivery[] => [...deliveries].filter(({ signal }) => !signal.aborted);
  const working = (): PartitionDelivery[] => alive().filter((delivery) => !delivery.retired());
  const parkedHere = (): number => alive().reduce((sum, delivery) => sum + delivery.parked(), 0);
  const freshBytes = (): number => alive().reduce((sum, { queue }) => sum + queue.freshBytes(), 0);

  // ── trying ──

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
      .filter((delivery) => delivery.unsaved() < AHEAD)
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
    const { next, said, record, receiver, item: tried } = result;
    // The queue keeps its own item: only what the attempt decides is taken over.
    if (tried !== undefined)
      Object.assign(item, { tries: tried.tries, firstTry: tried.firstTry, due: tried.due });
    noteReceiver(receiver, item);
    parts.settled(item, result);
    if (next === 'done') delivery.done(item, said, result.also);
    else if (next === 'dead-letter' && record !== undefined && said !== undefined)
      delivery.deadLetter(
        item,
        { record, reason: deadLetterReason(said), attempts: item.tries, also: result.also },
        said,
      );
    else if (next === 'postpone' && said !== undefined) delivery.postpone(item, said);
    else if (said !== undefined) delivery.park(item, said);
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
      .filter((delivery) => delivery.unsaved() < AHEAD)
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
      readOnIfRoom();
      await somethingNew(nextLook(clock.now()));
      // One turn of the event loop, so that what is settled together is followed by one look.
      await new Promise(setImmediate);
    }
  };

  // ── reading ──

  const readable = (): PartitionDelivery[] => {
    const state = circuit.state(clock.now());
    if (stopped || state === 'open') return [];
    const isFull = elsewhere + parkedHere() >= MOST_PARKED;
    // What is parked ahead is tried, and becomes less, only once it has been read again.
    const growing = working().filter((delivery) => !isFull || delivery.hasAhead());
    const bytes = freshBytes();
    // Something must be there to be tried, or an open circuit would never be closed again.
    if (state === 'half-open') return bytes === 0 ? growing : [];
    return growing.filter(({ queue }) => {
      const { fresh } = queue.size();
      return fresh === 0 || (bytes < AHEAD_BYTES && fresh < REFILL);
    });
  };

  /** True where there is more to be read at once. */
  const readOn = async (from: readonly PartitionDelivery[]): Promise<boolean> => {
    const fetched = await inbox.read(
      from.map((delivery) => ({ partition: delivery.held.partition, offset: delivery.readAt() })),
    );
    let more = false;
    for (const delivery of from) {
      const part = fetched.find(({ partition }) => partition === delivery.held.partition);
      if (part === undefined || delivery.signal.aborted) continue;
      if (part.outOfRange) more = (await overGap(delivery)) || more;
      else if (part.next > delivery.readAt()) {
        const room = part.records.slice(0, AHEAD);
        const last = room.length < part.records.length ? room.at(-1) : undefined;
        more ||= last !== undefined || part.next < part.endOffset;
        delivery.take(room, last === undefined ? part.next : last.offset + 1);
      }
    }
    return more;
  };

  /** What retention has taken was not delivered: that is said, and reading goes on where the log begins now. */
  const overGap = async (delivery: PartitionDelivery): Promise<boolean> => {
    const { partition } = delivery.held;
    const [oldest, from] = [(await inbox.oldest())[partition] ?? 0, delivery.readAt()];
    if (oldest <= from) return false;
    log.error(
      { event: 'delivery.gap', subscription: subscription.id, partition, from, until: oldest },
      'events expired from the inbox before they were delivered',
    );
    parts.gap();
    const at = new Date(clock.now()).toISOString();
    delivery.say(
      { kind: 'gap', subscription: subscription.name ?? subscription.id, partition, from, until: oldest, at },
      oldest,
    );
    return true;
  };

  /** Where the partitions end, as far as that is known now. */
  let known: Ends = [];

  const readOnce = async (): Promise<NextStep> => {
    if (stopped) return 'done';
    const wake = wakeReading.signal;
    const from = readable();
    const longer = from.filter((delivery) => known[delivery.held.partition] !== delivery.readAt());
    known = [];
    if (longer.length > 0 && (await readOn(longer))) return;
    if (readable().some((delivery) => !from.includes(delivery))) return;
    waitedFor = new Set(from);
    const ends: (number | undefined)[] = [];
    for (const delivery of from) ends[delivery.held.partition] = delivery.readAt();
    const limit = endingAfter(IDLE_MS, wake, halting.signal);
    if (from.length > 0) known = await inbox.beyond(ends, limit.signal);
    else await delay(IDLE_MS, undefined, { signal: limit.signal }).catch(() => undefined);
    limit.end();
  };

  const reading = () =>
    runLoop({
      name: 'delivery-reading',
      signal: halting.signal,
      step: readOnce,
      retryMs: AFTER_FAILURE_MS,
      log,
      fields: { subscription: subscription.id },
    });

  const running = Promise.all([trying(), reading()]);

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

const pressure = ({ event, since, due }: Item): number =>
  (event.priority === 'immediate' ? 0 : 1e15) + Math.max(since, due);

const deadLetterReason = ({ outcome, code }: { outcome: string; code: string }): string =>
  `${outcome}-${code}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
