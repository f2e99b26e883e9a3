import {
  answer,
  array,
  json,
  object,
  orNull,
  parameter,
  schema,
  schemaOf,
  text,
  time,
} from '@causeway/runtime/service/openapi';
import { ROTATION_HOURS } from '../../subscriptions/actions.ts';
import { LIST_LIMIT } from '../../subscriptions/delivery-lists.ts';
import { MOST_SUBSCRIPTIONS } from '../../subscriptions/manage.ts';
import {
  redriveBody,
  replayBody,
  subscriptionBody,
  subscriptionPatch,
} from '../../subscriptions/subscription-body.ts';
import { operations, refusals } from '../parts.ts';

const operation = operations('subscriptions', 'subscriptions:manage');
const id = parameter('id', 'Of the subscription', { type: 'string', maxLength: 100 }, 'path');
const paging = [
  parameter('after', 'The member `next` of the last page', { type: 'string', pattern: '^[0-9]{1,15}$' }),
  parameter('limit', 'How many', { type: 'integer', ...LIST_LIMIT }),
];
const one = (description: string, name = 'Subscription') => answer(description, schema(name));
const requestBody = (name: string) => ({ required: true, content: json(schema(name)) });
const changed = { 200: one('The changed subscription') };

const onOne = (operationId: string, summary: string, responses: object, more: object = {}) =>
  operation(operationId, summary, {
    parameters: [id],
    ...more,
    responses: { ...responses, ...refusals(404) },
  });

const list = (
  operationId: string,
  summary: string,
  order: string,
  member: string,
  name: string,
  more = {},
) => ({
  get: onOne(
    operationId,
    summary,
    {
      200: answer(order, object({ [member]: array(schema(name)), next: orNull('Null on the last page') })),
    },
    { parameters: [id, ...paging], ...more },
  ),
});

export const subscriptions = {
  '/v1/subscriptions': {
    post: operation('createSubscription', 'Create a webhook subscription', {
      description: `Each event is one POST of the CloudEvent in structured JSON, signed according to Standard Webhooks 1.0. Only 2xx is success; 410 ends the subscription; 429 and 503 with Retry-After are respected; redirects are not followed; the endpoint must respond within 15 s. Failed deliveries are retried for 72 hours and then kept as dead letters. Events of one subject are delivered in order. The subscription starts with events that arrive from now on. At most ${MOST_SUBSCRIPTIONS} per organisation.`,
      requestBody: requestBody('SubscriptionBody'),
      responses: {
        201: one('With the secret, which is shown only once', 'SubscriptionWithSecret'),
        ...refusals(409),
      },
    }),
    get: operation('listSubscriptions', 'List the subscriptions of your organisation', {
      responses: {
        200: answer('By time of creation', object({ subscriptions: array(schema('Subscription')) })),
        ...refusals(),
      },
    }),
  },
  '/v1/subscriptions/{id}': {
    get: onOne('getSubscription', 'Get a subscription', { 200: one('The subscription') }),
    patch: onOne('changeSubscription', 'Change a subscription', changed, {
      description: 'A merge patch: omitted members stay unchanged, null removes a member.',
      requestBody: requestBody('SubscriptionPatch'),
    }),
    delete: onOne('deleteSubscription', 'Delete a subscription', { 204: { description: 'Deleted' } }),
  },
  '/v1/subscriptions/{id}/pause': {
    post: onOne(
      'pauseSubscription',
      'Pause a subscription',
      { ...changed, ...refusals(409) },
      { description: 'Undelivered events are kept for 30 days.' },
    ),
  },
  '/v1/subscriptions/{id}/resume': {
    post: onOne(
      'resumeSubscription',
      'Resume a subscription',
      { ...changed, ...refusals(409) },
      {
        description:
          'Continues at the position where delivery stopped. Also resumes a subscription that ended with 410, and closes an open circuit at once.',
      },
    ),
  },
  '/v1/subscriptions/{id}/rotate-secret': {
    post: onOne(
      'rotateSecret',
      'Rotate the secret',
      { 200: one('With the new secret, which is shown only once', 'SubscriptionWithSecret') },
      {
        description: `For ${ROTATION_HOURS} hours each event is signed with both secrets, so that you can switch without losing events.`,
      },
    ),
  },
  '/v1/subscriptions/{id}/test': {
    post: onOne(
      'testSubscription',
      'Send a test event now',
      { 200: one('The response of the endpoint', 'TestResult') },
      {
        description:
          'Sends one event of the type `uk.causeway.gateway.test.v1`, which is about no person and is signed like any other. It is sent once, without retries.',
      },
    ),
  },
  '/v1/subscriptions/{id}/deliveries': list(
    'listDeliveries',
    'List the latest delivery attempts',
    'Newest first',
    'deliveries',
    'Delivery',
  ),
  '/v1/subscriptions/{id}/dead-letters': list(
    'listDeadLetters',
    'List dead letters',
    'Oldest first',
    'deadLetters',
    'DeadLetter',
    { description: 'Kept for 90 days.' },
  ),
  '/v1/subscriptions/{id}/redrive': {
    post: onOne(
      'redriveSubscription',
      'Redrive dead letters',
      { 200: one('Result of a dry run', 'Redriven'), 202: one('The redrive is queued', 'Redriven') },
      {
        description: 'Under the agreements in force now. With `dryRun` it only lists the dead letters.',
        requestBody: requestBody('Redrive'),
      },
    ),
  },
  '/v1/subscriptions/{id}/replay': {
    post: onOne(
      'replaySubscription',
      'Replay all events since a time',
      { 202: one('The replay is queued', 'Replay') },
      { requestBody: requestBody('Replay') },
    ),
  },
};

