import { TYPE_PATTERN } from '../../http/query.ts';
import { LIST_LIMIT, MOST_SUBSCRIPTIONS, ROTATION_HOURS } from '../../subscriptions/route.ts';
import {
  EVENT_PATTERN,
  FIELD_PATTERN,
  MOST_TYPES,
  REDRIVE_MOST,
  TEXT_PATTERN,
} from '../../subscriptions/subscription-body.ts';
import { json, parameter, refusals, schema, text, time } from '../parts.ts';

const security = [{ accessToken: ['subscriptions:manage'] }];
const id = parameter('id', 'Of the subscription', { type: 'string', maxLength: 100 }, 'path');
const paging = [
  parameter('after', 'The member next of the last answer', { type: 'string', pattern: '^[0-9]{1,15}$' }),
  parameter('limit', 'How many', { type: 'integer', ...LIST_LIMIT }),
];
const one = (description: string, name = 'Subscription') => ({ description, content: json(schema(name)) });
const body = (name: string) => ({ required: true, content: json(schema(name)) });

const operation = (
  operationId: string,
  summary: string,
  more: { responses: object } & Record<string, unknown>,
) => ({
  operationId,
  tags: ['subscriptions'],
  summary,
  security,
  ...more,
});

const action = (operationId: string, summary: string, description: string, responses: object) => ({
  post: operation(operationId, summary, {
    description,
    parameters: [id],
    responses: { ...responses, ...refusals(404) },
  }),
});

const listed = (member: string, items: object) =>
  json({
    type: 'object',
    required: [member, 'next'],
    properties: {
      [member]: { type: 'array', items },
      next: { type: ['string', 'null'], description: 'Null at the end' },
    },
  });

export const subscriptions = {
  '/v1/subscriptions': {
    post: operation('createSubscription', 'Have events brought to an address of yours', {
      description: `Each event is one POST of the CloudEvent in structured JSON, signed by Standard Webhooks 1.0. Success is 2xx only; 410 ends the subscription; 429 and 503 with Retry-After are obeyed; redirects are not followed; the answer must come within 15 s. What fails is tried again for 72 hours and then kept as a dead letter. Events of one subject come in order. Begins with what comes from now on. At most ${MOST_SUBSCRIPTIONS} for an organisation.`,
      requestBody: body('SubscriptionBody'),
      responses: {
        201: one('With the secret, which is shown this once', 'SubscriptionWithSecret'),
        ...refusals(409),
      },
    }),
    get: operation('listSubscriptions', 'The subscriptions of your organisation', {
      responses: {
        200: {
          description: 'In order of their making',
          content: json({
            type: 'object',
            required: ['subscriptions'],
            properties: { subscriptions: { type: 'array', items: schema('Subscription') } },
          }),
        },
        ...refusals(),
      },
    }),
  },
  '/v1/subscriptions/{id}': {
    get: operation('getSubscription', 'One subscription', {
      parameters: [id],
      responses: { 200: one('The subscription'), ...refusals(404) },
    }),
    patch: operation('changeSubscription', 'Change a subscription', {
      description: 'A merge patch: what is left out stays, null takes away.',
      parameters: [id],
      requestBody: body('SubscriptionPatch'),
      responses: { 200: one('As it is now'), ...refusals(404) },
    }),
    delete: operation('deleteSubscription', 'Delete a subscription', {
      parameters: [id],
      responses: { 204: { description: 'It is gone' }, ...refusals(404) },
    }),
  },
  '/v1/subscriptions/{id}/pause': {
    post: operation('pauseSubscription', 'Send nothing for now', {
      description: 'Everything is kept, for 30 days.',
      parameters: [id],
      responses: { 200: one('As it is now'), ...refusals(404, 409) },
    }),
  },
  '/v1/subscriptions/{id}/resume': {
    post: operation('resumeSubscription', 'Go on where it stopped', {
      description:
        'Also after the endpoint had answered 410, and at once where it was left alone after failures.',
      parameters: [id],
      responses: { 200: one('As it is now'), ...refusals(404, 409) },
    }),
  },
  '/v1/subscriptions/{id}/rotate-secret': action(
    'rotateSecret',
    'A new secret',
    `For ${ROTATION_HOURS} hours each event is signed with both, so that you can change over without losing one.`,
    { 200: one('With the new secret, which is shown this once', 'SubscriptionWithSecret') },
  ),
  '/v1/subscriptions/{id}/test': action(
    'testSubscription',
    'Send a test event now',
    'Of the type `uk.causeway.gateway.test.v1`, about nobody, signed like any other. It is tried once.',
    { 200: one('What the endpoint answered', 'TestResult') },
  ),
  '/v1/subscriptions/{id}/deliveries': {
    get: operation('listDeliveries', 'The last tries', {
      parameters: [id, ...paging],
      responses: {
        200: { description: 'The newest first', content: listed('deliveries', schema('Delivery')) },
        ...refusals(404),
      },
    }),
  },
  '/v1/subscriptions/{id}/dead-letters': {
    get: operation('listDeadLetters', 'What was given up', {
      description: 'Kept for 90 days.',
      parameters: [id, ...paging],
      responses: {
        200: { description: 'The oldest first', content: listed('deadLetters', schema('DeadLetter')) },
        ...refusals(404),
      },
    }),
  },
  '/v1/subscriptions/{id}/redrive': {
    post: operation('redriveSubscription', 'Try dead letters again', {
      description: 'Under the agreements as they are now. With `dryRun` it only says which.',
      parameters: [id],
      requestBody: body('Redrive'),
      responses: {
        200: one('A dry run', 'Redriven'),
        202: one('They will be tried', 'Redriven'),
        ...refusals(404),
      },
    }),
  },
  '/v1/subscriptions/{id}/replay': {
    post: operation('replaySubscription', 'Send everything since a time once more', {
      parameters: [id],
      requestBody: body('Replay'),
      responses: { 202: one('It will be sent', 'Replay'), ...refusals(404) },
    }),
  },
};

