import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { AvroEnum, AvroField, AvroPrimitive, AvroRecord, AvroSchema, NamedTypes } from './schema.ts';
import { namedTypes, resolveType } from './schema.ts';

/**
 * Event types and views in JSON Schema (2020-12), for whoever reads and writes events as JSON.
 */

export type JsonSchema = { [keyword: string]: unknown };

/**
 * `published`: what a source may write: a field that can be null can be left out, nothing else may be there.
 * `handed-over`: what a recipient reads: every field is there, and more can be added later.
 */
type JsonUse = 'published' | 'handed-over';

/**
 * The JSON Schema of an event type or a view. Names are taken apart, so it refers to nothing. Leaves in `generalised` are released in a
 * general form and so have no format.
 */
export function jsonSchemaOf(
  schema: AvroSchema,
  use: JsonUse,
  generalised: ReadonlySet<string> = new Set(),
): JsonSchema {
  const context: Context = { names: namedTypes(schema), use, generalised };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    ...(schema.title && { title: schema.title }),
    ...ofRecord(schema, '', false, context),
  };
}

type Context = { names: NamedTypes; use: JsonUse; generalised: ReadonlySet<string> };

function ofRecord(record: AvroRecord, prefix: string, nullable: boolean, context: Context): JsonSchema {
  const published = context.use === 'published';
  const required = record.fields.filter(({ type }) => !published || !Array.isArray(type));
  return {
    type: orNull('object', nullable),
    ...(record.doc && { description: record.doc }),
    ...(required.length > 0 && { required: required.map(({ name }) => name) }),
    ...(published && { additionalProperties: false }),
    properties: Object.fromEntries(
      record.fields.map((field) => [field.name, ofField(field, prefix, context)]),
    ),
  };
}

function ofField(field: AvroField, prefix: string, context: Context): JsonSchema {
  const path = prefix + field.name;
  const resolved = resolveType(field.type, context.names);
  const { nullable, inArray } = resolved;
  const item =
    resolved.kind === 'record'
      ? ofRecord(resolved.record, `${path}${inArray ? '[]' : ''}.`, nullable && !inArray, context)
      : ofLeaf(resolved.type, nullable && !inArray);
  const formatted = field.format && !context.generalised.has(path) ? { ...item, format: field.format } : item;
  const value = inArray ? { type: orNull('array', nullable), items: formatted } : formatted;
  return {
    ...value,
    ...(field.doc && { description: field.doc }),
    ...(field.sensitivity && { 'x-sensitivity': field.sensitivity }),
  };
}

const INTEGERS = {
  int: { minimum: -(2 ** 31), maximum: 2 ** 31 - 1 },
  // What the codec takes of a long: beyond it a number in JSON is not exact.
  long: { minimum: -(2 ** 53) + 2, maximum: 2 ** 53 - 2 },
};

function ofLeaf(type: AvroPrimitive | AvroEnum, nullable: boolean): JsonSchema {
  if (typeof type === 'object') return { enum: nullable ? [...type.symbols, null] : type.symbols };
  if (type === 'int' || type === 'long') return { type: orNull('integer', nullable), ...INTEGERS[type] };
  return { type: orNull(type === 'double' ? 'number' : type, nullable) };
}

const orNull = (type: string, nullable: boolean): string | string[] => (nullable ? [type, 'null'] : type);

/** What is wrong at one place of an event's data, and where: `person.name.givenNames[0]`. */
export type DataFault = { path: string; problem: string };

const MAX_FAULTS = 50;

/**
 * A check of data that somebody wants to publish: every fault by its path, 50 at most, never a value. The name of a field that
 * the event type does not have is told only where it is short and plain.
 */
export function dataCheckerOf(schema: AvroSchema): (data: unknown) => DataFault[] {
  const ajv = new Ajv2020({ allErrors: true, strict: false });
  addFormats.default(ajv);
  const validate = ajv.compile(jsonSchemaOf(schema, 'published'));
  return (data) => {
    if (validate(data)) return [];
    const faults = new Map<string, DataFault>();
    for (const error of validate.errors ?? []) {
      const fault = faultOf(error);
      faults.set(`${fault.path}\n${fault.problem}`, fault);
    }
    return [...faults.values()].slice(0, MAX_FAULTS);
  };
}

function faultOf(error: ErrorObject): DataFault {
  const path = pathOf(error.instancePath);
  const params: Record<string, unknown> = error.params;
  const inside = (name: string) => (path === '' ? name : `${path}.${name}`);
  switch (error.keyword) {
    case 'required':
      return { path: inside(String(params.missingProperty)), problem: 'is missing' };
    case 'additionalProperties':
      return {
        path: inside(shown(String(params.additionalProperty))),
        problem: 'is not a field of this event type',
      };
    case 'enum':
      return { path, problem: `must be one of ${listOf(params.allowedValues)}` };
    case 'type':
      return { path, problem: `must be ${listOf(params.type)}` };
    case 'format':
      return {
        path,
        problem:
          params.format === 'date'
            ? 'must be a date, YYYY-MM-DD'
            : 'must be a date and time with offset, RFC 3339',
      };
    default:
      return { path, problem: error.message ?? 'is not valid' };
  }
}

const listOf = (values: unknown): string => (Array.isArray(values) ? values.join(' or ') : String(values));

const shown = (name: string): string => (/^[A-Za-z][A-Za-z0-9]{0,39}$/.test(name) ? name : '(another field)');

const pathOf = (pointer: string): string =>
  pointer
    .split('/')
    .slice(1)
    .map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`))
    .join('')
    .replace(/^\./, '');
