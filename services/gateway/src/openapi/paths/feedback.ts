import { POSITION_PATTERN, STATES, WORDS_PATTERN } from '../../feedback/said.ts';
import { json, parameter, problems, refusals, schema, text, time } from '../parts.ts';

const id = parameter('id', 'Of the event', { type: 'string', pattern: '^[A-Za-z0-9_-]{16,64}$' }, 'path');

const postAcknowledgement = {
  operationId: 'acknowledgeEvent',
  tags: ['feedback'],
  summary: 'Say what became of an event that you received',
  description:
    'Checked against your own inbox: the event must lie at the position that you give. Where an agreement that released it allows feedback its source is told; the answer is the same where it does not. `seen` ends the watch for events that nobody looked at.',
  parameters: [id],
  requestBody: { required: true, content: json(schema('Acknowledgement')) },
  responses: {
    202: {
      description: 'It is on all in-sync replicas',
      content: json({ type: 'object', required: ['id'], properties: { id: text('Of the event') } }),
    },
    ...refusals(404),
    ...problems(409),
  },
};

const getOutcome = {
  operationId: 'getOutcome',
  tags: ['feedback'],
  summary: 'What became of an event of yours',
  description:
    'What recipients have said of an event of your organisation, and who was late. A recipient that has said nothing is not listed: who was told can say who knows the person. So an event that nobody answered looks like one that never was.',
  parameters: [id],
  responses: {
    200: { description: 'Per recipient what was said last', content: json(schema('Outcome')) },
    ...refusals(),
  },
};

export const feedback = {
  '/v1/events/{id}/acknowledgements': { post: postAcknowledgement },
  '/v1/events/{id}/outcome': { get: getOutcome },
};

const words = (description: string) => ({
  type: ['string', 'null'],
  pattern: WORDS_PATTERN,
  maxLength: 100,
  description,
});
const orNull = (description: string) => ({ type: ['string', 'null'], description });

const recipient = {
  type: 'object',
  required: ['organisation', 'state', 'at', 'team', 'reference', 'overdue', 'contact', 'history'],
  properties: {
    organisation: text('Who says so'),
    state: { enum: [...STATES, null], description: 'Null where it was late and has said nothing' },
    at: orNull('When it said so'),
    team: orNull('The team that has it'),
    reference: orNull('What to quote to the recipient'),
    overdue: {
      type: ['object', 'null'],
      required: ['reason', 'dueAt', 'noticedAt'],
      properties: {
        reason: { enum: ['not-delivered', 'not-acknowledged'] },
        dueAt: time('When it had to be delivered or acknowledged'),
        noticedAt: time('When it was found to be overdue'),
      },
    },
    contact: { type: 'object', description: 'Whom to ring there' },
    history: {
      type: 'array',
      items: {
        type: 'object',
        required: ['state', 'at'],
        properties: { state: text('What was said'), at: time('When') },
      },
    },
  },
};

export const feedbackSchemas = {
  Acknowledgement: {
    type: 'object',
    required: ['position', 'state'],
    additionalProperties: false,
    properties: {
      position: text('The member position of the event', { pattern: POSITION_PATTERN }),
      state: {
        enum: STATES,
        description:
          '`seen` somebody or some system has it, `accepted` somebody took it up, `not-ours` another organisation is responsible, `unable` nothing can be done with it',
      },
      team: words('The team that has it, never a person'),
      reference: words('A case number that says nothing about the person by itself'),
    },
  },
  Outcome: {
    type: 'object',
    required: ['id', 'recipients'],
    properties: { id: text('Of the event'), recipients: { type: 'array', items: recipient } },
  },
};
