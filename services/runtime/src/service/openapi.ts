/** Builds OpenAPI 3.1 documents. Bodies that a zod validator checks are described by that validator. */
import { z } from 'zod';

type Schema = Record<string, unknown>;
type Content = Record<string, { schema: object }>;
type Header = { description: string; required?: true; schema: Schema };
type Response = { description: string; headers?: Record<string, Header>; content?: Content };

export const text = (description: string, more: Schema = {}) => ({ type: 'string', description, ...more });

export const time = (description: string) => text(description, { format: 'date-time' });

/** A text that is null where there is none. */
export const orNull = (description: string, more: Schema = {}) => ({
  type: ['string', 'null'],
  description,
  ...more,
});

export const array = (items: object, more: Schema = {}) => ({ type: 'array', items, ...more });

/** An object; all of its properties are required unless `required` names them. */
export const object = <P extends Record<string, object>>(
  properties: P,
  required: readonly string[] = Object.keys(properties),
  more: Schema = {},
) => ({ type: 'object', ...(required.length > 0 && { required }), properties, ...more });

/** A reference to a schema among the components. */
export const schema = (name: string) => ({ $ref: `#/components/schemas/${name}` });

export const json = (content: object, mediaType = 'application/json'): Content => ({
  [mediaType]: { schema: content },
});

/** A response or a request body in JSON. */
export const answer = (description: string, content: object): Response => ({
  description,
  content: json(content),
});

/** A parameter of the query, or of another place; those of a path are required. */
export const parameter = (name: string, description: string, form: Schema, where = 'query') => ({
  name,
  in: where,
  description,
  schema: form,
  ...(where === 'path' && { required: true }),
});

/** A refusal as problem details (RFC 9457), described by the component `body`. */
export const problem = (
  description: string,
  headers?: Record<string, Header>,
  body = 'Problem',
): Response => ({
  description,
  ...(headers && { headers }),
  content: json(schema(body), 'application/problem+json'),
});

export const RETRY_AFTER = {
  'Retry-After': { required: true, description: 'Seconds to wait', schema: { type: 'integer', minimum: 1 } },
} as const;

export const WWW_AUTHENTICATE = {
  'WWW-Authenticate': { description: 'What is wrong with the token', schema: { type: 'string' } },
};

/** The address that serves the document itself; it needs no token. */
export const thisDocument = (refusals: object) => ({
  get: {
    operationId: 'getOpenApi',
    tags: ['documents'],
    summary: 'Get this OpenAPI document',
    security: [],
    responses: { 200: answer('An OpenAPI 3.1 document', { type: 'object' }), ...refusals },
  },
});

/** The security scheme of access tokens. @param issuer OpenID provider that issues them */
export const accessToken = (issuer: string, description: string) => ({
  type: 'openIdConnect',
  openIdConnectUrl: `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
  description,
});

/** An OpenAPI 3.1 document. */
export const openApiDocument = <I extends object, D extends { paths: object; components: object }>(
  info: I,
  rest: D,
) => ({
  openapi: '3.1.1',
  info: { version: '1.0.0', license: { name: 'MIT', identifier: 'MIT' }, ...info },
  servers: [{ url: '/' }],
  ...rest,
});

/**
 * The JSON Schema of what a validator takes. What only code can check (`refine`) is added with `meta` where JSON Schema can say it.
 */
export const schemaOf = (validator: z.ZodType): Schema => {
  const { $schema: _, ...form } = z.toJSONSchema(validator, {
    io: 'input',
    override: ({ jsonSchema }) => {
      // The format says it; generators of requests cannot hold to both.
      if (jsonSchema.format?.startsWith('date')) delete jsonSchema.pattern;
      const [first, second, ...others] = jsonSchema.anyOf ?? [];
      if (others.length > 0 || second?.type !== 'null' || typeof first?.type !== 'string') return;
      delete jsonSchema.anyOf;
      Object.assign(jsonSchema, first, jsonSchema, { type: [first.type, 'null'] });
    },
  });
  return form;
};
