import { setTimeout as delay } from 'node:timers/promises';
import { createWaker, type LoopOptions, startLoop } from '../async/run-loop.ts';
import type { Logger } from '../telemetry/log.ts';
import { isDead } from './instance.ts';
import type { PartitionDelivery } from './partition.ts';
import type { DeliveryStore, Held } from './store.ts';

/**
 * Which partitions this instance works: a lease for each, prolonged every few seconds, and a fair share of all of them.
 * An instance that goes silent loses its leases to the others when they run out.
 */
export type Leases = {
  /** Whether what was renewed last is certain to be held still. */
  hold(): boolean;
  /** Looks now rather than at the next turn. */
  refresh(): void;
  close(): Promise<void>;
};

type LeaseParts = {
  store: DeliveryStore;
  instance: string;
  leaseMs: number;
  log: Logger;
  metrics: LoopOptions['metrics'];
  /** Before each turn: what is to be worked may have changed. */
  prepare(): Promise<void>;
  /** Ids of the subscriptions that this instance works. */
  subscriptions(): string[];
  deliveries(): PartitionDelivery[];
  /** Begins to work a partition that was claimed. */
  begin(held: Held): Promise<void>;
  /** Writes down what is under way and gives the lease back. */
  release(delivery: PartitionDelivery): Promise<void>;
  /** After each turn. */
  after(): Promise<void>;
};

const TURN_MS = 5_000;
/** A lease counts as held this much shorter than the database has it. */
const MARGIN = 0.2;

export const keepLeases = (parts: LeaseParts): Leases => {
  const { store, instance, leaseMs, log } = parts;
  const waker = createWaker();
  let heldUntil = 0;

  const turn = async (): Promise<void> => {
    await parts.prepare();
    const begun = performance.now();
    const seen = await store.seen(leaseMs);
    const instances = Math.max(1, seen.filter((one) => !isDead(one, instance)).length);
    const held = await store.renew(leaseMs);
    heldUntil = begun + leaseMs * (1 - MARGIN);
    const ours = new Set(held.map(nameOf));
    for (const delivery of parts.deliveries()) if (!ours.has(nameOf(delivery.held))) delivery.drop();
    // Claimed without our hearing of it, as an answer was lost: another instance may claim it.
    const worked = new Set(parts.deliveries().map((delivery) => nameOf(delivery.held)));
    for (const one of held) if (!worked.has(nameOf(one))) await store.release(one);
    await share(instances);
    await parts.after();
  };

  /** Takes what is free up to a fair share, and gives back what is more than that. */
  const share = async (instances: number): Promise<void> => {
    const subscriptions = parts.subscriptions();
    const fair = Math.ceil((await store.partitions(subscriptions)) / instances);
    const deliveries = parts.deliveries().filter((delivery) => !delivery.retired());
    for (const delivery of deliveries.slice(fair)) void giveBack(delivery);
    if (deliveries.length >= fair) return;
    const dead = (await store.holders()).filter((holder) => isDead(holder, instance));
    const claimed = await store.claim(subscriptions, fair - deliveries.length, leaseMs, dead);
    for (const held of claimed) await parts.begin(held);
  };

  const giveBack = async (delivery: PartitionDelivery): Promise<void> => {
    const { subscription, partition } = delivery.held;
    log.info(
      { event: 'partition.released', subscription, partition },
      'partition passed to another instance',
    );
    delivery.retire();
    while (delivery.queue.size().busy > 0 && !delivery.signal.aborted) await delay(20);
    await parts.release(delivery);
  };

  const pauseMs = Math.min(TURN_MS, leaseMs / 5);
  const loop = startLoop({
    name: 'delivery-leases',
    step: async () => {
      await turn();
      return pauseMs;
    },
    retryMs: pauseMs,
    pause: waker.pause,
    log,
    metrics: parts.metrics,
  });

  return {
    hold: () => performance.now() < heldUntil,
    refresh: waker.wake,
    close: loop.close,
  };
};

const nameOf = ({ subscription, partition, epoch }: Held): string => `${subscription} ${partition} ${epoch}`;
