import { LIMIT, SUBJECT_PATTERN, TYPE_PATTERN, WAIT_SECONDS } from './query.ts';

/** The gateway's interface in OpenAPI 3.1. `issuer`: where access tokens come from. */
export const openApi = (issuer: string) => ({
  openapi: '3.1.1',
  info: {
    title: 'Causeway gateway',
    version: '1.0.0',
    summary: 'Events that data-sharing agreements release to your organisation',
    description:
      'Every event is a CloudEvent 1.0.2 in structured JSON. Its data holds exactly the fields that an agreement releases to the organisation in the access token: a withheld field is absent, a field that the source does not know is null. Every refusal is problem details (RFC 9457) with a stable type, `urn:causeway:problem:<word>`. Events are delivered at least once and in order per subject; the id of an event is the key to recognise a repeat.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  servers: [{ url: '/' }],
  security: [{ accessToken: ['events:read'] }],
  tags: [{ name: 'events', description: 'Reading your inbox' }, { name: 'documents' }],
  paths: {
    '/v1/events': { get: getEvents },
    '/v1/openapi.json': {
      get: {
        operationId: 'getOpenApi',
        tags: ['documents'],
        summary: 'This document',
        security: [],
        responses: {
          200: {
            description: 'An OpenAPI 3.1 document',
            content: { 'application/json': { schema: { type: 'object' } } },
          },
          ...problems([413, 414]),
        },
      },
    },
  },
  components: {
    securitySchemes: {
      accessToken: {
        type: 'openIdConnect',
        openIdConnectUrl: `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
        description:
          'A JWT access token (RFC 9068, typ at+jwt) for the audience causeway-gateway with the claim organisation, from the client credentials grant.',
      },
    },
    schemas: { CloudEvent: cloudEvent, EventPage: eventPage, Problem: problem },
  },
});

const parameter = (name: string, description: string, schema: object) => ({
  name,
  in: 'query',
  description,
  schema,
});

const STATUSES: Record<number, { description: string; headers?: object }> = {
  400: {
    description:
      '`invalid-parameter`: the member parameters names each fault. `invalid-cursor`: after is not a cursor of this organisation.',
  },
  401: {
    description: '`invalid-token`: no access token, or one that is not accepted here',
    headers: {
      'WWW-Authenticate': { description: 'What is wrong with the token', schema: { type: 'string' } },
    },
  },
  403: {
    description:
      '`insufficient-scope`; `organisation-required`: the token has no organisation; `organisation-unknown`: it has no inbox',
  },
  410: {
    description:
      '`events-missed`: events behind this cursor were deleted before they were read. The member oldest is the cursor to go on with.',
  },
  413: { description: '`too-large`: the request has a body' },
  414: { description: '`uri-too-long`' },
  503: {
    description:
      '`unavailable` or `agreements-not-current`: nothing is handed over for the moment. The same request will succeed later.',
    headers: {
      'Retry-After': {
        required: true,
        description: 'Seconds to wait',
        schema: { type: 'integer', minimum: 1 },
      },
    },
  },
};

const problems = (statuses: number[]) =>
  Object.fromEntries(
    statuses.map((status) => [
      status,
      {
        ...STATUSES[status],
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  );

const getEvents = {
  operationId: 'getEvents',
  tags: ['events'],
  summary: 'The next events for your organisation',
  description:
    'Answers with the events after a cursor, oldest first, and with the cursor to go on with. Keep `next` once you have dealt with the events, and give it as `after`; it moves on even where no event is handed over. Without `after` the oldest event that is kept comes first; events are kept for 30 days. With `wait` an empty answer is held back until there is an event. An event whose agreement has ended since is left out.',
  parameters: [
    parameter('after', 'The member next of the last answer', {
      type: 'string',
      minLength: 1,
      maxLength: 2800,
    }),
    parameter('limit', 'The largest number of events in the answer; it can be smaller at any time', {
      type: 'integer',
      ...LIMIT,
    }),
    parameter('wait', 'Seconds to wait for an event where there is none', {
      type: 'integer',
      ...WAIT_SECONDS,
    }),
    parameter('type', 'Only events of this type', { type: 'string', pattern: TYPE_PATTERN, maxLength: 200 }),
    parameter('subject', 'Only events about the person with this pseudonym of the source', {
      type: 'string',
      pattern: SUBJECT_PATTERN,
    }),
  ],
  responses: {
    200: {
      description: 'A page of events, which can be empty',
      content: { 'application/json': { schema: { $ref: '#/components/schemas/EventPage' } } },
    },
    ...problems([400, 401, 403, 410, 413, 414, 503]),
  },
};

const text = (description: string, more: object = {}) => ({ type: 'string', description, ...more });
const time = (description: string) => text(description, { format: 'date-time' });

const cloudEvent = {
  type: 'object',
  description: 'A CloudEvent 1.0.2 in structured JSON',
  required: [
    'specversion',
    'id',
    'source',
    'type',
    'time',
    'subject',
    'datacontenttype',
    'dataclassification',
    'position',
    'data',
  ],
  properties: {
    specversion: { const: '1.0' },
    id: text('Unique per source: the key to recognise a repeat'),
    source: text('Organisation and adapter that published it', {
      examples: ['/westshire-nhs-trust/nhs-trust'],
    }),
    type: text('What happened', { pattern: TYPE_PATTERN }),
    time: time('When it happened'),
    subject: text("The source's own pseudonym of the person", { pattern: SUBJECT_PATTERN }),
    datacontenttype: { const: 'application/json' },
    dataclassification: { enum: ['OFFICIAL', 'OFFICIAL-SENSITIVE'] },
    handling: text('Codes of handling conditions, separated by spaces'),
    recordedtime: time('When the source system wrote it down'),
    priority: { enum: ['immediate', 'urgent', 'same-day', 'routine'] },
    actby: time('When it must have been acted on'),
    correlationid: text('Joins the events of one case'),
    inresponseto: text('The event that this one answers: /<organisation>/<event id>'),
    corrects: text('The id of the event that this one voids or corrects'),
    replay: { const: true, description: 'Back-filled history' },
    agreement: text('The agreements that release it: <id>/<version>, separated by spaces'),
    traceparent: text('W3C trace context'),
    position: text('Where it lies in your inbox; needed to acknowledge it'),
    data: { type: 'object', description: 'The released fields of the event type' },
  },
};

const eventPage = {
  type: 'object',
  required: ['events', 'next'],
  additionalProperties: false,
  properties: {
    events: { type: 'array', maxItems: LIMIT.maximum, items: { $ref: '#/components/schemas/CloudEvent' } },
    next: text('The cursor to give as after in the next request'),
  },
};

const problem = {
  type: 'object',
  description: 'Problem details, RFC 9457',
  required: ['type', 'title', 'status'],
  properties: {
    type: text('What went wrong, stable', { pattern: '^urn:causeway:problem:[a-z-]+$' }),
    title: text('The same in words'),
    status: { type: 'integer' },
    detail: text('What to do'),
    instance: text('This occurrence, for the operator'),
    oldest: text('With events-missed: the cursor to go on with'),
    parameters: {
      type: 'array',
      description: 'With invalid-parameter',
      items: {
        type: 'object',
        required: ['parameter', 'detail'],
        properties: { parameter: { type: 'string' }, detail: { type: 'string' } },
      },
    },
  },
};
