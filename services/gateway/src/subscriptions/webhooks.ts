import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { deliveryRecord } from '@causeway/runtime/bus/delivery-log';
import type { RedriveRequest } from '@causeway/runtime/bus/redrive-request';
import { WEBHOOK_CIRCUIT } from '@causeway/runtime/delivery/circuit-breaker';
import { createDelivery, type Delivery, type DeliveryParts } from '@causeway/runtime/delivery/delivery';
import { SUBSCRIPTION_HEADER } from '@causeway/runtime/delivery/partition';
import { followRedrives, type Redriven, type Redriver } from '@causeway/runtime/delivery/redrive-worker';
import { WEBHOOK_SCHEDULE } from '@causeway/runtime/delivery/retry-policy';
import { type Subscription, systemClock } from '@causeway/runtime/delivery/subscription';
import { errorCode, PermanentError } from '@causeway/runtime/errors';
import type { OverdueWatch, Placed } from '@causeway/runtime/feedback/overdue-watch';
import type { FetchedRecord } from '@causeway/runtime/kafka/broker-client';
import { type Attempts, createAttempts } from './attempts.ts';
import { COMPONENT, createDeadLetters, type DeadLetters, type Letter } from './dead-letters.ts';
import { delivererOf, type SendingParts, wantsOf } from './deliver.ts';
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
  redrive(
    asked: { organisation: string; subscription: string; by: string },
    letters: readonly Letter[],
  ): Promise<string>;
  /** An endpoint that was left alone is tried again at once. */
  forgive(id: string): Promise<void>;
  forget(id: string): Promise<void>;
  /** Something was changed here: takes it up now rather than within a second. */
  look(): void;
  close(): Promise<void>;
};

export type WebhooksParts = Omit<DeliveryParts, 'component' | 'settled' | 'gone'> & {
  sending: Omit<SendingParts, 'clock'>;
  encryption: Pick<SecretEncryption, 'reencrypt'>;
  watchOf(organisation: string): Pick<OverdueWatch, 'delivered'> | undefined;
};

const PATIENCE_MS = 3_000;
const AGAIN_MS = 50;
const LOOK_MS = 1_000;
const NOTE_MS = 100;
/** Events of different subjects under way to one endpoint. */
const CONCURRENCY = 32;
/** Endpoints know a repeat by `webhook-id`; many events a statement is what makes a delivery cheap. */
const SAVE_MS = 50;

