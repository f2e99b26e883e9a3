import { answer, json, parameter, schema } from '@causeway/runtime/service/openapi';
import { cloudEvent, eventPage } from '../../events/cloud-event-schema.ts';
import { LIMIT, SUBJECT_PATTERN, TYPE_PATTERN, WAIT_SECONDS } from '../../http/query.ts';
import { operations, refusals } from '../parts.ts';

const operation = operations('events');
const CURSOR = { type: 'string', minLength: 1, maxLength: 2800 };

const filters = [
  parameter(
    'from',
    'For a replay: start with events that arrived in the inbox at or after this time. Not together with `after`',
    { type: 'string', format: 'date-time' },
  ),
  parameter('type', 'Only events of this type', { type: 'string', pattern: TYPE_PATTERN, maxLength: 200 }),
  parameter('subject', 'Only events about the person with this pseudonym of the source', {
    type: 'string',
    pattern: SUBJECT_PATTERN,
  }),
];

export const readingPaths = {
  '/v1/events': {
    get: operation('getEvents', 'Read the next events', {
      description:
        'Returns the events after a cursor, oldest first, and the cursor to continue with. Keep `next` once you have processed the events, and give it as `after`; it advances even where the page is empty. Without `after` or `from` the page starts at the oldest event kept; events are kept for 30 days. With `wait` the response is held until an event arrives. Events whose agreement has since ended are left out.',
      parameters: [
        parameter(
          'after',
          'The member `next` of the last page, or the id of a message of the stream',
          CURSOR,
        ),
        parameter('limit', 'The largest number of events in the page; a page can be smaller', {
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
        200: answer('A page of events, which can be empty', schema('EventPage')),
        ...refusals(410),
      },
    }),
  },
  '/v1/events/stream': {
    get: operation('streamEvents', 'Stream events (Server-Sent Events)', {
      description:
        'The data of each message is one CloudEvent in JSON. The id of a message is the cursor after it: keep it once you have processed the event and give it as `Last-Event-ID` (or `after`) when you reconnect. A message without data is a heartbeat; its id advances the cursor. `event: end` gives the reason why the stream ends (`stopping`, `token-expired`); `event: problem` has problem details. The stream of a slow reader is closed.',
      parameters: [
        parameter('after', 'A cursor', CURSOR),
        parameter(
          'Last-Event-ID',
          'The id of the last message processed; takes precedence over `after` and `from`',
          CURSOR,
          'header',
        ),
        ...filters,
      ],
      responses: {
        200: {
          description: 'A stream that stays open',
          content: json({ type: 'string' }, 'text/event-stream'),
        },
        ...refusals(410),
      },
    }),
  },
};

export const readingSchemas = { CloudEvent: cloudEvent, EventPage: eventPage };
