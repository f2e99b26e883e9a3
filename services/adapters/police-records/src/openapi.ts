/** The adapter's HTTP interface in OpenAPI 3.1: the schema of documents is the one that is checked. */
import {
  accessToken,
  answer,
  array,
  object,
  openApiDocument,
  problem,
  RETRY_AFTER,
  schema,
  text,
  thisDocument,
  WWW_AUTHENTICATE,
} from '@causeway/runtime/service/openapi';
import { documentSchemas, type JsonSchema } from './document-schema.ts';

const ANYWHERE = {
  405: problem('`method-not-allowed`', {
    Allow: { required: true, description: 'Methods of this address', schema: { type: 'string' } },
  }),
  414: problem('`uri-too-long`'),
};

const DOCUMENT = { schema: schema('Document') };

/** @param issuer where access tokens come from */
export const openApi = (issuer: string, forceIdentifier: string, audiences: readonly string[]) =>
  openApiDocument(
    {
      title: 'Causeway police records',
      summary: 'What a force’s records management system tells its partners',
      description:
        'Documents have the shape of the Standard Data Model: a JSON:API document with an incident, and the people and places that it names among the included resources. Codes are constrained values. Members that are not described here are accepted and ignored, except in `sharing`. A 202 response means that the event is durable; only then may the sender discard it. Every refusal is problem details (RFC 9457) that names each fault by JSON pointer and repeats no value.',
    },
    {
      security: [{ accessToken: ['incidents:write'] }],
      tags: [{ name: 'incidents' }, { name: 'documents' }],
      paths: {
        '/v1/incidents': {
          post: {
            operationId: 'postIncident',
            tags: ['incidents'],
            summary: 'Submit one document',
            // Not among the parameters, where a generator of requests would send one key with many documents and be refused, rightly.
            description:
              'The header Idempotency-Key (1 to 255 printable ASCII characters without spaces, such as a UUID) identifies the document for the sender. The same key with the same bytes gets the same response for 90 days, also after a restart; with other bytes it is refused. Without the header the bytes themselves are the key.',
            requestBody: {
              required: true,
              content: { 'application/vnd.api+json': DOCUMENT, 'application/json': DOCUMENT },
            },
            responses: {
              202: answer('The event is durable', schema('Accepted')),
              400: problem('`not-json`: the body is not JSON; `invalid-idempotency-key`; `bad-request`'),
              401: problem(
                '`invalid-token`: no access token, or one that is not accepted here',
                WWW_AUTHENTICATE,
              ),
              403: problem(
                '`insufficient-scope`, `organisation-required`, `other-organisation`, `client-not-allowed`',
              ),
              408: problem('The request did not arrive in time'),
              413: problem('`too-large`: more than 1 MiB'),
              415: problem('`unsupported-media-type`'),
              422: problem(
                '`invalid-document`: the member `faults` lists each fault; the document is kept as a dead letter. `idempotency-key-reused`: the key was used before with another document.',
                undefined,
                'Refusal',
              ),
              429: problem('`too-many-requests`: this system has reached its limit', RETRY_AFTER),
              503: problem('`unavailable`, `busy`: nothing was kept; send it again', RETRY_AFTER),
              ...ANYWHERE,
            },
          },
        },
        '/openapi.json': thisDocument(ANYWHERE),
      },
      components: {
        securitySchemes: {
          accessToken: accessToken(
            issuer,
            `A JWT access token (RFC 9068, typ at+jwt) from the client credentials grant, for the audience ${audiences.join(' or ')}, with the claim organisation and the scope incidents:write.`,
          ),
        },
        schemas: components(forceIdentifier),
      },
    },
  );

const components = (forceIdentifier: string): Record<string, JsonSchema> => {
  const { envelope, skeleton, facts, cancellations, relationships, person, location, other } =
    documentSchemas(forceIdentifier);
  const incident = propertiesOf(propertiesOf(envelope).data as JsonSchema) as Record<string, object>;
  const modelled = [...Object.values(facts), ...Object.values(cancellations)];
  const named = Object.fromEntries(modelled.map((attributes) => [nameOf(attributes), attributes]));
  const data = (attributes: JsonSchema, relationships: JsonSchema, required: string[]): JsonSchema =>
    object({ ...incident, attributes, relationships }, ['type', 'id', 'attributes', ...required]);
  return {
    Document: object(
      {
        data: {
          anyOf: [
            data({ anyOf: Object.keys(named).map(schema) }, schema('Relationships'), ['relationships']),
            data(schema('Skeleton'), { type: 'object' }, []),
          ],
        },
        included: array(
          { anyOf: [schema('Person'), schema('Location'), schema('OtherResource')] },
          { maxItems: 100 },
        ),
      },
      ['data'],
    ),
    ...named,
    Skeleton: skeleton,
    Relationships: relationships,
    Person: person,
    Location: location,
    OtherResource: other,
    Accepted: object({
      outcome: text(
        'published: the events are on the bus. not-shared: no data-sharing agreement covers this kind of incident, and nothing was kept. kept: the form is not modelled; it is stored and not published.',
        { enum: ['published', 'not-shared', 'kept'] },
      ),
      events: array(
        { type: 'string' },
        { description: 'Ids of the events. Feedback from partners refers to them.' },
      ),
      warnings: array(schema('Fault'), { description: 'What was left out, and why.' }),
    }),
    Fault: object({
      pointer: text('JSON pointer (RFC 6901) into the document'),
      problem: { type: 'string' },
    }),
    Problem: object(PROBLEM, REQUIRED),
    Refusal: object({ ...PROBLEM, faults: array(schema('Fault')) }, REQUIRED),
  };
};

const REQUIRED = ['type', 'title', 'status'];
const PROBLEM = {
  type: text('`urn:causeway:problem:<word>`'),
  title: { type: 'string' },
  status: { type: 'integer' },
  detail: { type: 'string' },
};

const propertiesOf = (of: JsonSchema): Record<string, unknown> => of.properties as Record<string, unknown>;

const nameOf = ({ title }: JsonSchema): string =>
  String(title)
    .replaceAll(/\(.*?\)/g, '')
    .replaceAll(/[^A-Za-z]+(\w?)/g, (_, letter: string) => letter.toUpperCase())
    .replace(/^./, (letter) => letter.toUpperCase());
