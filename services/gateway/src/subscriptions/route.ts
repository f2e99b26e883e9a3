import type { Express } from 'express';
import type { Guard } from '../http/guard.ts';
import { bodyless, bodyOf, MAX_SMALL_BODY, route } from '../http/route.ts';
import {
  pauseSubscription,
  redriveSubscription,
  replaySubscription,
  resumeSubscription,
  rotateSecret,
  testSubscription,
} from './actions.ts';
import { getDeadLetters, getDeliveries } from './delivery-lists.ts';
import {
  deleteSubscription,
  getSubscription,
  getSubscriptions,
  patchSubscription,
  postSubscription,
} from './manage.ts';
import type { SubscriptionParts } from './own-subscription.ts';

/** A thousand ids of events, as the document allows. */
const MAX_REDRIVE_BODY = 131_072;

/** /v1/subscriptions and below. */
export const subscriptionRoutes = (app: Express, guard: Guard, parts: SubscriptionParts): void => {
  const [path, one] = ['/v1/subscriptions', '/v1/subscriptions/:id'];
  const managing = guard('subscriptions:manage');
  const plain = [bodyless, ...managing];
  const body = [...managing, bodyOf(MAX_SMALL_BODY)];
  const manyIds = [...managing, bodyOf(MAX_REDRIVE_BODY)];
  route(app, path, {
    get: [...plain, getSubscriptions(parts)],
    post: [...body, postSubscription(parts)],
  });
  route(app, one, {
    get: [...plain, getSubscription(parts)],
    patch: [...body, patchSubscription(parts)],
    delete: [...plain, deleteSubscription(parts)],
  });
  route(app, `${one}/deliveries`, { get: [...plain, getDeliveries(parts)] });
  route(app, `${one}/dead-letters`, { get: [...plain, getDeadLetters(parts)] });
  route(app, `${one}/pause`, { post: [...plain, pauseSubscription(parts)] });
  route(app, `${one}/resume`, { post: [...plain, resumeSubscription(parts)] });
  route(app, `${one}/rotate-secret`, { post: [...plain, rotateSecret(parts)] });
  route(app, `${one}/test`, { post: [...plain, testSubscription(parts)] });
  route(app, `${one}/redrive`, { post: [...manyIds, redriveSubscription(parts)] });
  route(app, `${one}/replay`, { post: [...body, replaySubscription(parts)] });
};
