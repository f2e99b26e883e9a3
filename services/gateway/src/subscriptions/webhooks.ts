import { untilDeadline } from '@causeway/runtime/async/retry';
import { createWaker, startLoop } from '@causeway/runtime/async/run-loop';
import { WEBHOOK_CIRCUIT } from '@causeway/runtime/delivery/circuit-breaker';
import { createDelivery, type Delivery, type DeliveryParts } from '@causeway/runtime/delivery/delivery';
import { WEBHOOK_SCHEDULE } from '@causeway/runtime/delivery/retry-policy';
import { type Subscription, systemClock } from '@causeway/runtime/delivery/subscription';
import { errorCode } from '@causeway/runtime/errors';
import { type Attempts, createAttempts } from './attempts.ts';
import { COMPONENT, createDeadLetters, type DeadLetters, type Letter } from './dead-letters.ts';
import { delivererOf, type SendingParts, wantsOf } from './deliver.ts';
import { createDeliveredNotes, type DeliveredNotesParts } from './delivered-notes.ts';
import { createRedrives, type RedriveOrder } from './redrives.ts';
import type { SecretEncryption } from './secret-encryption.ts';
import { createSubscriptionStore, type Stored, type SubscriptionStore } from './subscription-store.ts';

/** Brings inboxes to partners' endpoints, with the other instances of the gateway. */
export type Webhooks = {
  subscriptions: SubscriptionStore;
  attempts: Attempts;
  deadLetters: DeadLetters;
  sending: SendingParts;
  /** The heads of a new subscription: it gets what comes from now on. @throws RetryableError */
  begin(id: string, heads: readonly number[]): Promise<void>;
  /** Moves a subscription to these positions. */
  replay(id: string, heads: readonly number[]): Promise<void>;
  /** Brings dead letters back for the client `by`; gives what the requests that their attempts will name begin with. */
  redrive(asked: RedriveOrder, letters: readonly Letter[]): Promise<string>;
  /** An endpoint that was left alone is tried again at once. */
  resetCircuit(id: string): Promise<void>;
  forget(id: string): Promise<void>;
  /** Something was changed here: takes it up now rather than within a second. */
  refresh(): void;
  close(): Promise<void>;
};

type WebhooksParts = Omit<DeliveryParts, 'component' | 'settled' | 'gone'> &
  DeliveredNotesParts & {
    sending: Omit<SendingParts, 'clock'>;
    encryption: Pick<SecretEncryption, 'reencrypt'>;
  };

const PATIENCE_MS = 3_000;
const AGAIN_MS = 50;
const REFRESH_MS = 1_000;
/** Events of different subjects under way to one endpoint. */
const CONCURRENCY = 32;
/** Endpoints know a repeat by `webhook-id`; many events a statement is what makes a delivery cheap. */
const SAVE_MS = 50;

export const createWebhooks = (parts: WebhooksParts): Webhooks => {
  const { database, log, metrics, clock = systemClock } = parts;
  const sending: SendingParts = { ...parts.sending, clock };
  const subscriptions = createSubscriptionStore(database);
  const attempts = createAttempts(database, log);
  const deadLetters = createDeadLetters(database, parts.reader);
  const answers = new Map<string, string>();
  const known = new Map<string, Stored>();
  const deliveredNotes = createDeliveredNotes(parts);

  const delivery: Delivery = createDelivery({
    ...parts,
    component: COMPONENT,
    saveMs: SAVE_MS,
    settled: ({ id, organisation }, item, { report, event }) => {
      if (report === undefined) return;
      const answer = answers.get(`${id} ${report.position}`);
      answers.delete(`${id} ${report.position}`);
      attempts.note(report, answer);
      if (event === undefined || (report.outcome !== 'delivered' && report.outcome !== 'withheld')) return;
      const [partition = 0, offset = 0] = report.position.split('-').map(Number);
      deliveredNotes.note(organisation, { event, partition, offset, since: item.since });
    },
    gone: ({ id }) => {
      const stored = known.get(id);
      if (stored !== undefined) void endOf(stored);
    },
  });

  const redrives = createRedrives(parts, delivery, deadLetters, clock);

  const endOf = async (stored: Stored): Promise<void> => {
    const expired = stored.expires !== null && stored.expires.getTime() <= clock.now();
    const [status, reason] = expired ? (['expired', 'expired'] as const) : (['disabled', 'gone'] as const);
    await subscriptions
      .end(stored.id, stored.revision, status, reason)
      .catch((error) =>
        log.warn(
          { event: 'subscription.not_ended', code: errorCode(error) },
          'subscription could not be ended',
        ),
      );
    log.warn(
      { event: 'subscription.ended', subscription: stored.id, organisation: stored.organisation, reason },
      'subscription ended',
    );
    waker.wake();
  };

  const subscriptionOf = (stored: Stored): Subscription => ({
    id: stored.id,
    organisation: stored.organisation,
    start: 'end',
    concurrency: CONCURRENCY,
    schedule: WEBHOOK_SCHEDULE,
    circuit: WEBHOOK_CIRCUIT,
    wants: wantsOf(stored),
    deliver: delivererOf(sending, stored, (position, text) => answers.set(`${stored.id} ${position}`, text)),
  });

  /** In the first moments the tables are being made: a moment's patience saves a refusal. */
  const prepared = (): Promise<void> =>
    untilDeadline(Date.now() + PATIENCE_MS, AGAIN_MS, () => delivery.ready());

  const reconcile = async (): Promise<void> => {
    const all = await subscriptions.all();
    const there = new Set(all.map(({ id }) => id));
    for (const stored of all) await take(stored);
    for (const id of [...known.keys()].filter((one) => !there.has(one))) {
      known.delete(id);
      await delivery.unset(id);
      await delivery.store.forget(id);
    }
    redrives.follow(new Set(all.map(({ organisation }) => organisation)));
  };

  const take = async (stored: Stored): Promise<void> => {
    const before = known.get(stored.id);
    const isOver = stored.expires !== null && stored.expires.getTime() <= clock.now();
    if (before === undefined) await subscriptions.reencrypt(stored, parts.encryption);
    if (stored.status === 'active' && isOver) await endOf(stored);
    if (before?.revision === stored.revision) return;
    known.set(stored.id, stored);
    if (stored.status === 'active') delivery.set(subscriptionOf(stored));
    else if (before?.status === 'active') await delivery.unset(stored.id);
  };

  const waker = createWaker();
  const loop = startLoop({
    name: 'webhooks',
    step: async () => {
      await reconcile();
      return REFRESH_MS;
    },
    retryMs: REFRESH_MS,
    pause: waker.pause,
    log,
    metrics,
  });

  return {
    subscriptions,
    attempts,
    deadLetters,
    sending,
    async begin(id, heads) {
      await prepared();
      await delivery.store.begin(id, heads);
    },
    async replay(id, heads) {
      await prepared();
      await delivery.store.move(id, heads);
      delivery.refresh();
    },
    async redrive(asked, letters) {
      await prepared();
      return redrives.order(asked, letters);
    },
    async resetCircuit(id) {
      await prepared();
      await delivery.store.saveCircuit(id, { openUntil: null, opens: 0 });
    },
    forget: (id) => delivery.store.forget(id),
    refresh: waker.wake,
    async close() {
      await loop.close();
      await redrives.close();
      await delivery.close();
      await Promise.all([attempts.close(), deliveredNotes.close(), deadLetters.close()]);
    },
  };
};