const { endpoint, types, filter, expires } = schemaOf(subscriptionBody).properties as Record<string, object>;
const shown = {
  id: text('Of the subscription'),
  endpoint: endpoint ?? {},
  types: types ?? {},
  filter: filter ?? {},
  status: { enum: ['active', 'paused', 'disabled', 'expired'] },
  reason: orNull('Why it was disabled: `gone` after a 410 response'),
  expires: expires ?? {},
  createdAt: time('When it was created'),
};
const integer = { type: 'integer' };
const ofEvent = {
  event: orNull('Id of the event'),
  type: orNull('Of the event'),
  position: text('Position in your inbox'),
};

export const subscriptionSchemas = {
  SubscriptionBody: schemaOf(subscriptionBody),
  SubscriptionPatch: schemaOf(subscriptionPatch),
  Subscription: object(shown),
  SubscriptionWithSecret: object({
    ...shown,
    secret: text('For verifying signatures: whsec_ and 32 bytes in Base64'),
  }),
  TestResult: object({
    id: text('Of the test event'),
    delivered: { type: 'boolean' },
    code: text('ok, or the stable code of the failure'),
    status: { type: ['integer', 'null'] },
    durationMs: integer,
    answer: orNull('The start of the response body'),
  }),
  Delivery: object({
    ...ofEvent,
    attempt: { type: 'integer', description: '1 for the first' },
    outcome: text('delivered, retry, unreachable, gave-up, withheld, gone, undecodable or lost'),
    code: text('A stable code'),
    status: orNull('Status of the response'),
    durationMs: integer,
    answer: orNull('The start of the response body, without numbers and without any word of the event'),
    at: time('When'),
  }),
  DeadLetter: object({
    ...ofEvent,
    reason: text('Why delivery was given up: a stable code'),
    at: time('When it was given up'),
    redrivenAt: orNull('When it was redriven', { format: 'date-time' }),
  }),
  Redrive: schemaOf(redriveBody),
  Redriven: object({
    dryRun: { type: 'boolean' },
    count: integer,
    events: array({ type: ['string', 'null'] }),
    request: orNull('Prefix of the request ids of the new attempts'),
  }),
  Replay: schemaOf(replayBody),
};
