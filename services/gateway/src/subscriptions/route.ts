import { randomBytes } from 'node:crypto';
import { within } from '@causeway/runtime/async/timeout';
import { ukDate } from '@causeway/runtime/disclosure/release-decision';
import { errorCode, isPermanent } from '@causeway/runtime/errors';
import { Problem } from '@causeway/runtime/service/http-server';
import type { RequestHandler, Response } from 'express';
import { viewsOf } from '../catalogue/catalogue.ts';
import type { CatalogueParts } from '../catalogue/route.ts';
import { auditOf } from '../http/audit.ts';
import { checked, parsed } from '../http/body.ts';
import { callerOf } from '../http/guard.ts';
import { parametersOf, whole } from '../http/query.ts';
import { type ReadingParts, withInbox } from '../reading/current-page.ts';
import { answerText } from './answer-text.ts';
import { outcomeOf, sendSigned } from './deliver.ts';
import { parseEndpoint, resolveEndpoint } from './endpoint.ts';
import { newSecret, type SecretEncryption } from './secret-encryption.ts';
import {
  checkAgainst,
  endpointRefused,
  REDRIVE_MOST,
  redriveBody,
  replayBody,
  subscriptionIn,
} from './subscription-body.ts';
import type { Change, Stored } from './subscription-store.ts';
import type { Webhooks } from './webhooks.ts';

export type SubscriptionParts = {
  webhooks: Webhooks;
  encryption: SecretEncryption;
  reading: ReadingParts;
  catalogue: Pick<CatalogueParts, 'agreements' | 'types'>;
  now(): number;
};

type Handler = RequestHandler<{ id: string }>;

export const MOST_SUBSCRIPTIONS = 50;
export const LIST_LIMIT = { minimum: 1, maximum: 500, default: 100 };
/** How long the old secret signs beside the new one. */
export const ROTATION_HOURS = 24;
const CAUGHT_UP_MS = 3_000;
const TEST_TYPE = 'uk.causeway.gateway.test.v1';

/** POST /v1/subscriptions: 201 with the secret, which is shown this once. */
export const postSubscription =
  (parts: SubscriptionParts): RequestHandler =>
  async (request, response) => {
    const { webhooks, encryption, reading } = parts;
    const { organisation } = callerOf(response);
    const { policy } = webhooks.sending;
    const given = subscriptionIn(parsed(request.body), parts.now(), policy);
    const endpoint = given.endpoint ?? '';
    await checkWanted(parts, organisation, given);
    await checkCallable(parts, endpoint);
    const id = `sub_${randomBytes(16).toString('base64url')}`;
    const secret = newSecret();
    // What comes after this answer is delivered, whichever instance takes the subscription up and whenever.
    const heads = await withInbox(reading, organisation, (inbox) => inbox.ends());
    await webhooks.begin(id, heads);
    const stored = {
      id,
      organisation,
      endpoint,
      types: given.types ?? null,
      filter: given.filter ?? null,
      status: 'active' as const,
      reason: null,
      expires: given.expires ?? null,
      secret: encryption.encrypt(secret, id),
      previous_secret: null,
      previous_until: null,
    };
    if (!(await webhooks.subscriptions.add(stored, MOST_SUBSCRIPTIONS))) {
      await webhooks.forget(id);
      throw tooMany();
    }
    webhooks.look();
    response
      .status(201)
      .location(`/v1/subscriptions/${id}`)
      .json({ ...shown({ ...stored, created_at: new Date(parts.now()), revision: 1 }), secret });
  };

/** GET /v1/subscriptions: those of the caller's organisation. */
export const getSubscriptions =
  ({ webhooks }: SubscriptionParts): RequestHandler =>
  async (_request, response) => {
    const own = await webhooks.subscriptions.of(callerOf(response).organisation);
    auditOf(response).listed = own.length;
    response.json({ subscriptions: own.map(shown) });
  };

export const getSubscription =
  (parts: SubscriptionParts): Handler =>
  async (request, response) => {
    response.json(shown(await ownOf(parts, request.params.id, response)));
  };

/** PATCH /v1/subscriptions/:id: a merge patch of endpoint, types, filter and expires. */
export const patchSubscription =
  (parts: SubscriptionParts): Handler =>
  async (request, response) => {
    const stored = await ownOf(parts, request.params.id, response);
    const { policy } = parts.webhooks.sending;
    const given = subscriptionIn(parsed(request.body), parts.now(), policy, true);
    const { types = stored.types, filter = stored.filter } = given;
    if (given.types !== undefined || given.filter !== undefined)
      await checkWanted(parts, stored.organisation, { types, filter });
    if (given.endpoint !== undefined) await checkCallable(parts, given.endpoint);
    response.json(shown(await changed(parts, stored, given)));
  };

