/** The door's interface in OpenAPI 3.1: the schema of documents is the one that is checked. */
import { documentSchemas, type JsonSchema } from './document-schema.ts';

const schema = (name: string) => ({ $ref: `#/components/schemas/${name}` });

const RETRY_AFTER = {
  'Retry-After': { required: true, description: 'Seconds to wait', schema: { type: 'integer', minimum: 1 } },
};

const problem = (description: string, headers?: object, body = 'Problem') => ({
  description,
  ...(headers && { headers }),
  content: { 'application/problem+json': { schema: schema(body) } },
});

const ANYWHERE = {
  405: problem('`method-not-allowed`', {
    Allow: { required: true, description: 'Methods of this address', schema: { type: 'string' } },
  }),
  414: problem('`uri-too-long`'),
};

/** @param issuer where access tokens come from */
export const openApi = (issuer: string, forceIdentifier: string, audiences: readonly string[]) => ({
  openapi: '3.1.1',
  info: {
    title: 'Causeway police records',
    version: '1.0.0',
    summary: 'What a force’s records management system tells its partners',
    description:
      'Documents have the shape of the Standard Data Model: a JSON:API document with an incident, and the people and places that it names among the included resources. Codes are constrained values. Members that are not described here are taken and ignored, except in `sharing`. An answer of 202 means that the event is durable; only then may the sender forget it. Every refusal is problem details (RFC 9457) that names each fault by JSON pointer and repeats no value.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  servers: [{ url: '/' }],
  security: [{ accessToken: ['incidents:write'] }],
  tags: [{ name: 'incidents' }, { name: 'documents' }],
  paths: {
    '/v1/incidents': {
      post: {
        operationId: 'postIncident',
        tags: ['incidents'],
        summary: 'One document',
        // Not among the parameters, where a generator of requests would send one key with many documents and be refused, rightly.
        description:
          'The header Idempotency-Key (1 to 255 printable ASCII characters without spaces, such as a UUID) names the document for the sender. The same key with the same bytes has the same answer, also after a restart, for 90 days; with other bytes it is refused. Without the header the bytes themselves are the key.',
        requestBody: {
          required: true,
          content: {
            'application/vnd.api+json': { schema: schema('Document') },
            'application/json': { schema: schema('Document') },
          },
        },
        responses: {
          202: {
            description: 'It is durable',
            content: { 'application/json': { schema: schema('Accepted') } },
          },
          400: problem('`not-json`: the body is no JSON; `invalid-idempotency-key`; `bad-request`'),
          401: problem('`invalid-token`: no access token, or one that is not accepted here', {
            'WWW-Authenticate': { description: 'What is wrong with it', schema: { type: 'string' } },
          }),
          403: problem(
            '`insufficient-scope`, `organisation-required`, `other-organisation`, `client-not-allowed`',
          ),
          408: problem('The request did not come in time'),
          413: problem('`too-large`: more than 1 MiB'),
          415: problem('`unsupported-media-type`'),
          422: problem(
            '`invalid-document`: the member faults names each fault; the document is kept as a dead letter. `idempotency-key-reused`: the key came with another document before.',
            undefined,
            'Refusal',
          ),
          429: problem('`too-many-requests`: this system has had its share for now', RETRY_AFTER),
          503: problem('`unavailable`, `busy`: nothing was kept; send it again', RETRY_AFTER),
          ...ANYWHERE,
        },
      },
    },
    '/openapi.json': {
      get: {
        operationId: 'getOpenApi',
        tags: ['documents'],
        summary: 'This document',
        security: [],
        responses: {
          200: {
            description: 'An OpenAPI 3.1 document',
            content: { 'application/json': { schema: { type: 'object' } } },
          },
          ...ANYWHERE,
        },
      },
    },
  },
  components: {
    securitySchemes: {
      accessToken: {
        type: 'openIdConnect',
        openIdConnectUrl: `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
        description: `A JWT access token (RFC 9068, typ at+jwt) from the client credentials grant, for the audience ${audiences.join(' or ')}, with the claim organisation and the scope incidents:write.`,
      },
    },
    schemas: components(forceIdentifier),
  },
});

const components = (forceIdentifier: string): Record<string, JsonSchema> => {
  const { envelope, skeleton, facts, cancellations, relationships, person, location, other } =
    documentSchemas(forceIdentifier);
  const incident = propertiesOf(propertiesOf(envelope).data as JsonSchema);
  const modelled = [...Object.values(facts), ...Object.values(cancellations)];
  const named = Object.fromEntries(modelled.map((attributes) => [nameOf(attributes), attributes]));
  const data = (attributes: JsonSchema, related: JsonSchema, required: string[]): JsonSchema => ({
    type: 'object',
    properties: { ...incident, attributes, relationships: related },
    required: ['type', 'id', 'attributes', ...required],
  });
  return {
    Document: {
      type: 'object',
      properties: {
        data: {
          anyOf: [
            data({ anyOf: Object.keys(named).map(schema) }, schema('Relationships'), ['relationships']),
            data(schema('Skeleton'), { type: 'object' }, []),
          ],
        },
        included: {
          type: 'array',
          maxItems: 100,
          items: { anyOf: [schema('Person'), schema('Location'), schema('OtherResource')] },
        },
      },
      required: ['data'],
    },
    ...named,
    Skeleton: skeleton,
    Relationships: relationships,
    Person: person,
    Location: location,
    OtherResource: other,
    Accepted: {
      type: 'object',
      properties: {
        outcome: {
          type: 'string',
          enum: ['published', 'not-shared', 'kept'],
          description:
            'published: the events are on the bus. not-shared: no data-sharing agreement names such a fact, and nothing was kept. kept: the form is not modelled; it waits.',
        },
        events: {
          type: 'array',
          items: { type: 'string' },
          description: 'Ids of the events. What partners say of them names these.',
        },
        warnings: { type: 'array', items: schema('Fault'), description: 'What was left out, and why.' },
      },
      required: ['outcome', 'events', 'warnings'],
    },
    Fault: {
      type: 'object',
      properties: {
        pointer: { type: 'string', description: 'JSON pointer (RFC 6901) into the document' },
        problem: { type: 'string' },
      },
      required: ['pointer', 'problem'],
    },
    Problem: PROBLEM,
    Refusal: {
      ...PROBLEM,
      properties: {
        ...propertiesOf(PROBLEM),
        faults: { type: 'array', items: schema('Fault') },
      },
    },
  };
};

const PROBLEM: JsonSchema = {
  type: 'object',
  properties: {
    type: { type: 'string', description: '`urn:causeway:problem:<word>`' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
  },
  required: ['type', 'title', 'status'],
};

const propertiesOf = (of: JsonSchema): Record<string, unknown> => of.properties as Record<string, unknown>;

const nameOf = ({ title }: JsonSchema): string =>
  String(title)
    .replaceAll(/\(.*?\)/g, '')
    .replaceAll(/[^A-Za-z]+(\w?)/g, (_, letter: string) => letter.toUpperCase())
    .replace(/^./, (letter) => letter.toUpperCase());
