import { MOST_TOKENS } from '@causeway/runtime/bus/person-record';
import { LOCAL_PATTERN, REASONS, REFERENCE_PATTERN, TOKEN_PATTERN } from '../../interests/interest-body.ts';
import { INTERESTS_LIMIT, LONGEST_KEY } from '../../interests/route.ts';
import { json, parameter, refusals, schema, text } from '../parts.ts';

const writes = [{ accessToken: ['events:write'] }];
const reference = parameter(
  'reference',
  'Your own reference of the case. It stands in addresses and so must say nothing about anybody',
  { type: 'string', pattern: REFERENCE_PATTERN },
  'path',
);
const shown = { description: 'The interest', content: json(schema('Interest')) };

export const interests = {
  '/v1/interests': {
    get: {
      operationId: 'listInterests',
      tags: ['interests'],
      summary: 'The interests of your organisation, those of its adapters too',
      parameters: [
        parameter('after', 'The member next of the last answer', {
          type: 'string',
          maxLength: LONGEST_KEY,
        }),
        parameter('limit', 'How many', { type: 'integer', ...INTERESTS_LIMIT }),
      ],
      responses: {
        200: {
          description: 'By writer and reference',
          content: json({
            type: 'object',
            required: ['interests', 'next'],
            properties: {
              interests: { type: 'array', items: schema('Interest') },
              next: { type: ['string', 'null'], description: 'Null at the end' },
            },
          }),
        },
        ...refusals(),
      },
    },
  },
  '/v1/interests/{reference}': {
    put: {
      operationId: 'putInterest',
      tags: ['interests'],
      summary: 'Say that your organisation knows a person',
      description:
        'Agreements can limit who is told of an event to those who know the person. Publish again before it expires, at most 400 days ahead, and with `until` when the case closes. The answer comes when it is durable; it counts within a second.',
      security: writes,
      parameters: [reference],
      requestBody: { required: true, content: json(schema('InterestBody')) },
      responses: { 200: shown, ...refusals(404) },
    },
    get: {
      operationId: 'getInterest',
      tags: ['interests'],
      summary: 'One interest that was published here',
      parameters: [reference],
      responses: { 200: shown, ...refusals(404) },
    },
    delete: {
      operationId: 'deleteInterest',
      tags: ['interests'],
      summary: 'Take an interest back as if it had never been',
      security: writes,
      parameters: [reference],
      responses: { 204: { description: 'There is none under this reference any more' }, ...refusals(404) },
    },
  },
};

const date = (description: string) => text(description, { format: 'date' });

export const interestSchemas = {
  Interest: {
    type: 'object',
    required: ['reference', 'writer', 'reason', 'since', 'until', 'expires'],
    properties: {
      reference: text('Of the case'),
      writer: text('gateway, or the adapter that keeps it'),
      reason: { enum: REASONS },
      since: date('First day'),
      until: { type: ['string', 'null'], format: 'date', description: 'Last day, where it has ended' },
      expires: date('Last day on which it counts'),
    },
  },
  InterestBody: {
    type: 'object',
    description: 'Somebody must be named: by identifiers, localid, person or tokens',
    required: ['reason', 'expires'],
    additionalProperties: false,
    anyOf: ['identifiers', 'localid', 'person', 'tokens'].map((name) => ({ required: [name] })),
    properties: {
      reason: { enum: REASONS },
      since: date('First day; today where it is left out'),
      until: date('Last day, where the case has closed'),
      expires: date('At most 400 days ahead'),
      identifiers: {
        type: 'object',
        additionalProperties: false,
        minProperties: 1,
        properties: {
          nhsNumber: text('NHS number'),
          upn: text('Unique Pupil Number'),
          pncId: text('Police National Computer id'),
          cro: text('Criminal Records Office number'),
        },
      },
      localid: text('<scheme>:<your own number of the person>', { pattern: LOCAL_PATTERN }),
      person: {
        type: 'object',
        description: 'For possible matches by name and date of birth',
        additionalProperties: false,
        required: ['familyName', 'firstName', 'dateOfBirth'],
        properties: {
          familyName: text('Family name', { minLength: 1, maxLength: 100 }),
          firstName: text('First given name', { minLength: 1, maxLength: 100 }),
          dateOfBirth: date('Full date of birth'),
        },
      },
      tokens: {
        type: 'array',
        minItems: 1,
        maxItems: MOST_TOKENS,
        items: text('A pseudonym that you made', { pattern: TOKEN_PATTERN }),
      },
    },
  },
};
