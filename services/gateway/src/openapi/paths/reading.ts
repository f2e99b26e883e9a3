import { LIMIT, SUBJECT_PATTERN, TYPE_PATTERN, WAIT_SECONDS } from '../../http/query.ts';
import { json, parameter, refusals, schema } from '../parts.ts';

const CURSOR = { type: 'string', minLength: 1, maxLength: 2800 };

const filters = [
  parameter(
    'from',
    'Start with what was put into the inbox at or after this time, for a replay. Not together with after',
    {
      type: 'string',
      format: 'date-time',
    },
  ),
  parameter('type', 'Only events of this type', { type: 'string', pattern: TYPE_PATTERN, maxLength: 200 }),
  parameter('subject', 'Only events about the person with this pseudonym of the source', {
    type: 'string',
    pattern: SUBJECT_PATTERN,
  }),
];

const getEvents = {
  operationId: 'getEvents',
  tags: ['events'],
  summary: 'The next events for your organisation',
  description:
    'Answers with the events after a cursor, oldest first, and with the cursor to go on with. Keep `next` once you have dealt with the events, and give it as `after`; it moves on even where no event is handed over. Without `after` or `from` the oldest event that is kept comes first; events are kept for 30 days. With `wait` an empty answer is held back until there is an event. An event whose agreement has ended since is left out.',
  parameters: [
    parameter('after', 'The member next of the last answer, or the id of a message of the stream', CURSOR),
    parameter('limit', 'The largest number of events in the answer; it can be smaller at any time', {
      type: 'integer',
      ...LIMIT,
    }),
    parameter('wait', 'Seconds to wait for an event where there is none', {
      type: 'integer',
      ...WAIT_SECONDS,
    }),
    ...filters,
  ],
  responses: {
    200: { description: 'A page of events, which can be empty', content: json(schema('EventPage')) },
    ...refusals(410),
  },
};

const getStream = {
  operationId: 'streamEvents',
  tags: ['events'],
  summary: 'The events for your organisation as they come',
  description:
    'Server-Sent Events. The data of each message is one CloudEvent in JSON and its id is the cursor behind it: keep it once you have dealt with the event and give it as `Last-Event-ID` (or `after`) when you connect again. A message without data is a heartbeat; its id moves you on. A message `event: end` says why the stream ends (`stopping`, `token-expired`), `event: problem` has problem details. A reader that does not take what was written is cut off.',
  parameters: [
    parameter('after', 'A cursor', CURSOR),
    parameter(
      'Last-Event-ID',
      'The id of the last message that was dealt with; counts before after and from',
      CURSOR,
      'header',
    ),
    ...filters,
  ],
  responses: {
    200: {
      description: 'A stream that does not end by itself',
      content: json({ type: 'string' }, 'text/event-stream'),
    },
    ...refusals(410),
  },
};

export const readingPaths = {
  '/v1/events': { get: getEvents },
  '/v1/events/stream': { get: getStream },
};
