import { jsonSchemaOf } from '@causeway/schemas/avro/json-schema';
import type { EventType } from '@causeway/schemas/catalogue/catalogue';
import { type CatalogueQuestion, catalogueOf, type ReceivedView, viewsOf } from './catalogue.ts';
import { receivedEventSchema, receivedSchema, wholeSchema } from './event-schema.ts';
import { plainAvro } from './plain-avro.ts';

/** Where the document is served. */
export type Served = { url: string; issuer: string };

type Message = Record<string, unknown>;

const EVENT_JSON = 'application/cloudevents+json';
const AVRO = 'application/vnd.apache.avro+json;version=1.9.0';

/**
 * The catalogue of one organisation as AsyncAPI 3: what it receives over HTTP as CloudEvents and from its own inbox in Avro, and
 * what it may publish. Types and fields that no agreement releases are not in it.
 */
export const asyncApi = (question: CatalogueQuestion, { url, issuer }: Served) => {
  const { organisation, types } = question;
  const views = viewsOf(question);
  const catalogue = catalogueOf(question);
  const feedback = types.filter(({ type }) => catalogue.feedback.some((one) => one.type === type));
  const published = types.filter(({ type }) => catalogue.publishes.some((one) => one.type === type));
  const received = {
    ...keyed(views, nameOf, receivedMessage),
    ...keyed(feedback, simpleName, feedbackMessage),
  };
  const raw = keyed(views, nameOf, rawMessage);
  const own = keyed(published, simpleName, publishedMessage);
  const { protocol, host, pathname } = new URL(url);
  const prefix = pathname.replace(/\/$/, '');
  return {
    asyncapi: '3.0.0',
    info: {
      title: `Causeway for ${organisation}`,
      version: '1.0.0',
      description:
        'What the data-sharing agreements in force release to this organisation, and what it may publish. It changes with the agreements.',
    },
    defaultContentType: EVENT_JSON,
    servers: {
      gateway: {
        host,
        protocol: protocol.replace(':', ''),
        ...(prefix !== '' && { pathname: prefix }),
        security: [{ $ref: '#/components/securitySchemes/accessToken' }],
      },
      bus: {
        host: '{broker}',
        protocol: 'kafka-secure',
        description: 'For an organisation that reads its inbox directly, with its own Kafka credentials',
        variables: { broker: { description: 'Ask the operator' } },
        security: [{ $ref: '#/components/securitySchemes/kafkaLogIn' }],
      },
    },
    channels: {
      stream: channel('/v1/events/stream', 'gateway', received, 'Server-Sent Events, one CloudEvent each'),
      inbox: channel(
        `inbox.${organisation}`,
        'bus',
        raw,
        'The same in Avro (Confluent wire format), attributes in headers',
      ),
      publish: channel('/v1/events', 'gateway', own, 'POST of one event or a batch'),
    },
    operations: {
      receiveEvents: operation('receive', 'stream', received),
      readInbox: operation('receive', 'inbox', raw),
      publishEvents: operation('send', 'publish', own),
    },
    components: {
      securitySchemes: {
        accessToken: {
          type: 'openIdConnect',
          openIdConnectUrl: `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
          scopes: ['events:read', 'events:write'],
        },
        kafkaLogIn: { type: 'scramSha512' },
      },
    },
  };
};

const keyed = <T>(
  items: readonly T[],
  name: (item: T) => string,
  make: (item: T) => Message,
): Record<string, Message> => Object.fromEntries(items.map((item) => [name(item), make(item)]));

/** Unique per source and type, and plain enough for a reference. */
const nameOf = ({ from, eventType }: ReceivedView): string => `${from}.${simpleName(eventType)}`;
const simpleName = ({ type }: EventType): string => type.replace('uk.causeway.', '');

const receivedMessage = (view: ReceivedView): Message => ({
  name: view.eventType.type,
  title: view.eventType.title,
  summary: `From ${view.from}, under ${view.versions.map(({ record }) => `${record.id}/${record.version}`).join(', ')}`,
  contentType: EVENT_JSON,
  payload: receivedEventSchema(view.eventType.type, view.from, receivedSchema(view)),
});

const feedbackMessage = ({ type, title, schema }: EventType): Message => ({
  name: type,
  title,
  summary: 'From a recipient of one of your events',
  contentType: EVENT_JSON,
  payload: receivedEventSchema(type, '[a-z][a-z0-9-]{1,62}', wholeSchema(schema)),
});

const rawMessage = ({ eventType, schema }: ReceivedView): Message => ({
  name: eventType.type,
  title: eventType.title,
  contentType: 'application/avro',
  payload: { schemaFormat: AVRO, schema: plainAvro(schema) },
});

const publishedMessage = ({ type, title, schema }: EventType): Message => {
  const { $schema: _, ...data } = jsonSchemaOf(schema, 'published');
  return {
    name: type,
    title,
    contentType: EVENT_JSON,
    payload: {
      type: 'object',
      required: ['specversion', 'id', 'source', 'type', 'time', 'data'],
      properties: { specversion: { const: '1.0' }, type: { const: type }, data },
    },
  };
};

const channel = (
  address: string,
  server: string,
  messages: Record<string, Message>,
  description: string,
) => ({
  address,
  description,
  servers: [{ $ref: `#/servers/${server}` }],
  messages,
});

const operation = (action: 'send' | 'receive', channelName: string, messages: Record<string, Message>) => ({
  action,
  channel: { $ref: `#/channels/${channelName}` },
  messages: Object.keys(messages).map((name) => ({ $ref: `#/channels/${channelName}/messages/${name}` })),
});
