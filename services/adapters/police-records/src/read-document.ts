/** From the bytes that came to a document whose every part is known to be well formed, or to all that is wrong with it. Pure. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { type Cancellable, INCIDENT_TYPES, type IncidentType, TOO_HIGH } from './codes.ts';
import { type DocumentSchemas, documentSchemas, type JsonSchema } from './document-schema.ts';

/** What is wrong, and where: a JSON pointer into the document. Never a value of it. */
export type Fault = { pointer: string; problem: string };

export type Attributes = Record<string, unknown>;
export type Resource = { type: string; id: string; attributes: Attributes; relationships: Attributes };

export type Document = {
  /** Undefined for the skeleton of a form that is not modelled. */
  incidentType: IncidentType | undefined;
  id: string;
  attributes: Attributes;
  relationships: Attributes;
  /** People and locations, by type and id. */
  included: ReadonlyMap<string, Resource & { pointer: string }>;
};

export type Reading =
  | { kind: 'document'; document: Document; content: Buffer }
  | { kind: 'not-json' }
  /** `keepable` is false where the marking forbids even to keep it. */
  | { kind: 'faulty'; faults: Fault[]; keepable: boolean };

const MOST_FAULTS = 200;

export const resourceKey = (type: string, id: string): string => `${type} ${id}`;

/** Makes a reader of documents for one force. */
export const createDocumentReader = (forceIdentifier: string): ((raw: Buffer) => Reading) => {
  const checks = compile(documentSchemas(forceIdentifier));
  return (raw) => {
    const json = parse(raw);
    if (json === undefined) return { kind: 'not-json' };
    const { value } = json;
    const faults = faultsOf(checks, value);
    if (faults.length > 0)
      return {
        kind: 'faulty',
        faults: distinct(faults).slice(0, MOST_FAULTS),
        keepable: !TOO_HIGH.includes(classificationIn(value)),
      };
    return {
      kind: 'document',
      document: documentOf(value as Sent),
      content: Buffer.from(JSON.stringify(value)),
    };
  };
};

const parse = (raw: Buffer): { value: unknown } | undefined => {
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(raw)) };
  } catch {
    return undefined;
  }
};

type Check = (value: unknown, at: string) => Fault[];
type Checks = { [K in keyof DocumentSchemas]: DocumentSchemas[K] extends JsonSchema ? Check : never } & {
  facts: Record<Cancellable, Check>;
  cancellations: Record<Cancellable, Check>;
};

const compile = (schemas: DocumentSchemas): Checks => {
  const ajv = new Ajv2020({ allErrors: true, strict: false, verbose: true });
  const check = (schema: JsonSchema): Check => {
    const validate: ValidateFunction = ajv.compile(schema);
    return (value, at) => (validate(value) ? [] : explain(validate.errors ?? [], at));
  };
  const each = (of: Record<Cancellable, JsonSchema>) =>
    Object.fromEntries(Object.entries(of).map(([type, schema]) => [type, check(schema)])) as Record<
      Cancellable,
      Check
    >;
  return {
    envelope: check(schemas.envelope),
    skeleton: check(schemas.skeleton),
    facts: each(schemas.facts),
    cancellations: each(schemas.cancellations),
    relationships: check(schemas.relationships),
    person: check(schemas.person),
    location: check(schemas.location),
    other: check(schemas.other),
  } as Checks;
};

