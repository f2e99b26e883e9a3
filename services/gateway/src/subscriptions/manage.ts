import { randomBytes } from 'node:crypto';
import { withTimeout } from '@causeway/runtime/async/timeout';
import { ukDate } from '@causeway/runtime/disclosure/release-decision';
import { errorCode, isPermanent } from '@causeway/runtime/errors';
import { Problem } from '@causeway/runtime/service/http-server';
import type { RequestHandler } from 'express';
import { viewsOf } from '../catalogue/catalogue.ts';
import { auditOf } from '../http/audit.ts';
import { parsed } from '../http/body.ts';
import { callerOf } from '../http/guard.ts';
import { withInbox } from '../reading/current-page.ts';
import { parseEndpoint, resolveEndpoint } from './endpoint.ts';
import { changed, type Handler, notThere, onOwn, type SubscriptionParts, shown } from './own-subscription.ts';
import { newSecret } from './secret-encryption.ts';
import { checkAgainst, endpointRefused, subscriptionIn } from './subscription-body.ts';

export const MOST_SUBSCRIPTIONS = 50;
const CAUGHT_UP_MS = 3_000;

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
    webhooks.refresh();
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

export const getSubscription = onOwn(async (_parts, stored, _request, response) => {
  response.json(shown(stored));
});

/** PATCH /v1/subscriptions/:id: a merge patch of endpoint, types, filter and expires. */
export const patchSubscription = onOwn(async (parts, stored, request, response) => {
  const { policy } = parts.webhooks.sending;
  const given = subscriptionIn(parsed(request.body), parts.now(), policy, true);
  const { types = stored.types, filter = stored.filter } = given;
  if (given.types !== undefined || given.filter !== undefined)
    await checkWanted(parts, stored.organisation, { types, filter });
  if (given.endpoint !== undefined) await checkCallable(parts, given.endpoint);
  response.json(shown(await changed(parts, stored, given)));
});

export const deleteSubscription =
  ({ webhooks }: SubscriptionParts): Handler =>
  async (request, response) => {
    if (!(await webhooks.subscriptions.remove(callerOf(response).organisation, request.params.id)))
      throw notThere();
    webhooks.refresh();
    response.status(204).end();
  };

const checkWanted = async (
  { catalogue, now }: SubscriptionParts,
  organisation: string,
  wanted: Parameters<typeof checkAgainst>[1],
): Promise<void> => {
  if (!wanted.types && !wanted.filter) return;
  await withTimeout(CAUGHT_UP_MS, 'agreements', catalogue.agreements.caughtUp);
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

const tooMany = () =>
  new Problem(
    409,
    'too-many-subscriptions',
    'Your organisation has reached its limit of subscriptions',
    `Delete one first; the limit is ${MOST_SUBSCRIPTIONS}.`,
  );