export const createWebhooks = (parts: WebhooksParts): Webhooks => {
  const { database, log, clock = systemClock } = parts;
  const sending: SendingParts = { ...parts.sending, clock };
  const subscriptions = createSubscriptionStore(database);
  const attempts = createAttempts(database, log);
  const deadLetters = createDeadLetters(database, parts.reader);
  const answers = new Map<string, string>();
  const known = new Map<string, Stored>();
  const deliveredNotes = noting(parts);

  const delivery: Delivery = createDelivery({
    ...parts,
    component: COMPONENT,
    saveMs: SAVE_MS,
    settled: ({ id, organisation }, item, { said, event }) => {
      if (said === undefined) return;
      const answer = answers.get(`${id} ${said.position}`);
      answers.delete(`${id} ${said.position}`);
      attempts.note(said, answer);
      if (event === undefined || (said.outcome !== 'delivered' && said.outcome !== 'withheld')) return;
      const [partition = 0, offset = 0] = said.position.split('-').map(Number);
      deliveredNotes.note(organisation, { event, partition, offset, since: item.since });
    },
    gone: ({ id }) => {
      const stored = known.get(id);
      if (stored !== undefined) void endOf(stored);
    },
  });

  const endOf = async (stored: Stored): Promise<void> => {
    const expired = stored.expires !== null && stored.expires.getTime() <= clock.now();
    const [status, reason] = expired ? (['expired', 'expired'] as const) : (['disabled', 'gone'] as const);
    await subscriptions
      .end(stored.id, stored.revision, status, reason)
      .catch((error) => log.warn({ code: errorCode(error) }, 'a subscription could not be ended now'));
    log.warn(
      { subscription: stored.id, organisation: stored.organisation, reason },
      'a subscription has ended',
    );
    look();
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
  const prepared = async (): Promise<void> => {
    for (let tried = 0; ; tried += 1) {
      try {
        return await delivery.ready();
      } catch (error) {
        if (tried >= PATIENCE_MS / AGAIN_MS) throw error;
        await delay(AGAIN_MS);
      }
    }
  };

  // ── what is wanted ──

  const reconcile = async (): Promise<void> => {
    const all = await subscriptions.all();
    const there = new Set(all.map(({ id }) => id));
    for (const stored of all) await take(stored);
    for (const id of [...known.keys()].filter((one) => !there.has(one))) {
      known.delete(id);
      await delivery.unset(id);
      await delivery.store.forget(id);
    }
    follow(new Set(all.map(({ organisation }) => organisation)));
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

  // ── redrives that the console asks for ──

  const redrivers = new Map<string, Redriver>();

  const follow = (organisations: ReadonlySet<string>): void => {
    for (const organisation of organisations)
      if (!redrivers.has(organisation))
        redrivers.set(
          organisation,
          followRedrives({
            ...parts,
            organisation,
            component: COMPONENT,
            redrive: (letter, request) => redrive(organisation, letter, request),
          }),
        );
    for (const [organisation, redriver] of redrivers) {
      if (organisations.has(organisation)) continue;
      redrivers.delete(organisation);
      void redriver.close();
    }
  };

  const redrive = async (
    organisation: string,
    { headers }: FetchedRecord,
    { id, deadLetter }: RedriveRequest,
  ): Promise<Redriven> => {
    const subscription = headers[SUBSCRIPTION_HEADER]?.toString('utf8');
    const origin = /^(\d+)-(\d+)$/.exec(headers['dl-origin']?.toString('utf8') ?? '');
    if (subscription === undefined || origin === null)
      throw new PermanentError('no-origin', 'The dead letter does not say where it lay');
    if (!(await delivery.store.known(subscription)))
      throw new PermanentError('no-subscription', 'The subscription was deleted');
    const [partition, position] = [Number(origin[1]), Number(origin[2])];
    await delivery.store.orderRedrive({ subscription, partition, position, letter: deadLetter, request: id });
    await deadLetters.redriven(organisation, [deadLetter]);
    delivery.look();
    return { outcome: 'queued', code: 'ok' };
  };

  /** For whoever watches dead letters. The attempts will say what came of it, whether or not this is written. */
  const tell = async (
    organisation: string,
    by: string,
    requests: readonly [request: string, deadLetter: number][],
  ): Promise<void> => {
    const at = new Date(clock.now()).toISOString();
    const asked = { kind: 'redrive', component: COMPONENT, outcome: 'queued', code: 'ok', by, at } as const;
    await parts.producer
      .send(
        requests.map(([request, deadLetter]) =>
          deliveryRecord(organisation, { ...asked, request, deadLetter }),
        ),
      )
      .catch((error) => log.warn({ organisation, code: errorCode(error) }, 'a redrive could not be told'));
  };

  // ── the loop ──

  const closing = new AbortController();
  let wake = new AbortController();
  const look = (): void => wake.abort();

  const run = async (): Promise<void> => {
    let told = '';
    while (!closing.signal.aborted) {
      wake = new AbortController();
      try {
        await reconcile();
        told = '';
      } catch (error) {
        const code = errorCode(error);
        if (code !== told) log.warn({ code }, 'subscriptions cannot be read now; trying again');
        told = code;
      }
      const pause = AbortSignal.any([wake.signal, closing.signal, AbortSignal.timeout(LOOK_MS)]);
      if (!pause.aborted)
        await new Promise((resolve) => pause.addEventListener('abort', resolve, { once: true }));
    }
  };
  const running = run();

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
      delivery.look();
    },
    async redrive({ organisation, subscription, by }, letters) {
      await prepared();
      const batch = randomBytes(12).toString('base64url');
      const requestOf = ({ letter }: Letter) => `${batch}-${letter}`;
      for (const one of letters)
        await delivery.store.orderRedrive({ ...one, subscription, request: requestOf(one) });
      await deadLetters.redriven(
        organisation,
        letters.map(({ letter }) => letter),
      );
      delivery.look();
      await tell(
        organisation,
        by,
        letters.map((one) => [requestOf(one), one.letter]),
      );
      return batch;
    },
    async forgive(id) {
      await prepared();
      await delivery.store.saveCircuit(id, { openUntil: null, opens: 0 });
    },
    forget: (id) => delivery.store.forget(id),
    look,
    async close() {
      closing.abort();
      await running;
      await Promise.all([...redrivers.values()].map((one) => one.close()));
      await delivery.close();
      await Promise.all([attempts.close(), deliveredNotes.close(), deadLetters.close()]);
    },
  };
};

/** Tells the watches of overdue events what was delivered, many at a time. */
const noting = ({ watchOf, log }: Pick<WebhooksParts, 'watchOf' | 'log'>) => {
  let waiting = new Map<string, Placed[]>();
  let timer: NodeJS.Timeout | undefined;
  const flush = async (): Promise<void> => {
    timer = undefined;
    const batches = waiting;
    waiting = new Map();
    for (const [organisation, placed] of batches)
      await watchOf(organisation)
        ?.delivered(placed)
        .catch((error) =>
          log.warn(
            { organisation, code: errorCode(error) },
            'it could not be noted that events were delivered',
          ),
        );
  };
  return {
    note(organisation: string, placed: Placed) {
      const batch = waiting.get(organisation) ?? [];
      waiting.set(organisation, batch);
      batch.push(placed);
      timer ??= setTimeout(() => void flush(), NOTE_MS).unref();
    },
    async close() {
      clearTimeout(timer);
      await flush();
    },
  };
};
