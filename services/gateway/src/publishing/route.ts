import { ATTRIBUTE_FORMS } from '@causeway/runtime/bus/envelope';
import { errorCode } from '@causeway/runtime/errors';
import { Problem } from '@causeway/runtime/service/http-server';
import { startSpan } from '@causeway/runtime/telemetry/tracing';
import type { RequestHandler } from 'express';
import { auditOf } from '../http/audit.ts';
import { eventsOf } from '../http/body.ts';
import { callerOf } from '../http/guard.ts';
import { noTopics } from '../http/limits.ts';
import { type PublishingParts, publishEvents } from './publish.ts';

/**
 * POST /v1/events: 200 where every event is on the bus, 207 where some were refused, 422 where all were. The results are in
 * the order of the request.
 */
export const postEvents =
  (parts: PublishingParts): RequestHandler =>
  async (request, response) => {
    const { organisation } = callerOf(response);
    const given = eventsOf(request);
    const parent = request.get('traceparent') ?? '';
    const span = startSpan('publish', {
      kind: 'server',
      parent: ATTRIBUTE_FORMS.trace.test(parent) ? parent : undefined,
      attributes: { organisation, events: given.length },
    });
    const results = await publishEvents(parts, organisation, given, span.traceparent).catch((error) => {
      span.end({}, errorCode(error));
      throw NO_OUTBOX.includes(errorCode(error)) ? noTopics() : error;
    });
    const count = (outcome: string) => results.filter((result) => result.outcome === outcome).length;
    const counts = {
      accepted: count('accepted'),
      duplicate: count('duplicate'),
      refused: count('refused'),
    };
    span.end(counts);
    Object.assign(auditOf(response), counts);
    if (counts.refused === results.length) throw allRefused({ ...counts, results });
    // Not through express, which asks again what it would be if it were something else.
    const body = Buffer.from(JSON.stringify({ ...counts, results }));
    const headers = { 'content-type': 'application/json; charset=utf-8', 'content-length': body.length };
    response.writeHead(counts.refused > 0 ? 207 : 200, headers).end(body);
  };

const NO_OUTBOX: readonly string[] = ['kafka-unknown-topic-or-partition', 'not-authorised'];

const allRefused = (body: Record<string, unknown>): Problem =>
  new Problem(
    422,
    'events-refused',
    'No event was accepted',
    'The member `results` gives the reason for each event. Nothing in this request was kept.',
    body,
  );
