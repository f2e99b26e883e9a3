import { json, problems } from './parts.ts';
import { catalogue } from './paths/catalogue.ts';
import { feedback, feedbackSchemas } from './paths/feedback.ts';
import { interestSchemas, interests } from './paths/interests.ts';
import { publishing, publishingSchemas } from './paths/publishing.ts';
import { readingPaths } from './paths/reading.ts';
import { subscriptionSchemas, subscriptions } from './paths/subscriptions.ts';
import { cloudEvent, eventPage, problem } from './schemas.ts';

/** The gateway's interface in OpenAPI 3.1. `issuer`: where access tokens come from. */
export const openApi = (issuer: string) => ({
  openapi: '3.1.1',
  info: {
    title: 'Causeway gateway',
    version: '1.0.0',
    summary: 'Events that data-sharing agreements release to your organisation',
    description:
      'Every event is a CloudEvent 1.0.2 in structured JSON. Its data holds exactly the fields that an agreement releases to the organisation in the access token: a withheld field is absent, a field that the source does not know is null. Every refusal is problem details (RFC 9457) with a stable type, `urn:causeway:problem:<word>`. Events are delivered at least once and in order per subject; the id of an event is the key to recognise a repeat.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  servers: [{ url: '/' }],
  security: [{ accessToken: ['events:read'] }],
  tags: [
    { name: 'events', description: 'Reading your inbox' },
    { name: 'publishing', description: 'Writing to your outbox' },
    { name: 'feedback', description: 'What became of events' },
    { name: 'catalogue', description: 'What you receive, and under which agreement' },
    { name: 'subscriptions', description: 'Events brought to an address of yours' },
    { name: 'interests', description: 'Whom your organisation knows, and why' },
    { name: 'documents' },
  ],
  paths: merged(readingPaths, publishing, feedback, subscriptions, interests, catalogue, documentPaths),
  components: {
    securitySchemes: {
      accessToken: {
        type: 'openIdConnect',
        openIdConnectUrl: `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
        description:
          'A JWT access token (RFC 9068, typ at+jwt) for the audience causeway-gateway with the claim organisation, from the client credentials grant.',
      },
    },
    schemas: {
      CloudEvent: cloudEvent,
      EventPage: eventPage,
      Problem: problem,
      ...publishingSchemas,
      ...feedbackSchemas,
      ...interestSchemas,
      ...subscriptionSchemas,
    },
  },
});

type Paths = Record<string, object>;

/** One address can have methods from several parts. */
const merged = (...parts: Paths[]): Paths => {
  const all: Paths = {};
  for (const part of parts)
    for (const [path, methods] of Object.entries(part)) all[path] = { ...all[path], ...methods };
  return all;
};

const documentPaths = {
  '/v1/openapi.json': {
    get: {
      operationId: 'getOpenApi',
      tags: ['documents'],
      summary: 'This document',
      security: [],
      responses: {
        200: { description: 'An OpenAPI 3.1 document', content: json({ type: 'object' }) },
        ...problems(413, 414),
      },
    },
  },
};
