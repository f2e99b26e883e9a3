import { setTimeout as delay } from 'node:timers/promises';
import { type LoopOptions, type NextStep, runLoop } from '../async/run-loop.ts';
import { endingAfter } from '../async/timeout.ts';
import type { Ends } from '../inbox/tail.ts';
import type { AttemptParts } from './attempt.ts';
import type { Circuit } from './circuit-breaker.ts';
import type { DeliveryInbox } from './inbox-of.ts';
import type { PartitionDelivery, PartitionDeliveryParts } from './partition.ts';

export type ReadAheadParts = Pick<AttemptParts, 'subscription' | 'clock'> & {
  inbox: DeliveryInbox;
  circuit: Circuit;
  log: PartitionDeliveryParts['log'];
  metrics: LoopOptions['metrics'];
  /** Events were lost before they were read. */
  gap(): void;
};

/** What the worker knows at any time. */
type WorkerState = {
  working(): PartitionDelivery[];
  isStopped(): boolean;
  /** Rows parked for the whole subscription, by all instances. */
  parkedInAll(): number;
  freshBytes(): number;
};

type ReadAhead = {
  /** Reads again at once when a partition may be read that could not be before. */
  wakeIfRoom(): void;
  /** Reads until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
};

/** Fresh events of one partition that are held in memory, and bytes of all partitions. */
const AHEAD = 200;
/** With fewer than this there is more to be read: not with each event that is done. */
const REFILL = 100;
const AHEAD_BYTES = 4 * 1024 * 1024;
/** Rows that may be parked for one subscription before reading stops. */
const MOST_PARKED = 10_000;
const AFTER_FAILURE_MS = 500;
const IDLE_MS = 1_000;

/** Reads the partitions of one subscription into their queues, as far ahead as memory and the circuit allow. */
export const createReadAhead = (
  { subscription, clock, circuit, inbox, log, metrics, gap }: ReadAheadParts,
  state: WorkerState,
): ReadAhead => {
  let wakeReading = new AbortController();
  /** Partitions waited for at their ends; the others had no room, or the circuit was open. */
  let waitedFor: ReadonlySet<PartitionDelivery> | undefined;
  /** Where the partitions end, as far as that is known now. */
  let known: Ends = [];

  const readable = (): PartitionDelivery[] => {
    const circuitState = circuit.state(clock.now());
    if (state.isStopped() || circuitState === 'open') return [];
    const isFull = state.parkedInAll() >= MOST_PARKED;
    // What is parked ahead is tried, and becomes less, only once it has been read again.
    const growing = state.working().filter((delivery) => !isFull || delivery.hasAhead());
    const bytes = state.freshBytes();
    // Something must be there to be tried, or an open circuit would never be closed again.
    if (circuitState === 'half-open') return bytes === 0 ? growing : [];
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
      if (part.outOfRange) more = (await skipGap(delivery)) || more;
      else if (part.next > delivery.readAt()) {
        const room = part.records.slice(0, AHEAD);
        const last = room.length < part.records.length ? room.at(-1) : undefined;
        more ||= last !== undefined || part.next < part.endOffset;
        delivery.take(room, last === undefined ? part.next : last.offset + 1);
      }
    }
    return more;
  };

  /** Reports the events that retention removed before delivery, and reads on where the log begins now. */
  const skipGap = async (delivery: PartitionDelivery): Promise<boolean> => {
    const { partition } = delivery.held;
    const [oldest, from] = [(await inbox.oldest())[partition] ?? 0, delivery.readAt()];
    if (oldest <= from) return false;
    log.error(
      { event: 'delivery.gap', subscription: subscription.id, partition, from, until: oldest },
      'events expired from the inbox before they were delivered',
    );
    gap();
    const at = new Date(clock.now()).toISOString();
    delivery.report(
      { kind: 'gap', subscription: subscription.name ?? subscription.id, partition, from, until: oldest, at },
      oldest,
    );
    return true;
  };

  const readOnce = async (halting: AbortSignal): Promise<NextStep> => {
    if (state.isStopped()) return 'done';
    const wake = wakeReading.signal;
    const from = readable();
    const longer = from.filter((delivery) => known[delivery.held.partition] !== delivery.readAt());
    known = [];
    if (longer.length > 0 && (await readOn(longer))) return;
    if (readable().some((delivery) => !from.includes(delivery))) return;
    waitedFor = new Set(from);
    const ends: (number | undefined)[] = [];
    for (const delivery of from) ends[delivery.held.partition] = delivery.readAt();
    const limit = endingAfter(IDLE_MS, wake, halting);
    if (from.length > 0) known = await inbox.beyond(ends, limit.signal);
    else await delay(IDLE_MS, undefined, { signal: limit.signal }).catch(() => undefined);
    limit.end();
  };

  return {
    wakeIfRoom() {
      if (waitedFor === undefined || readable().every((delivery) => waitedFor?.has(delivery))) return;
      waitedFor = undefined;
      // A reason of its own is cheap; without one an error is made, with its stack, for each wake.
      wakeReading.abort('woken');
      wakeReading = new AbortController();
    },
    run: (signal) =>
      runLoop({
        name: 'delivery-reading',
        signal,
        step: () => readOnce(signal),
        retryMs: AFTER_FAILURE_MS,
        log,
        metrics,
        fields: { subscription: subscription.id },
      }),
  };
};
