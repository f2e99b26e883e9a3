import { Problem } from '@causeway/runtime/service/http-server';
import type { Express, RequestHandler } from 'express';
import { parsed } from '../http/body.ts';
import { callerOf, type Guard } from '../http/guard.ts';
import { EVENT_ID_PATTERN } from '../http/query.ts';
import { bodyless, bodyOf, MAX_SMALL_BODY, route } from '../http/route.ts';
import { type ReadingParts, withInbox } from '../reading/current-page.ts';
import { type AcknowledgingParts, acknowledge } from './acknowledge.ts';
import { acknowledgementIn } from './acknowledgement-body.ts';
import type { FeedbackIndex } from './feedback-index.ts';
import { outcomeOf } from './outcome.ts';

export type FeedbackRouteParts = AcknowledgingParts & { index: FeedbackIndex };

export const feedbackRoutes = (
  app: Express,
  guard: Guard,
  reading: ReadingParts,
  parts: FeedbackRouteParts,
): void => {
  const caller = guard('events:read');
  route(app, '/v1/events/:id/acknowledgements', {
    post: [...caller, bodyOf(MAX_SMALL_BODY), postAcknowledgement(reading, parts)],
  });
  route(app, '/v1/events/:id/outcome', { get: [bodyless, ...caller, getOutcome(reading, parts)] });
};

/** POST /v1/events/:id/acknowledgements: 202, whether or not the source may be told. */
const postAcknowledgement =
  (reading: ReadingParts, parts: AcknowledgingParts): RequestHandler<{ id: string }> =>
  async (request, response) => {
    const caller = callerOf(response);
    const acknowledgement = acknowledgementIn(request.params.id, parsed(request.body));
    await withInbox(reading, caller.organisation, (inbox) =>
      acknowledge(parts, inbox, caller, acknowledgement),
    );
    response.status(202).json({ id: acknowledgement.id });
  };

/** GET /v1/events/:id/outcome: what recipients have acknowledged of an event of the caller's. */
const getOutcome =
  (reading: ReadingParts, { index }: FeedbackRouteParts): RequestHandler<{ id: string }> =>
  async (request, response) => {
    const { organisation } = callerOf(response);
    const { id } = request.params;
    if (!new RegExp(EVENT_ID_PATTERN).test(id)) throw notAnId();
    const outcome = await withInbox(reading, organisation, (inbox) =>
      outcomeOf({ index, writerOf: reading.writerOf }, inbox, organisation, id),
    );
    response.json(outcome);
  };

const notAnId = () =>
  new Problem(
    400,
    'invalid-parameter',
    'Not a valid event id',
    'Give the member `id` of an event that you published.',
  );