export const deleteSubscription =
  ({ webhooks }: SubscriptionParts): Handler =>
  async (request, response) => {
    if (!(await webhooks.subscriptions.remove(callerOf(response).organisation, request.params.id)))
      throw notThere();
    webhooks.look();
    response.status(204).end();
  };

/** POST …/pause: nothing is sent, everything is kept. */
export const pauseSubscription =
  (parts: SubscriptionParts): Handler =>
  async (request, response) => {
    const stored = await ownOf(parts, request.params.id, response);
    if (stored.status === 'expired') throw expired();
    response.json(shown(await changed(parts, stored, { status: 'paused', reason: null })));
  };

/** POST …/resume: goes on where it stopped, also after the endpoint had answered 410. */
export const resumeSubscription =
  (parts: SubscriptionParts): Handler =>
  async (request, response) => {
    const stored = await ownOf(parts, request.params.id, response);
    if (stored.expires !== null && stored.expires.getTime() <= parts.now()) throw expired();
    await parts.webhooks.forgive(stored.id);
    response.json(shown(await changed(parts, stored, { status: 'active', reason: null })));
  };

/** POST …/rotate-secret: the new secret; the old one signs beside it for a day. */
export const rotateSecret =
  (parts: SubscriptionParts): Handler =>
  async (request, response) => {
    const stored = await ownOf(parts, request.params.id, response);
    const secret = newSecret();
    const after = await changed(parts, stored, {
      secret: parts.encryption.encrypt(secret, stored.id),
      previous_secret: stored.secret,
      previous_until: new Date(parts.now() + ROTATION_HOURS * 3_600_000),
    });
    response.json({ ...shown(after), secret });
  };

/** POST …/test: sends one event that is about nobody, now, and says what the endpoint answered. */
export const testSubscription =
  (parts: SubscriptionParts): Handler =>
  async (request, response) => {
    const stored = await ownOf(parts, request.params.id, response);
    const left = new AbortController();
    response.once('close', () => left.abort());
    const id = `test_${randomBytes(12).toString('base64url')}`;
    const body = JSON.stringify({
      specversion: '1.0',
      id,
      source: '/causeway/gateway',
      type: TEST_TYPE,
      time: new Date(parts.now()).toISOString(),
      datacontenttype: 'application/json',
      data: { subscription: stored.id },
    });
    const sent = await sendSigned(parts.webhooks.sending, stored, {
      id,
      body: Buffer.from(body),
      signal: left.signal,
    });
    const outcome = outcomeOf(sent, parts.now());
    response.json({
      id,
      delivered: outcome.outcome === 'delivered',
      code: 'code' in outcome ? (outcome.code ?? 'ok') : 'ok',
      status: 'status' in sent ? sent.status : null,
      durationMs: sent.durationMs,
      answer: sent.text.length > 0 ? answerText(sent.text, {}) : null,
    });
  };

/** GET …/deliveries: the last tries, the newest first. */
export const getDeliveries =
  (parts: SubscriptionParts): Handler =>
  async (request, response) => {
    const stored = await ownOf(parts, request.params.id, response);
    const { limit, after } = pageOf(request.url);
    const rows = await parts.webhooks.attempts.list(stored.id, limit, after);
    auditOf(response).listed = rows.length;
    response.json({
      deliveries: rows.map((row) => ({
        event: row.event_id,
        type: row.event_type,
        position: row.position,
        attempt: row.attempt,
        outcome: row.outcome,
        code: row.code,
        status: row.status,
        durationMs: row.duration_ms,
        answer: row.answer,
        at: row.at.toISOString(),
      })),
      next: rows.length === limit ? String(rows.at(-1)?.id) : null,
    });
  };

/** GET …/dead-letters: what was given up, the oldest first. */
export const getDeadLetters =
  (parts: SubscriptionParts): Handler =>
  async (request, response) => {
    const stored = await ownOf(parts, request.params.id, response);
    const { limit, after } = pageOf(request.url);
    const found = await parts.webhooks.deadLetters.list(stored.organisation, stored.id, { limit, after });
    auditOf(response).listed = found.length;
    response.json({
      deadLetters: found.map((one) => ({
        event: one.event_id,
        type: one.event_type,
        position: `${one.partition}-${one.position}`,
        reason: one.reason,
        at: one.at.toISOString(),
        redrivenAt: one.redriven_at?.toISOString() ?? null,
      })),
      next: found.length === limit ? String(found.at(-1)?.letter) : null,
    });
  };

