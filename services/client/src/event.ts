/** A CloudEvent as the gateway hands it over. What no agreement releases is absent from `data`; null is not known to the source. */
export type CausewayEvent<Data = Record<string, unknown>> = {
  specversion: '1.0';
  /** The key to recognise a repeat. */
  id: string;
  source: string;
  type: string;
  time: string;
  /** The source's own pseudonym of the person. Events of one subject come in order. */
  subject: string;
  datacontenttype: 'application/json';
  dataclassification: 'OFFICIAL' | 'OFFICIAL-SENSITIVE';
  handling?: string;
  recordedtime?: string;
  priority?: 'immediate' | 'urgent' | 'same-day' | 'routine';
  actby?: string;
  correlationid?: string;
  inresponseto?: string;
  corrects?: string;
  replay?: true;
  agreement?: string;
  match?: 'verified' | 'possible';
  traceparent?: string;
  /** Where it lies in your inbox. */
  position: string;
  data: Data;
};
