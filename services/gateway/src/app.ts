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
import { getEvents } from './routes/events.ts';
import { getOpenApi } from './routes/openapi.ts';
import { postEvents } from './routes/publish.ts';
import { getStream, type StreamLimits } from './routes/stream.ts';

export type AppParts = {
  guard: Guard;
  reading: ReadingParts;
  publishing: PublishingParts;
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
  app.get('/v1/events', bodyless, guard('events:read'), getEvents(reading, stopping));
  app.all('/v1/events', allowing('GET', 'HEAD', 'POST'));
  app.head('/v1/events/stream', allowing('GET'));
  app.get(
    '/v1/events/stream',
    bodyless,
    guard('events:read'),
    getStream(reading, stopping, parts.streams, metrics),
  );
  app.all('/v1/events/stream', allowing('GET'));
  app.get('/v1/openapi.json', bodyless, getOpenApi(parts.issuer));
  app.all('/v1/openapi.json', allowing('GET', 'HEAD'));
  app.use(notFound(), problemHandler(log));
  return app;
};
