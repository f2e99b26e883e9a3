import { type JsonSchema, jsonSchemaOf } from '@causeway/schemas/avro/json-schema';
import type { AvroSchema } from '@causeway/schemas/avro/schema';
import { cloudEvent } from '../events/cloud-event-schema.ts';
import type { ReceivedView } from './catalogue.ts';

/** JSON Schema of the data of an event as one organisation receives it. */
export const receivedSchema = ({ schema, release }: Pick<ReceivedView, 'schema' | 'release'>): JsonSchema =>
  jsonSchemaOf(schema, 'handed-over', new Set(Object.keys(release.generalise)));

/** The whole CloudEvent in structured JSON around such data. */
export const receivedEventSchema = (type: string, source: string, data: JsonSchema): JsonSchema => {
  const { $schema: _, ...rest } = data;
  return {
    ...cloudEvent,
    properties: {
      ...cloudEvent.properties,
      type: { const: type },
      source: { type: 'string', pattern: `^/${source}/[a-z0-9-]{1,63}$` },
      data: rest,
    },
  };
};

/** Of the feedback types, which nothing is withheld of. */
export const wholeSchema = (schema: AvroSchema): JsonSchema => jsonSchemaOf(schema, 'handed-over');