/** POST …/redrive: dead letters once more, under the agreements as they are now. */
export const redriveSubscription =
  (parts: SubscriptionParts): Handler =>
  async (request, response) => {
    const stored = await ownOf(parts, request.params.id, response);
    const { dryRun = false, events } = checked(redriveBody, parsed(request.body));
    const question = { limit: REDRIVE_MOST, events, openOnly: events === undefined };
    const letters = await parts.webhooks.deadLetters.list(stored.organisation, stored.id, question);
    const redriven =
      dryRun || letters.length === 0
        ? null
        : await parts.webhooks.redrive(
            { organisation: stored.organisation, subscription: stored.id, by: callerOf(response).clientId },
            letters,
          );
    response.status(dryRun ? 200 : 202).json({
      dryRun,
      count: letters.length,
      events: letters.map((one) => one.event_id),
      request: redriven,
    });
  };

/** POST …/replay: everything that came at that time or later, once more. */
export const replaySubscription =
  (parts: SubscriptionParts): Handler =>
  async (request, response) => {
    const stored = await ownOf(parts, request.params.id, response);
    const from = Date.parse(checked(replayBody, parsed(request.body)).from);
    const heads = await withInbox(parts.reading, stored.organisation, (inbox) => inbox.since(from));
    await parts.webhooks.replay(stored.id, heads);
    response.status(202).json({ from: new Date(from).toISOString() });
  };

const ownOf = async ({ webhooks }: SubscriptionParts, id: string, response: Response): Promise<Stored> => {
  const found = await webhooks.subscriptions.get(callerOf(response).organisation, id);
  if (found === undefined) throw notThere();
  return found;
};

const changed = async ({ webhooks }: SubscriptionParts, { organisation, id }: Stored, change: Change) => {
  const after = await webhooks.subscriptions.change(organisation, id, change);
  if (after === undefined) throw notThere();
  webhooks.look();
  return after;
};

const checkWanted = async (
  { catalogue, now }: SubscriptionParts,
  organisation: string,
  wanted: Parameters<typeof checkAgainst>[1],
): Promise<void> => {
  if (!wanted.types && !wanted.filter) return;
  await within(CAUGHT_UP_MS, 'agreements', catalogue.agreements.caughtUp);
  const types = catalogue.types.all();
  const today = ukDate(new Date(now()));
  const views = viewsOf({ state: catalogue.agreements.state(), types, organisation, today });
  checkAgainst(
    {
      views: views.map(({ eventType, schema }) => ({ type: eventType.type, schema })),
      types: new Set(types.map(({ type }) => type)),
    },
    wanted,
  );
};

/** A name that leads nowhere now may do so later; one that leads into a network of ours is refused at the door. */
const checkCallable = async ({ webhooks }: SubscriptionParts, endpoint: string): Promise<void> => {
  const { policy, resolve } = webhooks.sending;
  try {
    await resolveEndpoint(parseEndpoint(endpoint, policy), policy, resolve);
  } catch (error) {
    if (isPermanent(error)) throw endpointRefused(error.message);
    if (errorCode(error) !== 'name-not-resolved') throw error;
  }
};

const pageOf = (url: string): { limit: number; after: number | undefined } => {
  const query = parametersOf(url, ['after', 'limit']);
  const given = query.get('after');
  if (given !== undefined && !/^\d{1,15}$/.test(given))
    query.fault('after', 'Give the member next of the last answer.');
  return query.checked({
    after: given === undefined ? undefined : Number(given),
    limit: whole(query, 'limit', LIST_LIMIT),
  });
};

/** Without secrets. */
const shown = (stored: Stored) => ({
  id: stored.id,
  endpoint: stored.endpoint,
  types: stored.types,
  filter: stored.filter,
  status: stored.status,
  reason: stored.reason,
  expires: stored.expires?.toISOString() ?? null,
  createdAt: stored.created_at.toISOString(),
});

const notThere = () => new Problem(404, 'not-found', 'There is no such subscription of your organisation');

const tooMany = () =>
  new Problem(
    409,
    'too-many-subscriptions',
    'Your organisation has as many subscriptions as it may have',
    `Delete one first; there may be ${MOST_SUBSCRIPTIONS}.`,
  );

const expired = () =>
  new Problem(
    409,
    'subscription-expired',
    'This subscription has expired',
    'Set another time with PATCH (expires), then resume it.',
  );
