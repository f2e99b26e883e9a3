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
} from '@causeway/runtime/service/openapi';
import { interestBody, REASONS, REFERENCE_PATTERN } from '../../interests/interest-body.ts';
import { INTERESTS_LIMIT, LONGEST_KEY } from '../../interests/route.ts';
import { operations, refusals } from '../parts.ts';

const operation = operations('interests');
const parameters = [
  parameter(
    'reference',
    'Your own reference of the case. It appears in addresses, so it must reveal nothing about a person',
    { type: 'string', pattern: REFERENCE_PATTERN },
    'path',
  ),
];
const responses = { 200: answer('The interest', schema('Interest')), ...refusals(404) };

export const interests = {
  '/v1/interests': {
    get: operation(
      'listInterests',
      'List the interests of your organisation, including those of its adapters',
      {
        parameters: [
          parameter('after', 'The member `next` of the last page', {
            type: 'string',
            maxLength: LONGEST_KEY,
          }),
          parameter('limit', 'How many', { type: 'integer', ...INTERESTS_LIMIT }),
        ],
        responses: {
          200: answer(
            'By writer and reference',
            object({ interests: array(schema('Interest')), next: orNull('Null on the last page') }),
          ),
          ...refusals(),
        },
      },
    ),
  },
  '/v1/interests/{reference}': {
    put: operation(
      'putInterest',
      'Register an interest in a person',
      {
        description:
          'Agreements can limit events to organisations with a registered interest in the person. Renew the interest before it expires, at most 400 days ahead, and set `until` when the case closes. The response is sent when the interest is durable; it takes effect within a second.',
        parameters,
        requestBody: { required: true, content: json(schema('InterestBody')) },
        responses,
      },
      'events:write',
    ),
    get: operation('getInterest', 'Get an interest that was registered here', { parameters, responses }),
    delete: operation(
      'deleteInterest',
      'Delete an interest',
      {
        description: 'As if it had never been registered. To close a case, set `until` instead.',
        parameters,
        responses: { 204: { description: 'No interest exists under this reference' }, ...refusals(404) },
      },
      'events:write',
    ),
  },
};

const date = (description: string) => text(description, { format: 'date' });

export const interestSchemas = {
  Interest: object({
    reference: text('Of the case'),
    writer: text('gateway, or the adapter that keeps it'),
    reason: { enum: REASONS },
    since: date('First day'),
    until: orNull('Last day, where it has ended', { format: 'date' }),
    expires: date('Last day on which it is valid'),
  }),
  InterestBody: schemaOf(interestBody),
};
