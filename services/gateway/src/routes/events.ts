import type { RequestHandler } from 'express';
import { auditOf } from '../audit.ts';
import { callerOf } from '../guard.ts';
import type { ReadingParts } from '../reading/current-page.ts';
import type { HandedOver } from '../reading/handed-over.ts';
import { parseEventQuery } from '../reading/query.ts';
import { readEvents } from '../reading/read.ts';

/** GET /v1/events: a page of the caller's inbox. `stopping` answers those who wait, so that none is cut off. */
export const getEvents =
  (parts: ReadingParts, handedOver: HandedOver, stopping: AbortSignal): RequestHandler =>
  async (request, response) => {
    const caller = callerOf(response);
    const query = parseEventQuery(request.url);
    const left = new AbortController();
    response.once('close', () => left.abort());
    const answer = await readEvents(parts, caller.organisation, query, left.signal, stopping);
    const { events, next, withheld, unreadable } = answer;
    Object.assign(auditOf(response), { count: events.length, withheld, unreadable });
    response.once('finish', () => handedOver(caller, 'pull', events, withheld));
    const json = events.map((event) => event.json).join(',');
    response.type('application/json').send(`{"events":[${json}],"next":${JSON.stringify(next)}}`);
  };
