import { accessToken, openApiDocument, thisDocument } from '@causeway/runtime/service/openapi';
import { problemDetails, problems } from './parts.ts';
import { catalogue } from './paths/catalogue.ts';
import { feedback, feedbackSchemas } from './paths/feedback.ts';
import { interestSchemas, interests } from './paths/interests.ts';
import { publishing, publishingSchemas } from './paths/publishing.ts';
import { readingPaths, readingSchemas } from './paths/reading.ts';
import { subscriptionSchemas, subscriptions } from './paths/subscriptions.ts';

/** The gateway's interface in OpenAPI 3.1. `issuer`: where access tokens come from. */
export const openApi = (issuer: string) =>
  openApiDocument(
    {
      title: 'Causeway gateway',
      summary: 'Events that data-sharing agreements release to your organisation',
      description:
        'Every event is a CloudEvent 1.0.2 in structured JSON. Its data holds exactly the fields that an agreement releases to the organisation in the access token: a withheld field is absent, a field that the source does not know is null. Every refusal is problem details (RFC 9457) with a stable type, `urn:causeway:problem:<word>`. Events are delivered at least once and in order per subject; use the id of an event to recognise duplicates.',
    },
    {
      security: [{ accessToken: ['events:read'] }],
      tags: [
        { name: 'events', description: 'Read your inbox' },
        { name: 'publishing', description: 'Publish to your outbox' },
        { name: 'feedback', description: 'Acknowledgements and outcomes of events' },
        { name: 'catalogue', description: 'What you receive, and under which agreement' },
        { name: 'subscriptions', description: 'Delivery of events to your endpoint (webhooks)' },
        { name: 'interests', description: 'The people your organisation works with, and why' },
        { name: 'documents' },
      ],
      paths: {
        ...readingPaths,
        '/v1/events': { ...readingPaths['/v1/events'], ...publishing['/v1/events'] },
        ...feedback,
        ...subscriptions,
        ...interests,
        ...catalogue,
        '/v1/openapi.json': thisDocument(problems(413, 414)),
      },
      components: {
        securitySchemes: {
          accessToken: accessToken(
            issuer,
            'A JWT access token (RFC 9068, typ at+jwt) for the audience causeway-gateway with the claim organisation, from the client credentials grant.',
          ),
        },
        schemas: {
          Problem: problemDetails,
          ...readingSchemas,
          ...publishingSchemas,
          ...feedbackSchemas,
          ...interestSchemas,
          ...subscriptionSchemas,
        },
      },
    },
  );