/** What a branch says is of no use where another branch could have been meant; the choice itself says it. */
const explain = (errors: readonly ErrorObject[], at: string): Fault[] =>
  errors.filter(({ schemaPath }) => !/\/anyOf\/\d+\//.test(schemaPath)).map((error) => faultOf(error, at));

const faultOf = (
  { keyword, instancePath, params, parentSchema, message }: ErrorObject,
  at: string,
): Fault => {
  const pointer = `${at}${instancePath}`;
  const schema = (parentSchema ?? {}) as {
    description?: string;
    'x-fault'?: { at: string; problem: string };
  };
  const said = keyword === 'anyOf' ? schema['x-fault'] : undefined;
  if (said !== undefined) return { pointer: `${pointer}/${said.at}`, problem: said.problem };
  if (keyword === 'required')
    return { pointer: `${pointer}/${params.missingProperty}`, problem: 'is missing' };
  if (keyword === 'type') return { pointer, problem: `must be of type ${String(params.type)}` };
  // The name of the member is the sender's word and is not repeated.
  if (keyword === 'additionalProperties')
    return {
      pointer,
      problem: 'has a member that is not known here; this part takes only what the API describes',
    };
  if (schema.description !== undefined && ['pattern', 'enum', 'const', 'anyOf'].includes(keyword))
    return { pointer, problem: `must be this: ${schema.description}` };
  if (keyword === 'const') return { pointer, problem: `must be ${JSON.stringify(params.allowedValue)}` };
  return { pointer, problem: message ?? 'is not as the API describes it' };
};

const faultsOf = (checks: Checks, value: unknown): Fault[] => {
  const faults = checks.envelope(value, '');
  const { data, included } = (isObject(value) ? value : {}) as { data?: unknown; included?: unknown };
  if (isObject(data)) faults.push(...incidentFaults(checks, data));
  if (Array.isArray(included)) faults.push(...includedFaults(checks, included.slice(0, 100)));
  return faults;
};

const incidentFaults = (checks: Checks, { attributes, relationships }: Attributes): Fault[] => {
  if (!isObject(attributes)) return [];
  const at = '/data/attributes';
  const { incidentType, cancelledIncidentType } = attributes;
  if (incidentType === undefined) return [];
  const related = checks.relationships(relationships ?? {}, '/data/relationships');
  const own = (map: Record<Cancellable, Check>, type: unknown) =>
    typeof type === 'string' && Object.hasOwn(map, type) ? map[type as Cancellable] : undefined;
  const check =
    incidentType === 'INTY_0007'
      ? own(checks.cancellations, cancelledIncidentType)
      : own(checks.facts, incidentType);
  if (check !== undefined) return [...check(attributes, at), ...related, ...timeFaults(attributes, at)];
  const wrong = incidentType === 'INTY_0007' ? 'cancelledIncidentType' : 'incidentType';
  const problem = `must be one of ${Object.keys(wrong === 'incidentType' ? INCIDENT_TYPES : checks.facts).join(', ')}`;
  return [{ pointer: `${at}/${wrong}`, problem }, ...related];
};

/** 29 February of a year that has none, which a pattern cannot tell. */
const timeFaults = (attributes: Attributes, at: string): Fault[] =>
  Object.entries(attributes).flatMap(([name, value]) => {
    const found = /At$/.test(name) && typeof value === 'string' ? /^(\d{4})-02-29T/.exec(value) : null;
    const year = Number(found?.[1]);
    const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
    return found === null || isLeap || !KNOWN_TIMES.has(name)
      ? []
      : [{ pointer: `${at}/${name}`, problem: 'is a day that this year does not have' }];
  });

const KNOWN_TIMES: ReadonlySet<string> = new Set(
  Object.values(documentSchemas('').facts)
    .flatMap(({ properties }) => Object.keys(properties as object))
    .filter((name) => name.endsWith('At'))
    .concat('cancelledAt'),
);

const includedFaults = (checks: Checks, included: readonly unknown[]): Fault[] => {
  const seen = new Map<string, string>();
  return included.flatMap((item, index) => {
    if (!isObject(item) || typeof item.type !== 'string') return [];
    const at = `/included/${index}`;
    const kind = item.type === 'person' || item.type === 'location' ? item.type : 'other';
    const faults = checks[kind](item, at);
    const key = resourceKey(item.type, String(item.id));
    const said = JSON.stringify(item);
    const before = seen.get(key);
    seen.set(key, said);
    // The same thing twice is harmless; two descriptions of one person are not.
    if (kind !== 'other' && before !== undefined && before !== said)
      faults.push({
        pointer: at,
        problem: 'describes otherwise what an earlier member of included describes',
      });
    return faults;
  });
};

type Sent = {
  data: { id: string; attributes: Attributes; relationships?: Attributes };
  included?: { type: string; id: string; attributes?: Attributes; relationships?: Attributes }[];
};

const documentOf = ({ data, included = [] }: Sent): Document => ({
  incidentType: data.attributes.incidentType as IncidentType | undefined,
  id: data.id,
  attributes: data.attributes,
  relationships: data.relationships ?? {},
  included: new Map(
    included.map(({ type, id, attributes = {}, relationships = {} }, index) => [
      resourceKey(type, id),
      { type, id, attributes, relationships, pointer: `/included/${index}` },
    ]),
  ),
});

const classificationIn = (value: unknown): unknown => {
  const data = isObject(value) ? value.data : undefined;
  const attributes = isObject(data) ? data.attributes : undefined;
  const sharing = isObject(attributes) ? attributes.sharing : undefined;
  const marking = isObject(sharing) ? sharing.classification : undefined;
  return typeof marking === 'string' ? marking.toUpperCase() : marking;
};

const distinct = (faults: readonly Fault[]): Fault[] => {
  const seen = new Set<string>();
  return faults.filter(({ pointer, problem }) => {
    const key = `${pointer}\0${problem}`;
    return !seen.has(key) && seen.add(key) !== undefined;
  });
};

const isObject = (value: unknown): value is Attributes =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
