import { BATCH_JSON, EVENT_JSON, MAX_BATCH } from '../../http/body.ts';
import { RULES } from '../../publishing/attributes.ts';
import { json, problems, refusals, schema, text } from '../parts.ts';

const writes = [{ accessToken: ['events:write'] }];

const results = (description: string) => ({ description, content: json(schema('PublishResults')) });

const postEvents = {
  operationId: 'publishEvents',
  tags: ['publishing'],
  summary: 'Publish events of your organisation',
  description:
    'One CloudEvent or a batch of up to 500, 1 MB in all. The answer comes when every accepted event is on all in-sync replicas. The same event again is a duplicate and changes nothing, so after 503 or no answer send the same request again; other content under a known id is refused. Only types that an agreement of your organisation names are taken; nothing else is kept. The gateway makes the pseudonyms of the people in the data. Binary mode: application/json with the attributes as ce- headers.',
  security: writes,
  requestBody: {
    required: true,
    content: {
      ...json(schema('PublishedEvent'), EVENT_JSON),
      ...json(
        { type: 'array', minItems: 1, maxItems: MAX_BATCH, items: schema('PublishedEvent') },
        BATCH_JSON,
      ),
    },
  },
  responses: {
    200: results('Every event is on the bus'),
    207: results('Some events are on the bus, others were refused'),
    ...refusals(415),
    ...problems(422),
  },
};

export const publishing = { '/v1/events': { post: postEvents } };

const attribute = ([name, { form, says, list }]: [string, (typeof RULES)[string]]) => [
  name,
  text(says, list || form.flags !== '' ? {} : patternOf(form)),
];

/** A length that is written as a look-ahead is said as a length: generators of data from patterns cannot look ahead. */
const patternOf = ({ source }: RegExp): object => {
  const [ahead = '', longest] = /^\^\(\?=\.\{1,(\d+)\}\$\)/.exec(source) ?? [];
  if (longest === undefined) return { pattern: source };
  return { pattern: `^${source.slice(ahead.length)}`, maxLength: Number(longest) };
};

export const publishingSchemas = {
  PublishedEvent: {
    type: 'object',
    description: 'A CloudEvent 1.0.2 in structured JSON, as a source writes it',
    required: [
      ...Object.entries(RULES)
        .filter(([, { required }]) => required)
        .map(([name]) => name),
      'data',
    ],
    additionalProperties: false,
    properties: {
      ...Object.fromEntries(Object.entries(RULES).map(attribute)),
      replay: { type: 'boolean', description: 'Back-filled history' },
      data: { type: 'object', description: 'As the JSON Schema of the type says: /v1/schemas/events/{type}' },
    },
    anyOf: [{ required: ['subject'] }, { required: ['localid'] }],
  },
  PublishResults: {
    type: 'object',
    required: ['accepted', 'duplicate', 'refused', 'results'],
    properties: {
      accepted: { type: 'integer' },
      duplicate: { type: 'integer' },
      refused: { type: 'integer' },
      results: { type: 'array', maxItems: MAX_BATCH, items: schema('PublishResult') },
    },
  },
  PublishResult: {
    type: 'object',
    required: ['outcome', 'id'],
    properties: {
      outcome: { enum: ['accepted', 'duplicate', 'refused'] },
      id: {
        type: ['string', 'null'],
        description: 'Of the event; null where it has none that can be repeated',
      },
      code: {
        description: 'Why it was refused, stable',
        enum: [
          'invalid-event',
          'wrong-source',
          'unknown-type',
          'reserved-type',
          'not-shared',
          'invalid-data',
          'too-large',
          'id-conflict',
        ],
      },
      detail: text('The same in words'),
      faults: {
        type: 'array',
        items: {
          type: 'object',
          required: ['path', 'problem'],
          properties: { path: text('Attribute, or field of the data'), problem: text('What is wrong there') },
        },
      },
    },
  },
};
