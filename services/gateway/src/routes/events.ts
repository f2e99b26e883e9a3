import type { RequestHandler } from 'express';
import { auditOf } from '../audit.ts';
import { callerOf } from '../guard.ts';
import type { ReadingParts } from '../reading/current-page.ts';
import { parseEventQuery } from '../reading/query.ts';
import { readEvents } from '../reading/read.ts';

/** GET /v1/events: a page of the caller's inbox. `stopping` answers those who wait, so that none is cut off. */
export const getEvents =
  (parts: ReadingParts, stopping: AbortSignal): RequestHandler =>
  async (request, response) => {
    const { organisation } = callerOf(response);
    const query = parseEventQuery(request.url);
    const left = new AbortController();
    response.once('close', () => left.abort());
    const answer = await readEvents(parts, organisation, query, left.signal, stopping);
    const { events, next, withheld, unreadable } = answer;
    Object.assign(auditOf(response), { count: events.length, withheld, unreadable });
    response.type('application/json').send(`{"events":[${events.join(',')}],"next":${JSON.stringify(next)}}`);
  };
