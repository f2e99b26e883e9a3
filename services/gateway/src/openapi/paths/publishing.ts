import { answer, array, json, object, orNull, schema, text } from '@causeway/runtime/service/openapi';
import { BATCH_JSON, EVENT_JSON, MAX_BATCH } from '../../http/body.ts';
import { RULES } from '../../publishing/attributes.ts';
import { REFUSAL_CODES } from '../../publishing/publish.ts';
import { operations, refusals } from '../parts.ts';

export const publishing = {
  '/v1/events': {
    post: operations('publishing', 'events:write')('publishEvents', 'Publish events', {
      description: `One CloudEvent or a batch of up to ${MAX_BATCH}, 1 MB in all. The response is sent when every accepted event is on all in-sync replicas. Repeating an event is safe: it is reported as a duplicate and changes nothing, so after 503 or no response send the same request again. Different content under a known id is refused. Only event types that an agreement of your organisation names are accepted; nothing else is kept. The gateway pseudonymises the people in the data. Binary mode: application/json with the attributes as ce- headers.`,
      requestBody: {
        required: true,
        content: {
          ...json(schema('PublishedEvent'), EVENT_JSON),
          ...json(array(schema('PublishedEvent'), { minItems: 1, maxItems: MAX_BATCH }), BATCH_JSON),
        },
      },
      responses: {
        200: answer('Every event is on the bus', schema('PublishResults')),
        207: answer('Some events are on the bus, others were refused', schema('PublishResults')),
        ...refusals(415, 422),
      },
    }),
  },
};

const attribute = ([name, { form, says, list }]: [string, (typeof RULES)[string]]) => [
  name,
  text(says, list || form.flags !== '' ? {} : patternOf(form)),
];

/** Writes a length given as a look-ahead as `maxLength`: generators of data from patterns cannot look ahead. */
const patternOf = ({ source }: RegExp): Record<string, unknown> => {
  const [ahead = '', longest] = /^\^\(\?=\.\{1,(\d+)\}\$\)/.exec(source) ?? [];
  if (longest === undefined) return { pattern: source };
  return { pattern: `^${source.slice(ahead.length)}`, maxLength: Number(longest) };
};

const integer = { type: 'integer' };

export const publishingSchemas = {
  PublishedEvent: object(
    {
      ...Object.fromEntries(Object.entries(RULES).map(attribute)),
      replay: { type: 'boolean', description: 'Back-filled history' },
      data: {
        type: 'object',
        description: 'As the JSON Schema of the type defines: /v1/schemas/events/{type}',
      },
    },
    [...Object.keys(RULES).filter((name) => RULES[name]?.required), 'data'],
    {
      description: 'A CloudEvent 1.0.2 in structured JSON, as a source writes it',
      additionalProperties: false,
      anyOf: [{ required: ['subject'] }, { required: ['localid'] }],
    },
  ),
  PublishResults: object({
    accepted: integer,
    duplicate: integer,
    refused: integer,
    results: array(schema('PublishResult'), { maxItems: MAX_BATCH }),
  }),
  PublishResult: object(
    {
      outcome: { enum: ['accepted', 'duplicate', 'refused'] },
      id: orNull('Id of the event; null where it has no valid id'),
      code: { description: 'Why it was refused, stable', enum: REFUSAL_CODES },
      detail: text('The same in words'),
      faults: array(
        object({ path: text('Attribute, or field of the data'), problem: text('What is wrong with it') }),
      ),
    },
    ['outcome', 'id'],
  ),
};