const value = { type: ['string', 'number', 'boolean'], maxLength: 200, pattern: TEXT_PATTERN };
const types = {
  type: ['array', 'null'],
  minItems: 1,
  maxItems: MOST_TYPES,
  description: 'Names of event types; all where it is left out',
  items: { type: 'string', pattern: TYPE_PATTERN, maxLength: 200 },
};
const filter = {
  type: ['object', 'null'],
  description:
    'Equality on `type`, `subject` or top-level fields of the data that your organisation receives. All members must match',
  maxProperties: 20,
  propertyNames: { pattern: FIELD_PATTERN },
  additionalProperties: value,
};
const nullableTime = (description: string) => ({
  type: ['string', 'null'],
  format: 'date-time',
  description,
});
const nullable = (description: string) => ({ type: ['string', 'null'], description });
const endpoint = text('An https address on the public internet', { format: 'uri', maxLength: 2_000 });
const expires = nullableTime('When it ends by itself');

const shown = {
  id: text('Of the subscription'),
  endpoint,
  types,
  filter,
  status: { enum: ['active', 'paused', 'disabled', 'expired'] },
  reason: nullable('Why it was disabled: `gone` after an answer of 410'),
  expires,
  createdAt: time('When it was made'),
};
const secret = text('For verifying signatures: whsec_ and 32 bytes in Base64');
const required = Object.keys(shown);

export const subscriptionSchemas = {
  SubscriptionBody: {
    type: 'object',
    required: ['endpoint'],
    additionalProperties: false,
    properties: { endpoint, types, filter, expires },
  },
  SubscriptionPatch: {
    type: 'object',
    additionalProperties: false,
    properties: { endpoint, types, filter, expires },
  },
  Subscription: { type: 'object', required, properties: shown },
  SubscriptionWithSecret: {
    type: 'object',
    required: [...required, 'secret'],
    properties: { ...shown, secret },
  },
  TestResult: {
    type: 'object',
    required: ['id', 'delivered', 'code', 'status', 'durationMs', 'answer'],
    properties: {
      id: text('Of the test event'),
      delivered: { type: 'boolean' },
      code: text('ok, or what went wrong: a stable word'),
      status: { type: ['integer', 'null'] },
      durationMs: { type: 'integer' },
      answer: nullable('The beginning of what the endpoint said'),
    },
  },
  Delivery: {
    type: 'object',
    required: [
      'event',
      'type',
      'position',
      'attempt',
      'outcome',
      'code',
      'status',
      'durationMs',
      'answer',
      'at',
    ],
    properties: {
      event: nullable('Id of the event'),
      type: nullable('Of the event'),
      position: text('In your inbox'),
      attempt: { type: 'integer', description: '1 for the first' },
      outcome: text('delivered, retry, unreachable, gave-up, withheld, gone, undecodable or lost'),
      code: text('A stable word'),
      status: nullable('As the endpoint answered'),
      durationMs: { type: 'integer' },
      answer: nullable('The beginning of the answer, without numbers and without any word of the event'),
      at: time('When'),
    },
  },
  DeadLetter: {
    type: 'object',
    required: ['event', 'type', 'position', 'reason', 'at', 'redrivenAt'],
    properties: {
      event: nullable('Id of the event'),
      type: nullable('Of the event'),
      position: text('In your inbox'),
      reason: text('Why it was given up: a stable word'),
      at: time('When it was given up'),
      redrivenAt: nullableTime('When it was tried again'),
    },
  },
  Redrive: {
    type: 'object',
    additionalProperties: false,
    properties: {
      dryRun: { type: 'boolean', description: 'Only say which' },
      events: {
        type: 'array',
        minItems: 1,
        maxItems: REDRIVE_MOST,
        description: 'Ids of events; where it is left out, all that were not tried again yet',
        items: { type: 'string', pattern: EVENT_PATTERN },
      },
    },
  },
  Redriven: {
    type: 'object',
    required: ['dryRun', 'count', 'events', 'request'],
    properties: {
      dryRun: { type: 'boolean' },
      count: { type: 'integer' },
      events: { type: 'array', items: { type: ['string', 'null'] } },
      request: nullable('The requests that the records of the new tries name begin with it'),
    },
  },
  Replay: {
    type: 'object',
    required: ['from'],
    additionalProperties: false,
    properties: { from: time('The time of arrival in your inbox') },
  },
};
