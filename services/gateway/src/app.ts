import { notFound, problemHandler } from '@causeway/runtime/http';
import type { Logger } from '@causeway/runtime/log';
import type { Metrics } from '@causeway/runtime/metrics';
import express, { type Express } from 'express';
import helmet from 'helmet';
import { audited } from './audit.ts';
import type { Guard } from './guard.ts';
import { allowing, bodyless, bodyOf, limited, takenInTime } from './limits.ts';
import { MAX_BODY } from './publishing/body.ts';
import type { PublishingParts } from './publishing/publish.ts';
import type { ReadingParts } from './reading/current-page.ts';
import type { HandedOver } from './reading/handed-over.ts';
import { getEvents } from './routes/events.ts';
import { type FeedbackRouteParts, getOutcome, postAcknowledgement } from './routes/feedback.ts';
import {
  deleteInterest,
  getInterest,
  getInterests,
  type InterestParts,
  putInterest,
} from './routes/interests.ts';
import { getOpenApi } from './routes/openapi.ts';
import { postEvents } from './routes/publish.ts';
import { getStream, type StreamLimits } from './routes/stream.ts';

const MAX_SMALL_BODY = 16_384;

export type AppParts = {
  guard: Guard;
  reading: ReadingParts;
  publishing: PublishingParts;
  feedback: FeedbackRouteParts;
  handedOver: HandedOver;
  interests: InterestParts;
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
    .set('etag', false)
    .set('query parser', false)
    .set('strict routing', true)
    .set('case sensitive routing', true);
  app.use(audited(log, metrics), takenInTime(parts.streams.slowMs), helmet(), (_request, response, next) => {
    response.set('cache-control', 'no-store');
    next();
  });
  app.use(limited);
  app.post('/v1/events', guard('events:write'), bodyOf(MAX_BODY), postEvents(parts.publishing));
  app.get('/v1/events', bodyless, guard('events:read'), getEvents(reading, parts.handedOver, stopping));
  app.all('/v1/events', allowing('GET', 'HEAD', 'POST'));
  app.head('/v1/events/stream', allowing('GET'));
  app.get(
    '/v1/events/stream',
    bodyless,
    guard('events:read'),
    getStream(reading, stopping, parts.streams, parts.handedOver, metrics),
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
  app.get('/v1/openapi.json', bodyless, getOpenApi(parts.issuer));
  app.all('/v1/openapi.json', allowing('GET', 'HEAD'));
  app.use(notFound(), problemHandler(log));
  return app;
};
