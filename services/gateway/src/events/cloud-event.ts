import type { Envelope } from '@causeway/runtime/bus/envelope';

/**
 * An inbox record as a CloudEvent 1.0.2 in structured JSON. The attributes are those of the Kafka headers without
 * `ce_`; `position` is the position of the record in the inbox, and `data` has the fields of the view: a field that
 * no agreement releases is absent, one that the source does not know is null.
 */
export const toCloudEvent = (event: Envelope, position: string, data: unknown) => ({
  specversion: '1.0',
  id: event.id,
  source: event.source,
  type: event.type,
  time: event.time,
  subject: event.subject,
  datacontenttype: 'application/json',
  dataclassification: event.classification,
  ...given('handling', listed(event.handling)),
  ...given('recordedtime', event.recordedTime),
  ...given('priority', event.priority),
  ...given('actby', event.actBy),
  ...given('correlationid', event.correlationId),
  ...given('inresponseto', event.inResponseTo),
  ...given('corrects', event.corrects),
  ...given('replay', event.replay || undefined),
  ...given('agreement', listed(event.agreement)),
  ...given('match', event.match),
  ...given('traceparent', event.traceparent),
  position,
  data,
});

/** Of no meaning to a reader; together with the event's id it names one record of an inbox. */
export const positionOf = (partition: number, offset: number): string => `${partition}-${offset}`;

const listed = (items: readonly string[]): string | undefined =>
  items.length > 0 ? items.join(' ') : undefined;

const given = (name: string, value: string | boolean | undefined): Record<string, string | boolean> =>
  value === undefined ? {} : { [name]: value };

/**
 * The same as UTF-8 text up to its data, for many events: every attribute of an envelope has a form that needs no escaping.
 */
export const attributesText = (event: Envelope, position: string): string => {
  const { classification, handling, recordedTime, priority, actBy, correlationId, inResponseTo, corrects } =
    event;
  return `{"specversion":"1.0","id":"${event.id}","source":"${event.source}","type":"${event.type}","time":"${event.time}","subject":"${event.subject}","datacontenttype":"application/json","dataclassification":"${classification}"${
    handling.length > 0 ? `,"handling":"${handling.join(' ')}"` : ''
  }${recordedTime === undefined ? '' : `,"recordedtime":"${recordedTime}"`}${
    priority === undefined ? '' : `,"priority":"${priority}"`
  }${actBy === undefined ? '' : `,"actby":"${actBy}"`}${
    correlationId === undefined ? '' : `,"correlationid":"${correlationId}"`
  }${inResponseTo === undefined ? '' : `,"inresponseto":"${inResponseTo}"`}${
    corrects === undefined ? '' : `,"corrects":"${corrects}"`
  }${event.replay ? ',"replay":true' : ''}${
    event.agreement.length > 0 ? `,"agreement":"${event.agreement.join(' ')}"` : ''
  }${event.match === undefined ? '' : `,"match":"${event.match}"`}${
    event.traceparent === undefined ? '' : `,"traceparent":"${event.traceparent}"`
  },"position":"${position}","data":`;
};
