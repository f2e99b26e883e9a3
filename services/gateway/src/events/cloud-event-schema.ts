import { array, object, text, time } from '@causeway/runtime/service/openapi';
import { LIMIT, SUBJECT_PATTERN, TYPE_PATTERN } from '../http/query.ts';

const optional = {
  handling: text('Codes of handling conditions, separated by spaces'),
  recordedtime: time('When the source system recorded it'),
  priority: { enum: ['immediate', 'urgent', 'same-day', 'routine'] },
  actby: time('Deadline for acting on it'),
  correlationid: text('Joins the events of one case'),
  inresponseto: text('The event that this one answers: /<organisation>/<event id>'),
  corrects: text('The id of the event that this one voids or corrects'),
  replay: { const: true, description: 'Back-filled history' },
  agreement: text('The agreements that release it: <id>/<version>, separated by spaces'),
  match: {
    enum: ['verified', 'possible'],
    description:
      'For agreements limited to people with a registered interest. verified: matched by a verified identifier. possible: matched by name and date of birth only, so check that it is the same person',
  },
  traceparent: text('W3C trace context'),
};

const required = {
  specversion: { const: '1.0' },
  id: text('Unique per source: use it to recognise duplicates'),
  source: text('Organisation and adapter that published it', {
    examples: ['/westshire-nhs-trust/nhs-trust'],
  }),
  type: text('What happened', { pattern: TYPE_PATTERN }),
  time: time('When it happened'),
  subject: text("The source's own pseudonym of the person", { pattern: SUBJECT_PATTERN }),
  datacontenttype: { const: 'application/json' },
  dataclassification: { enum: ['OFFICIAL', 'OFFICIAL-SENSITIVE'] },
  position: text('Position in your inbox; needed to acknowledge the event'),
  data: { type: 'object', description: 'The released fields of the event type' },
};

export const cloudEvent = object({ ...required, ...optional }, Object.keys(required), {
  description: 'A CloudEvent 1.0.2 in structured JSON',
});

export const eventPage = object(
  {
    events: array({ $ref: '#/components/schemas/CloudEvent' }, { maxItems: LIMIT.maximum }),
    next: text('The cursor to give as `after` in the next request'),
  },
  ['events', 'next'],
  { additionalProperties: false },
);
