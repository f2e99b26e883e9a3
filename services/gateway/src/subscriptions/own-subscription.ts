import { Problem } from '@causeway/runtime/service/http-server';
import type { RequestHandler, Response } from 'express';
import type { CatalogueParts } from '../catalogue/route.ts';
import { callerOf } from '../http/guard.ts';
import type { ReadingParts } from '../reading/current-page.ts';
import type { SecretEncryption } from './secret-encryption.ts';
import type { Change, Stored } from './subscription-store.ts';
import type { Webhooks } from './webhooks.ts';

export type SubscriptionParts = {
  webhooks: Webhooks;
  encryption: SecretEncryption;
  reading: ReadingParts;
  catalogue: Pick<CatalogueParts, 'agreements' | 'types'>;
  now(): number;
};

export type Handler = RequestHandler<{ id: string }>;

const ownOf = async ({ webhooks }: SubscriptionParts, id: string, response: Response): Promise<Stored> => {
  const found = await webhooks.subscriptions.get(callerOf(response).organisation, id);
  if (found === undefined) throw notThere();
  return found;
};

/** A handler for one subscription of the caller's organisation. */
export const onOwn =
  (act: (parts: SubscriptionParts, stored: Stored, ...exchanged: Parameters<Handler>) => Promise<void>) =>
  (parts: SubscriptionParts): Handler =>
  async (request, response, next) =>
    act(parts, await ownOf(parts, request.params.id, response), request, response, next);

export const changed = async (
  { webhooks }: SubscriptionParts,
  { organisation, id }: Stored,
  change: Change,
) => {
  const after = await webhooks.subscriptions.change(organisation, id, change);
  if (after === undefined) throw notThere();
  webhooks.refresh();
  return after;
};

/** Without secrets. */
export const shown = (stored: Stored) => ({
  id: stored.id,
  endpoint: stored.endpoint,
  types: stored.types,
  filter: stored.filter,
  status: stored.status,
  reason: stored.reason,
  expires: stored.expires?.toISOString() ?? null,
  createdAt: stored.created_at.toISOString(),
});

export const notThere = () => new Problem(404, 'not-found', 'Subscription not found');

export const expired = () =>
  new Problem(
    409,
    'subscription-expired',
    'This subscription has expired',
    'Set a later `expires` with PATCH, then resume it.',
  );
