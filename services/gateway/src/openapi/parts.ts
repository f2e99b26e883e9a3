import { object, problem, RETRY_AFTER, text, WWW_AUTHENTICATE } from '@causeway/runtime/service/openapi';
import type { Scope } from '../http/guard.ts';

export const problemDetails = object(
  {
    type: text('What went wrong, stable', { pattern: '^urn:causeway:problem:[a-z-]+$' }),
    title: text('The same in words'),
    status: { type: 'integer' },
    detail: text('What to do'),
    instance: text('This occurrence, for the operator'),
    oldest: text('With events-missed: the cursor to continue with'),
    parameters: {
      type: 'array',
      description: 'With invalid-parameter',
      items: object({ parameter: { type: 'string' }, detail: { type: 'string' } }),
    },
  },
  ['type', 'title', 'status'],
  { description: 'Problem details, RFC 9457' },
);

type Operation = { summary?: never; responses: object } & Record<string, unknown>;

/** Operations of one feature. Without a scope they need the one that reads events. */
export const operations =
  (tag: string, feature?: Scope) =>
  (operationId: string, summary: string, { responses, ...more }: Operation, scope = feature) => ({
    operationId,
    tags: [tag],
    summary,
    ...(scope && { security: [{ accessToken: [scope] }] }),
    ...more,
    responses,
  });

const PROBLEMS = {
  400: problem(
    '`invalid-parameter`: the member `parameters` lists each fault. `invalid-cursor`: the cursor does not belong to this organisation. `invalid-json`, `invalid-body`: the body is not valid.',
  ),
  401: problem('`invalid-token`: no access token, or one that is not accepted here', WWW_AUTHENTICATE),
  403: problem(
    '`insufficient-scope`; `organisation-required`: the token names no organisation; `organisation-unknown`: the organisation has no topics here',
  ),
  404: problem('`not-found`: it does not exist for the caller'),
  408: problem('`request-time-out`: the request did not arrive in time'),
  409: problem('`conflict`'),
  410: problem(
    '`events-missed`: events after this cursor were deleted before they were read. Continue with the cursor in the member `oldest`.',
  ),
  413: problem('`too-large`: the body is too large, or the operation takes no body'),
  414: problem('`uri-too-long`'),
  415: problem('`unsupported-media-type`'),
  422: problem('The request was understood and refused; the members say why'),
  429: problem('`too-many-requests` or `too-many-streams`: this client has reached its limit', RETRY_AFTER),
  431: problem('`headers-too-large`: address and headers are longer than 16 kB'),
  503: problem(
    '`unavailable` or `agreements-not-current`: the service cannot do this at the moment. Send the same request again later.',
    RETRY_AFTER,
  ),
};

type Status = keyof typeof PROBLEMS;

/** The refusals of a path, as problem details. */
export const problems = (...statuses: Status[]) =>
  Object.fromEntries(statuses.map((status) => [status, PROBLEMS[status]]));

/** What every path with an access token can answer. */
export const refusals = (...more: Status[]) =>
  problems(...([400, 401, 403, 408, 413, 414, 429, 431, 503, ...more].sort((a, b) => a - b) as Status[]));
