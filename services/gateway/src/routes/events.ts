import type { AccessVerifier } from '@causeway/runtime/access';
import { requireOrganisation, requireScope } from '@causeway/runtime/access';
import type { RequestHandler } from 'express';
import { auditOf } from '../audit.ts';
import { parseEventQuery } from '../query.ts';
import { type ReadingParts, readEvents } from '../reading.ts';

/** GET /v1/events: a page of the caller's inbox. `stopping` answers those who wait, so that none is cut off. */
export const getEvents =
  (access: AccessVerifier, parts: ReadingParts, stopping: AbortSignal): RequestHandler =>
  async (request, response) => {
    const audit = auditOf(response);
    audit.route = '/v1/events';
    const caller = await access.verify(request.headers.authorization);
    audit.client = caller.clientId;
    requireScope(caller, 'events:read');
    const organisation = requireOrganisation(caller);
    audit.organisation = organisation;
    const query = parseEventQuery(request.url);

    const left = new AbortController();
    response.once('close', () => left.abort());
    const answer = await readEvents(parts, organisation, query, left.signal, stopping);
    const { events, next, withheld, unreadable } = answer;
    Object.assign(audit, { count: events.length, withheld, unreadable });
    response.type('application/json').send(`{"events":[${events.join(',')}],"next":${JSON.stringify(next)}}`);
  };
