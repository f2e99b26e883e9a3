import { TYPE_PATTERN } from '../../http/query.ts';
import { json, parameter, problems, refusals } from '../parts.ts';

const object = (description: string) => ({ description, content: json({ type: 'object' }) });
const word = { type: 'string', minLength: 1, maxLength: 200 };
const type = parameter(
  'type',
  'Full name of an event type',
  { type: 'string', pattern: TYPE_PATTERN, maxLength: 200 },
  'path',
);
const format = parameter('format', 'JSON Schema (2020-12), or the Avro schema', {
  enum: ['json', 'avro'],
  default: 'json',
});

const get = (
  operationId: string,
  summary: string,
  parameters: object[],
  responses: object,
  more: object = {},
) => ({
  get: { operationId, tags: ['catalogue'], summary, parameters, responses, ...more },
});
const open = { security: [] };

export const catalogue = {
  '/v1/catalogue': get(
    'getCatalogue',
    'What your organisation receives, from whom, which fields of it, what is withheld, under which agreement and rules, and what it may publish',
    [],
    { 200: object('After projection, by the agreements in force today'), ...refusals() },
  ),
  '/v1/asyncapi.json': get('getAsyncApi', 'The catalogue as AsyncAPI 3', [], {
    200: object('An AsyncAPI 3.0 document'),
    ...refusals(),
  }),
  '/v1/agreements': get('listAgreements', 'The agreements that your organisation is a party to', [], {
    200: object('Every version with its status'),
    ...refusals(),
  }),
  '/v1/agreements/{id}/{version}': get(
    'getAgreement',
    'One version of an agreement, in full',
    [parameter('id', 'Of the agreement', word, 'path'), parameter('version', 'Number', word, 'path')],
    { 200: object('The agreement, its status, and what it releases leaf by leaf'), ...refusals(404) },
  ),
  '/v1/schemas/received/{source}/{type}': get(
    'getReceivedSchema',
    'The data of an event type as you receive it from one organisation',
    [parameter('source', 'The organisation that publishes it', word, 'path'), type, format],
    { 200: object('A schema'), ...refusals(404) },
  ),
  '/v1/schemas/events': get(
    'listEventTypes',
    'Every event type',
    [],
    { 200: object('Types'), ...problems(413, 414) },
    open,
  ),
  '/v1/schemas/events/{type}': get(
    'getEventSchema',
    'The data of an event type as a source publishes it',
    [type, format],
    { 200: object('A schema'), ...problems(400, 404, 413, 414) },
    open,
  ),
};
