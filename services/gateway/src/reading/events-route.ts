import { RetryableError } from '@causeway/runtime/errors';
import type { RequestHandler } from 'express';
import { auditOf } from '../http/audit.ts';
import { callerOf } from '../http/guard.ts';
import { parseEventQuery } from '../http/query.ts';
import type { ReadingParts } from './current-page.ts';
import type { PageEvent } from './page.ts';
import { readEvents } from './read.ts';
import type { ReadReceipts } from './read-receipts.ts';

/** GET /v1/events: a page of the caller's inbox. `stopping` answers those who wait, so that none is cut off. */
export const getEvents =
  (parts: ReadingParts, readReceipts: ReadReceipts, stopping: AbortSignal): RequestHandler =>
  async (request, response) => {
    const caller = callerOf(response);
    const query = parseEventQuery(request.url);
    const left = new AbortController();
    response.once('close', () => left.abort(LEFT));
    const answer = await readEvents(parts, caller.organisation, query, left.signal, stopping);
    const { events, next, withheld, unreadable } = answer;
    Object.assign(auditOf(response), { count: events.length, withheld, unreadable });
    response.once('finish', () => readReceipts(caller, 'pull', events, withheld));
    response.type('application/json').send(bodyOf(events, next));
  };

/** One for all: without a reason an error is made, with its stack, for each page. */
const LEFT = new RetryableError('left', 'The client has left');

const BEGIN = Buffer.from('{"events":[');
const COMMA = Buffer.from(',');

const bodyOf = (events: readonly PageEvent[], next: string): Buffer => {
  const pieces: Buffer[] = [BEGIN];
  for (const { json } of events) pieces.push(json, COMMA);
  if (events.length > 0) pieces.pop();
  pieces.push(Buffer.from(`],"next":${JSON.stringify(next)}}`));
  return Buffer.concat(pieces);
};
