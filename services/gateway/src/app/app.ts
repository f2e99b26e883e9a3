import type { IncomingMessage, ServerResponse } from 'node:http';
import { notFound, problemHandler } from '@causeway/runtime/service/http-server';
import type { Logger } from '@causeway/runtime/telemetry/log';
import type { Metrics } from '@causeway/runtime/telemetry/metrics';
import express, { type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import { type CatalogueParts, catalogueRoutes } from '../catalogue/route.ts';
import { type FeedbackRouteParts, feedbackRoutes } from '../feedback/route.ts';
import { audited } from '../http/audit.ts';
import { MAX_BODY } from '../http/body.ts';
import type { Guard } from '../http/guard.ts';
import { limited, takenInTime } from '../http/limits.ts';
import { allowing, bodyless, bodyOf, route } from '../http/route.ts';
import { type InterestParts, interestRoutes } from '../interests/route.ts';
import { openApiRoutes } from '../openapi/route.ts';
import type { PublishingParts } from '../publishing/publish.ts';
import { postEvents } from '../publishing/route.ts';
import type { ReadingParts } from '../reading/current-page.ts';
import { getEvents } from '../reading/events-route.ts';
import type { ReadReceipts } from '../reading/read-receipts.ts';
import { getStream, type StreamLimits } from '../reading/stream-route.ts';
import type { SubscriptionParts } from '../subscriptions/own-subscription.ts';
import { subscriptionRoutes } from '../subscriptions/route.ts';

export type AppParts = {
  guard: Guard;
  reading: ReadingParts;
  publishing: PublishingParts;
  feedback: FeedbackRouteParts;
  readReceipts: ReadReceipts;
  interests: InterestParts;
  catalogue: CatalogueParts;
  subscriptions: SubscriptionParts;
  streams: StreamLimits;
  issuer: string;
  log: Logger;
  metrics: Metrics;
  stopping: AbortSignal;
};

/** Every address of the gateway. */
export const createApp = (parts: AppParts): Express => {
  const { guard, reading, log, metrics, stopping } = parts;
  const app = express();
  app
    .set('x-powered-by', false)
    .set('etag', false)
    .set('query parser', false)
    .set('strict routing', true)
    .set('case sensitive routing', true);
  app.use(audited(log, metrics), takenInTime(parts.streams.slowMs), withHeaders(), limited);
  const reader = [bodyless, ...guard('events:read')];
  route(app, '/v1/events', {
    get: [...reader, getEvents(reading, parts.readReceipts, stopping)],
    post: [...guard('events:write'), bodyOf(MAX_BODY), postEvents(parts.publishing)],
  });
  app.head('/v1/events/stream', allowing('GET'));
  app.get(
    '/v1/events/stream',
    ...reader,
    getStream(reading, stopping, parts.streams, parts.readReceipts, metrics),
  );
  app.all('/v1/events/stream', allowing('GET'));
  feedbackRoutes(app, guard, reading, parts.feedback);
  interestRoutes(app, guard, parts.interests);
  subscriptionRoutes(app, guard, parts.subscriptions);
  catalogueRoutes(app, guard, parts.catalogue);
  openApiRoutes(app, parts.issuer);
  app.use(notFound(), problemHandler(log));
  return app;
};

/** Helmet says the same of every answer: it is asked once, and not its dozen of functions for each request. */
const withHeaders = (): RequestHandler => {
  const headers = new Map([['cache-control', 'no-store']]);
  const answer = {
    setHeader: (name: string, value: string) => headers.set(name, value),
    removeHeader: (name: string) => headers.delete(name),
  };
  helmet()({} as IncomingMessage, answer as unknown as ServerResponse, () => undefined);
  return (_request, response, next) => {
    response.setHeaders(headers);
    next();
  };
};
