import { answer, parameter } from '@causeway/runtime/service/openapi';
import { TYPE_PATTERN } from '../../http/query.ts';
import { operations, problems, refusals } from '../parts.ts';

const operation = operations('catalogue');
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
  described: string,
  parameters: object[] = [],
  problemsOf = refusals(),
  more: object = {},
) => ({
  get: operation(operationId, summary, {
    parameters,
    responses: { 200: answer(described, { type: 'object' }), ...problemsOf },
    ...more,
  }),
});
const open = { security: [] };

export const catalogue = {
  '/v1/catalogue': get(
    'getCatalogue',
    'Get what your organisation receives and may publish: sources, fields, withheld fields, agreements and rules',
    'Under the agreements in force today',
  ),
  '/v1/asyncapi.json': get('getAsyncApi', 'Get the catalogue as AsyncAPI 3', 'An AsyncAPI 3.0 document'),
  '/v1/agreements': get(
    'listAgreements',
    'List the agreements of your organisation',
    'Every version with its status',
  ),
  '/v1/agreements/{id}/{version}': get(
    'getAgreement',
    'Get one version of an agreement',
    'The agreement, its status, and each field that it releases',
    [parameter('id', 'Of the agreement', word, 'path'), parameter('version', 'Number', word, 'path')],
    refusals(404),
  ),
  '/v1/schemas/received/{source}/{type}': get(
    'getReceivedSchema',
    'Get the schema of an event type as you receive it from one organisation',
    'A schema',
    [parameter('source', 'The organisation that publishes it', word, 'path'), type, format],
    refusals(404),
  ),
  '/v1/schemas/events': get('listEventTypes', 'List all event types', 'Types', [], problems(413, 414), open),
  '/v1/schemas/events/{type}': get(
    'getEventSchema',
    'Get the schema of an event type as a source publishes it',
    'A schema',
    [type, format],
    problems(400, 404, 413, 414),
    open,
  ),
};
