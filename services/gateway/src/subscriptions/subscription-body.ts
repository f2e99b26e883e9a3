import { isPermanent } from '@causeway/runtime/errors';
import { Problem } from '@causeway/runtime/service/http-server';
import type { AvroSchema } from '@causeway/schemas/avro/schema';
import { z } from 'zod';
import { SUBJECT_PATTERN, TYPE_PATTERN } from '../http/query.ts';
import { ATTRIBUTES } from './deliver.ts';
import { parseEndpoint } from './endpoint.ts';
import type { Allowed } from './ssrf-policy.ts';
import type { Filter } from './subscription-store.ts';

/** The bodies of /v1/subscriptions and what is below it. */

export const MOST_TYPES = 100;
export const FIELD_PATTERN = '^[A-Za-z][A-Za-z0-9]{0,79}$';
export const TEXT_PATTERN = '^[^\\u0000-\\u001f\\u007f]*$';
export const EVENT_PATTERN = '^[A-Za-z0-9_-]{16,64}$';

const type = z.string().max(200).regex(new RegExp(TYPE_PATTERN), 'must be the full name of an event type');
const value = z.union(
  [
    // PostgreSQL keeps it, and neither NUL nor half a character is a text to it.
    z
      .string()
      .max(200)
      .regex(new RegExp(TEXT_PATTERN))
      .refine((text) => text.isWellFormed()),
    z.number(),
    z.boolean(),
  ],
  'must be a text without control characters, a number, true or false',
);
const filter = z
  .record(z.string().regex(new RegExp(FIELD_PATTERN)), value)
  .refine((one) => Object.keys(one).length <= 20, 'has more than 20 members')
  .refine(
    (one) => one.subject === undefined || new RegExp(SUBJECT_PATTERN).test(String(one.subject)),
    'has a subject that is none: 22 characters',
  );
const form = z.strictObject({
  endpoint: z.string(),
  types: z.array(type).min(1, 'names no type; leave it out for all').max(MOST_TYPES).nullable().optional(),
  filter: filter.nullable().optional(),
  expires: z.iso
    .datetime({ offset: true, error: 'must be a date and time with offset' })
    .nullable()
    .optional(),
});

export type Given = {
  endpoint?: string;
  types?: string[] | null;
  filter?: Filter | null;
  expires?: Date | null;
};

/** What one organisation receives: names of types with the schema of each view, and whatever types there are. */
export type Receivable = {
  views: readonly { type: string; schema: AvroSchema }[];
  types: ReadonlySet<string>;
};

/**
 * A new subscription, or with `partial` what is to be changed of one: what is absent stays, null takes away.
 * @throws Problem 400 `invalid-body` that names every fault, 400 `endpoint-refused`
 */
export const subscriptionIn = (body: unknown, now: number, allowed: Allowed, partial = false): Given => {
  const { endpoint, expires, ...rest } = checked(partial ? form.partial() : form, body);
  if (expires && Date.parse(expires) <= now)
    throw refused([{ path: 'expires', problem: 'must be in the future' }]);
  if (endpoint !== undefined) checkEndpoint(endpoint, allowed);
  return {
    ...(endpoint !== undefined && { endpoint }),
    ...(expires !== undefined && { expires: expires === null ? null : new Date(expires) }),
    ...(rest.types !== undefined && { types: rest.types && [...new Set(rest.types)] }),
    ...(rest.filter !== undefined && { filter: rest.filter as Filter | null }),
  };
};

const checkEndpoint = (endpoint: string, allowed: Allowed): void => {
  try {
    parseEndpoint(endpoint, allowed);
  } catch (error) {
    throw isPermanent(error) ? endpointRefused(error.message) : error;
  }
};

export const endpointRefused = (why: string): Problem =>
  new Problem(400, 'endpoint-refused', 'This endpoint cannot be called', why);

/** @throws Problem 400 `invalid-body` where a type does not exist, or a filter asks for a field that is not received */
export const checkAgainst = ({ views, types }: Receivable, wanted: Pick<Given, 'types' | 'filter'>): void => {
  const faults: Fault[] = [];
  const named = [
    ...(wanted.types ?? []),
    ...(wanted.filter?.type === undefined ? [] : [String(wanted.filter.type)]),
  ];
  if (named.some((one) => !types.has(one)))
    faults.push({ path: 'types', problem: 'names an event type that does not exist' });
  const asked = Object.keys(wanted.filter ?? {}).filter((name) => !ATTRIBUTES.includes(name));
  const has = (of: readonly { schema: AvroSchema }[], field: string) =>
    of.some(({ schema }) => fieldsOf(schema).includes(field));
  for (const field of asked) {
    const groups = named.length > 0 ? named.map((one) => views.filter((view) => view.type === one)) : [views];
    if (!groups.every((group) => has(group, field)))
      faults.push({
        path: `filter.${field}`,
        problem: 'is no field that your organisation receives of these types',
      });
  }
  if (faults.length > 0) throw refused(faults);
};

const fieldsOf = (schema: AvroSchema): string[] =>
  typeof schema === 'object' && 'fields' in schema ? schema.fields.map(({ name }) => name) : [];

export const REDRIVE_MOST = 1_000;

const redriveForm = z.strictObject({
  dryRun: z.boolean().optional(),
  events: z
    .array(z.string().regex(new RegExp(EVENT_PATTERN), 'must be the id of an event'))
    .min(1)
    .max(REDRIVE_MOST)
    .optional(),
});

/** Which dead letters are to be tried again; all that were not yet where nothing is said. */
export const redriveIn = (body: unknown) => checked(redriveForm, body);

const replayForm = z.strictObject({
  from: z.iso.datetime({ offset: true, error: 'must be a date and time with offset' }),
});

export const replayIn = (body: unknown): number => Date.parse(checked(replayForm, body).from);

const checked = <S extends z.ZodType>(schema: S, body: unknown): z.infer<S> => {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw refused(
    result.error.issues.map(({ path, message, code }) => ({
      path: path.map(String).join('.').slice(0, 100),
      problem: code === 'unrecognized_keys' ? 'has members that are not read here' : message,
    })),
  );
};

type Fault = { path: string; problem: string };

const refused = (faults: Fault[]): Problem =>
  new Problem(
    400,
    'invalid-body',
    'The request cannot be read as it is',
    'Correct what the member faults names.',
    {
      faults,
    },
  );
