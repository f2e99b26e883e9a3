import { isPermanent } from '@causeway/runtime/errors';
import { Problem } from '@causeway/runtime/service/http-server';
import type { AvroSchema } from '@causeway/schemas/avro/schema';
import { z } from 'zod';
import { type BodyFault, checked, invalidBody } from '../http/body.ts';
import { EVENT_ID_PATTERN, SUBJECT_PATTERN, TYPE_PATTERN } from '../http/query.ts';
import { ATTRIBUTES } from './deliver.ts';
import { parseEndpoint } from './endpoint.ts';
import type { SsrfPolicy } from './ssrf-policy.ts';
import type { Filter } from './subscription-store.ts';

/** The bodies of /v1/subscriptions and what is below it. */

const MOST_TYPES = 100;
const NO_CONTROLS = '^[^\\u0000-\\u001f\\u007f]*$';
export const REDRIVE_MOST = 1_000;

const type = z.string().max(200).regex(new RegExp(TYPE_PATTERN), 'must be the full name of an event type');
const value = z.union(
  [
    // PostgreSQL keeps it, and neither NUL nor half a character is a text to it.
    z
      .string()
      .max(200)
      .regex(new RegExp(NO_CONTROLS))
      .refine((text) => text.isWellFormed()),
    z.number(),
    z.boolean(),
  ],
  'must be a text without control characters, a number, true or false',
);
const filter = z
  .record(z.string().regex(/^[A-Za-z][A-Za-z0-9]{0,79}$/), value)
  .refine((one) => Object.keys(one).length <= 20, 'has more than 20 members')
  .refine(
    (one) => one.subject === undefined || new RegExp(SUBJECT_PATTERN).test(String(one.subject)),
    'has a subject that is not valid: 22 characters',
  )
  .meta({ maxProperties: 20 });
const time = z.iso.datetime({ offset: true, error: 'must be a date and time with offset' });

export const subscriptionBody = z.strictObject({
  endpoint: z
    .string()
    .meta({ description: 'An https address on the public internet', format: 'uri', maxLength: 2_000 }),
  types: z
    .array(type)
    .min(1, 'is empty; omit it for all types')
    .max(MOST_TYPES)
    .nullable()
    .describe('Names of event types; all where it is left out')
    .optional(),
  filter: filter
    .nullable()
    .describe(
      'Equality on `type`, `subject` or top-level fields of the data that your organisation receives. All members must match',
    )
    .optional(),
  expires: time.nullable().describe('When it ends').optional(),
});
export const subscriptionPatch = subscriptionBody.partial();

export const redriveBody = z.strictObject({
  dryRun: z.boolean().describe('Only list the dead letters').optional(),
  events: z
    .array(z.string().regex(new RegExp(EVENT_ID_PATTERN), 'must be the id of an event'))
    .min(1)
    .max(REDRIVE_MOST)
    .describe('Ids of events; all that were not redriven yet where it is left out')
    .optional(),
});

export const replayBody = z.strictObject({ from: time.describe('Time of arrival in your inbox') });

export type Given = {
  endpoint?: string;
  types?: string[] | null;
  filter?: Filter | null;
  expires?: Date | null;
};

/** What one organisation receives: names of types with the schema of each view, and whatever types there are. */
type Receivable = {
  views: readonly { type: string; schema: AvroSchema }[];
  types: ReadonlySet<string>;
};

/**
 * A new subscription, or with `partial` what is to be changed of one: what is absent stays, null takes away.
 * @throws Problem 400 `invalid-body` that names every fault, 400 `endpoint-refused`
 */
export const subscriptionIn = (body: unknown, now: number, policy: SsrfPolicy, partial = false): Given => {
  const { endpoint, expires, ...rest } = checked(partial ? subscriptionPatch : subscriptionBody, body);
  if (expires && Date.parse(expires) <= now)
    throw invalidBody({ path: 'expires', problem: 'must be in the future' });
  if (endpoint !== undefined) checkEndpoint(endpoint, policy);
  return {
    ...(endpoint !== undefined && { endpoint }),
    ...(expires !== undefined && { expires: expires === null ? null : new Date(expires) }),
    ...(rest.types !== undefined && { types: rest.types && [...new Set(rest.types)] }),
    ...(rest.filter !== undefined && { filter: rest.filter as Filter | null }),
  };
};

const checkEndpoint = (endpoint: string, policy: SsrfPolicy): void => {
  try {
    parseEndpoint(endpoint, policy);
  } catch (error) {
    throw isPermanent(error) ? endpointRefused(error.message) : error;
  }
};

export const endpointRefused = (why: string): Problem =>
  new Problem(400, 'endpoint-refused', 'This endpoint cannot be called', why);

/** @throws Problem 400 `invalid-body` where a type does not exist, or a filter asks for a field that is not received */
export const checkAgainst = ({ views, types }: Receivable, wanted: Pick<Given, 'types' | 'filter'>): void => {
  const faults: BodyFault[] = [];
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
        problem: 'is not a field that your organisation receives for these types',
      });
  }
  if (faults.length > 0) throw invalidBody(...faults);
};

const fieldsOf = (schema: AvroSchema): string[] =>
  typeof schema === 'object' && 'fields' in schema ? schema.fields.map(({ name }) => name) : [];
