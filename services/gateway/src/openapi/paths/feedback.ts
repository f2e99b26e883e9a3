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
import { acknowledgementBody, STATES } from '../../feedback/acknowledgement-body.ts';
import { EVENT_ID_PATTERN } from '../../http/query.ts';
import { operations, refusals } from '../parts.ts';

const operation = operations('feedback');
const parameters = [parameter('id', 'Of the event', { type: 'string', pattern: EVENT_ID_PATTERN }, 'path')];

export const feedback = {
  '/v1/events/{id}/acknowledgements': {
    post: operation('acknowledgeEvent', 'Acknowledge an event that you received', {
      description:
        'Checked against your own inbox: the event must be at the position that you give. The source is told where an agreement that released the event allows feedback; the response is the same where it does not. `seen` stops the overdue check for the event.',
      parameters,
      requestBody: { required: true, content: json(schema('Acknowledgement')) },
      responses: {
        202: answer('The acknowledgement is on all in-sync replicas', object({ id: text('Of the event') })),
        ...refusals(404, 409),
      },
    }),
  },
  '/v1/events/{id}/outcome': {
    get: operation('getOutcome', 'Get the outcome of an event that you published', {
      description:
        'Acknowledgements by recipients, and which recipients were late. Recipients without an acknowledgement are not listed, because the list of recipients can reveal who knows the person. An event without acknowledgements and an event that does not exist have the same outcome.',
      parameters,
      responses: {
        200: answer('The latest acknowledgement of each recipient', schema('Outcome')),
        ...refusals(),
      },
    }),
  },
};

const recipient = object({
  organisation: text('The recipient'),
  state: {
    enum: [...STATES, null],
    description: 'Null where the recipient was late and has not acknowledged',
  },
  at: orNull('When it was acknowledged'),
  team: orNull('The team that has it'),
  reference: orNull('What to quote to the recipient'),
  overdue: {
    ...object({
      reason: { enum: ['not-delivered', 'not-acknowledged'] },
      dueAt: time('When it was due to be delivered or acknowledged'),
      noticedAt: time('When it was found to be overdue'),
    }),
    type: ['object', 'null'],
  },
  contact: { type: 'object', description: 'Who to telephone there' },
  history: array(object({ state: text('The state reported'), at: time('When') })),
});

export const feedbackSchemas = {
  Acknowledgement: schemaOf(acknowledgementBody),
  Outcome: object({ id: text('Of the event'), recipients: array(recipient) }),
};
