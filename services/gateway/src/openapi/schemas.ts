import { LIMIT, SUBJECT_PATTERN, TYPE_PATTERN } from '../http/query.ts';
import { text, time } from './parts.ts';

export const cloudEvent = {
  type: 'object',
  description: 'A CloudEvent 1.0.2 in structured JSON',
  required: [
    'specversion',
    'id',
    'source',
    'type',
    'time',
    'subject',
    'datacontenttype',
    'dataclassification',
    'position',
    'data',
  ],
  properties: {
    specversion: { const: '1.0' },
    id: text('Unique per source: the key to recognise a repeat'),
    source: text('Organisation and adapter that published it', {
      examples: ['/westshire-nhs-trust/nhs-trust'],
    }),
    type: text('What happened', { pattern: TYPE_PATTERN }),
    time: time('When it happened'),
    subject: text("The source's own pseudonym of the person", { pattern: SUBJECT_PATTERN }),
    datacontenttype: { const: 'application/json' },
    dataclassification: { enum: ['OFFICIAL', 'OFFICIAL-SENSITIVE'] },
    handling: text('Codes of handling conditions, separated by spaces'),
    recordedtime: time('When the source system wrote it down'),
    priority: { enum: ['immediate', 'urgent', 'same-day', 'routine'] },
    actby: time('When it must have been acted on'),
    correlationid: text('Joins the events of one case'),
    inresponseto: text('The event that this one answers: /<organisation>/<event id>'),
    corrects: text('The id of the event that this one voids or corrects'),
    replay: { const: true, description: 'Back-filled history' },
    agreement: text('The agreements that release it: <id>/<version>, separated by spaces'),
    match: {
      enum: ['verified', 'possible'],
      description:
        'Where an agreement is about people whom you know: verified by a certain identifier, or possible, by name and date of birth only, so make sure that it is the same person',
    },
    traceparent: text('W3C trace context'),
    position: text('Where it lies in your inbox; needed to acknowledge it'),
    data: { type: 'object', description: 'The released fields of the event type' },
  },
};

export const eventPage = {
  type: 'object',
  required: ['events', 'next'],
  additionalProperties: false,
  properties: {
    events: { type: 'array', maxItems: LIMIT.maximum, items: { $ref: '#/components/schemas/CloudEvent' } },
    next: text('The cursor to give as after in the next request'),
  },
};

export const problem = {
  type: 'object',
  description: 'Problem details, RFC 9457',
  required: ['type', 'title', 'status'],
  properties: {
    type: text('What went wrong, stable', { pattern: '^urn:causeway:problem:[a-z-]+$' }),
    title: text('The same in words'),
    status: { type: 'integer' },
    detail: text('What to do'),
    instance: text('This occurrence, for the operator'),
    oldest: text('With events-missed: the cursor to go on with'),
    parameters: {
      type: 'array',
      description: 'With invalid-parameter',
      items: {
        type: 'object',
        required: ['parameter', 'detail'],
        properties: { parameter: { type: 'string' }, detail: { type: 'string' } },
      },
    },
  },
};
