import type { IncomingMessage, ServerResponse } from 'node:http';
import { notFound, problemHandler } from '@causeway/runtime/service/http-server';
import type { Logger } from '@causeway/runtime/telemetry/log';
import type { Metrics } from '@causeway/runtime/telemetry/metrics';
import express, { type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import {
  type CatalogueParts,
  getAgreement,
  getAgreements,
  getAsyncApi,
  getCatalogue,
  getEventSchema,
  getEventTypes,
  getReceivedSchema,
} from '../catalogue/route.ts';
import { type FeedbackRouteParts, getOutcome, postAcknowledgement } from '../feedback/route.ts';
import { audited, auditOf } from '../http/audit.ts';
import { MAX_BODY } from '../http/body.ts';
import type { Guard } from '../http/guard.ts';
import { allowing, bodyless, bodyOf, limited, takenInTime } from '../http/limits.ts';
import {
  deleteInterest,
  getInterest,
  getInterests,
  type InterestParts,
  putInterest,
} from '../interests/route.ts';
import { getDocumentation, getOpenApi } from '../openapi/route.ts';
import type { PublishingParts } from '../publishing/publish.ts';
import { postEvents } from '../publishing/route.ts';
import type { ReadingParts } from '../reading/current-page.ts';
import { getEvents } from '../reading/events-route.ts';
import type { ReadReceipts } from '../reading/read-receipts.ts';
import { getStream, type StreamLimits } from '../reading/stream-route.ts';
import {
  deleteSubscription,
  getDeadLetters,
  getDeliveries,
  getSubscription,
  getSubscriptions,
  patchSubscription,
  pauseSubscription,
  postSubscription,
  redriveSubscription,
  replaySubscription,
  resumeSubscription,
  rotateSecret,
  type SubscriptionParts,
  testSubscription,
} from '../subscriptions/route.ts';

const MAX_SMALL_BODY = 16_384;
/** A thousand ids of events, as the document allows. */
const MAX_REDRIVE_BODY = 131_072;

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
  app.post('/v1/events', guard('events:write'), bodyOf(MAX_BODY), postEvents(parts.publishing));
  app.get('/v1/events', bodyless, guard('events:read'), getEvents(reading, parts.readReceipts, stopping));
  app.all('/v1/events', allowing('GET', 'HEAD', 'POST'));
  app.head('/v1/events/stream', allowing('GET'));
  app.get(
    '/v1/events/stream',
    bodyless,
    guard('events:read'),
    getStream(reading, stopping, parts.streams, parts.readReceipts, metrics),
  );
  app.all('/v1/events/stream', allowing('GET'));
  app.post(
    '/v1/events/:id/acknowledgements',
    guard('events:read'),
    bodyOf(MAX_SMALL_BODY),
    postAcknowledgement(reading, parts.feedback),
  );
  app.all('/v1/events/:id/acknowledgements', allowing('POST'));
  app.get('/v1/events/:id/outcome', bodyless, guard('events:read'), getOutcome(reading, parts.feedback));
  app.all('/v1/events/:id/outcome', allowing('GET', 'HEAD'));
  app.get('/v1/interests', bodyless, guard('events:read'), getInterests(parts.interests));
  app.all('/v1/interests', allowing('GET', 'HEAD'));
  app.put(
    '/v1/interests/:reference',
    guard('events:write'),
    bodyOf(MAX_SMALL_BODY),
    putInterest(parts.interests),
  );
  app.delete('/v1/interests/:reference', bodyless, guard('events:write'), deleteInterest(parts.interests));
  app.get('/v1/interests/:reference', bodyless, guard('events:read'), getInterest(parts.interests));
  app.all('/v1/interests/:reference', allowing('GET', 'HEAD', 'PUT', 'DELETE'));
  subscriptionRoutes(app, parts);
  catalogueRoutes(app, parts);
  app.get('/', bodyless, getDocumentation(parts.issuer));
  app.all('/', allowing('GET', 'HEAD'));
  app.get('/v1/openapi.json', bodyless, getOpenApi(parts.issuer));
  app.all('/v1/openapi.json', allowing('GET', 'HEAD'));
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

const subscriptionRoutes = (app: Express, { guard, subscriptions }: AppParts): void => {
  const path = '/v1/subscriptions';
  const managing = guard('subscriptions:manage');
  const plain = [bodyless, ...managing];
  const body = [...managing, bodyOf(MAX_SMALL_BODY)];
  const manyIds = [...managing, bodyOf(MAX_REDRIVE_BODY)];
  app.post(path, body, postSubscription(subscriptions));
  app.get(path, plain, getSubscriptions(subscriptions));
  app.all(path, allowing('GET', 'HEAD', 'POST'));
  app.get(`${path}/:id`, plain, getSubscription(subscriptions));
  app.patch(`${path}/:id`, body, patchSubscription(subscriptions));
  app.delete(`${path}/:id`, plain, deleteSubscription(subscriptions));
  app.all(`${path}/:id`, allowing('GET', 'HEAD', 'PATCH', 'DELETE'));
  const lists = { deliveries: getDeliveries, 'dead-letters': getDeadLetters };
  for (const [name, list] of Object.entries(lists)) {
    app.get(`${path}/:id/${name}`, plain, list(subscriptions));
    app.all(`${path}/:id/${name}`, allowing('GET', 'HEAD'));
  }
  const actions = {
    pause: [plain, pauseSubscription],
    resume: [plain, resumeSubscription],
    'rotate-secret': [plain, rotateSecret],
    test: [plain, testSubscription],
    redrive: [manyIds, redriveSubscription],
    replay: [body, replaySubscription],
  } as const;
  for (const [name, [before, act]] of Object.entries(actions)) {
    app.post(`${path}/:id/${name}`, before, act(subscriptions));
    app.all(`${path}/:id/${name}`, allowing('POST'));
  }
};

const catalogueRoutes = (app: Express, { guard, catalogue }: AppParts): void => {
  const reading = [bodyless, ...guard('events:read')];
  app.get('/v1/catalogue', reading, getCatalogue(catalogue));
  app.get('/v1/asyncapi.json', reading, getAsyncApi(catalogue));
  app.get('/v1/agreements', reading, getAgreements(catalogue));
  app.get('/v1/agreements/:id/:version', reading, getAgreement(catalogue));
  app.get('/v1/schemas/received/:source/:type', reading, getReceivedSchema(catalogue));
  app.get('/v1/schemas/events', bodyless, routed, getEventTypes(catalogue));
  app.get('/v1/schemas/events/:type', bodyless, routed, getEventSchema(catalogue));
  for (const path of [
    '/v1/catalogue',
    '/v1/asyncapi.json',
    '/v1/agreements',
    '/v1/agreements/:id/:version',
    '/v1/schemas/received/:source/:type',
    '/v1/schemas/events',
    '/v1/schemas/events/:type',
  ])
    app.all(path, allowing('GET', 'HEAD'));
};

/** For the audit line of what needs no token. */
const routed: RequestHandler = (request, response, next) => {
  auditOf(response).route = request.route.path;
  next();
};
