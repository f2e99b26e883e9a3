import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ActByRule, Priority } from '../avro/act-by-rule.ts';
import type { AvroEnum, AvroRecord, AvroSchema, AvroType } from '../avro/schema.ts';
import { fullName, isArray, isRecord, namespaceOf, PRIMITIVES } from '../avro/schema.ts';
import { avroName } from './event-type.ts';

/** A synthetic event: the attributes that an adapter would set, and the data. Nobody in it exists. */
type ExampleEvent = {
  source: string;
  type: string;
  subject: string;
  time: string;
  recordedTime?: string;
  classification: 'OFFICIAL' | 'OFFICIAL-SENSITIVE';
  handling: string[];
  priority?: Priority;
  actBy?: string;
  correlationId?: string;
  inResponseTo?: string;
  corrects?: string;
  data: Record<string, unknown>;
};

export type EventType = {
  type: string;
  title: string;
  /** Holds everything it refers to: common records stand where they are used first. */
  schema: AvroSchema;
  /** The event types that this one corrects; empty for a base type. */
  siblingOf: string[];
  example: ExampleEvent;
  defaultPriority: Priority;
  /** By when it must have been acted on; `urgencyOf` reads it. */
  actBy?: ActByRule;
};

const SCHEMAS = join(import.meta.dirname, '../..');

/**
 * Reads every event type under `schemas/events/<domain>/`, in alphabetical order.
 * @throws Error when a file is missing, is not JSON, or does not carry the name of its type.
 */
export function loadCatalogue(): EventType[] {
  const common = loadCommon();
  const events = join(SCHEMAS, 'events');
  return readdirSync(events)
    .sort()
    .flatMap((domain) =>
      readdirSync(join(events, domain))
        .filter((file) => file.endsWith('.avsc'))
        .sort()
        .map((file) => loadEventType(join(events, domain), domain, file.slice(0, -'.avsc'.length), common)),
    );
}

type Common = ReadonlyMap<string, AvroRecord | AvroEnum>;

/** The records and enums that event types share, by full name. */
export function loadCommon(): Common {
  const folder = join(SCHEMAS, 'common');
  const types = new Map<string, AvroRecord | AvroEnum>();
  for (const file of readdirSync(folder).sort()) {
    const type = readJson<AvroRecord | AvroEnum>(join(folder, file));
    types.set(fullName(type), type);
  }
  return types;
}

function loadEventType(folder: string, domain: string, fact: string, common: Common): EventType {
  const type = `uk.causeway.${domain}.${fact}`;
  const record = readJson<AvroRecord>(join(folder, `${fact}.avsc`));
  if (fullName(record) !== avroName(type)) throw new Error(`${fact}.avsc must be named ${avroName(type)}`);
  if (!record.title || !record.defaultPriority)
    throw new Error(`${fact}.avsc needs title and defaultPriority`);
  const example = readJson<ExampleEvent>(join(folder, `${fact}.example.json`));
  if (example.type !== type) throw new Error(`${fact}.example.json must have the type ${type}`);
  return {
    type,
    title: record.title,
    schema: selfContained(record, common),
    siblingOf: record.siblingOf ?? [],
    example,
    defaultPriority: record.defaultPriority,
    ...(record.actBy && { actBy: record.actBy }),
  };
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}

/**
 * Puts each common type in place where it is referred to first; later uses keep its full name, as Avro demands.
 * @throws Error for a name that is neither defined in the record nor common.
 */
export function selfContained(record: AvroRecord, common: Common): AvroSchema {
  const defined = new Set<string>();
  const inline = (type: AvroType, namespace: string | undefined): AvroType => {
    if (Array.isArray(type)) return type.map((branch) => inline(branch, namespace));
    if (typeof type === 'string') {
      if (PRIMITIVES.has(type)) return type;
      const name = fullName({ name: type, ...(namespace && { namespace }) });
      const known = [type, name].find((candidate) => defined.has(candidate));
      if (known) return known;
      const definition = common.get(type) ?? common.get(name);
      if (!definition) throw new Error(`${record.name} refers to the unknown type ${type}`);
      return inline(definition, namespaceOf(fullName(definition)));
    }
    if (isArray(type)) return { ...type, items: inline(type.items, namespace) };
    const name = fullName(type, namespace);
    defined.add(name);
    return isRecord(type) ? inlineFields(type, namespaceOf(name)) : type;
  };
  const inlineFields = (type: AvroRecord, namespace: string | undefined): AvroRecord => ({
    ...type,
    fields: type.fields.map((field) => ({ ...field, type: inline(field.type, namespace) })),
  });
  return inline(record, undefined) as AvroSchema;
}
