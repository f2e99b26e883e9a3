/** The console's API as OpenAPI 3.1. The pages use the same functions. */
export function openApi(publicUrl: string) {
  const json = (schema: object) => ({ 'application/json': { schema } });
  const ok = (description: string) => ({ description, content: json({ type: 'object' }) });
  const problem = (description: string) => ({
    description,
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  });
  const refusals = {
    401: problem('The access token is missing or not valid here'),
    403: problem('This role or organisation may not do this'),
    503: problem('A service that this needs does not answer; try again'),
  };
  const parameter = (name: string, description: string) => ({
    name,
    in: 'query',
    description,
    schema: { type: 'string' },
  });
  const inPath = (name: string) => ({ name, in: 'path', required: true, schema: { type: 'string' } });
  const word = { type: 'string' };
  const filter = {
    type: 'object',
    description: 'Dead letters of the caller’s own organisation. Without a state, only those waiting.',
    properties: {
      organisation: word,
      component: word,
      reason: word,
      type: word,
      state: { enum: ['waiting', 'asked', 'done', 'withheld', 'failed'] },
      picked: { type: 'array', items: { type: 'string', pattern: '^[a-z][a-z0-9-]+/[0-9]+$' } },
    },
  };
  const get = (summary: string, description: string, parameters: object[] = []) => ({
    get: { summary, parameters, responses: { 200: ok(description), ...refusals } },
  });
  const withBody = (summary: string, schema: object, responses: object, parameters: object[] = []) => ({
    summary,
    parameters,
    requestBody: { required: true, content: json(schema) },
    responses: { ...responses, 422: problem('The request is not valid'), ...refusals },
  });
  const status = {
    type: 'object',
    required: ['status', 'reason'],
    properties: {
      status: { enum: ['active', 'suspended', 'ended'] },
      reason: word,
      version: { type: 'integer' },
    },
  };
  const redrive = {
    type: 'object',
    required: ['filter'],
    properties: {
      filter,
      dryRun: { type: 'boolean', default: false },
      reason: { type: 'string', maxLength: 500 },
    },
  };
  const person = {
    type: 'object',
    required: ['scheme', 'value', 'reason'],
    properties: { scheme: { enum: ['nhs', 'upn', 'pnc', 'cro'] }, value: word, reason: word },
  };
  return {
    openapi: '3.1.0',
    info: {
      title: 'Causeway console',
      version: '1',
      description:
        'For the people who run the bus and are accountable for it. A role belongs to an organisation and sees its own organisation only.',
    },
    servers: [{ url: publicUrl }],
    security: [{ token: [] }],
    paths: {
      '/api/throughput': get(
        'Events a second',
        'Rates of each organisation, and the last quarter of an hour',
      ),
      '/api/lag': get('Lag', 'Events and seconds behind: exchange, subscriptions, event types'),
      '/api/dead-letters': get('Dead letters', 'In all, by reason, and the newest 200 that match', [
        parameter('organisation', 'The organisation it belongs to'),
        parameter('component', 'The component that gave it up'),
        parameter('reason', 'Reason code'),
        parameter('type', 'Event type'),
        parameter('state', 'waiting, asked, done, withheld or failed'),
        parameter('after', 'Continue after `<time>/<organisation>/<offset>`'),
      ]),
      '/api/dead-letters/redrive': {
        post: withBody('Redrive dead letters', redrive, {
          200: ok('A dry run: how many, by reason'),
          202: ok('Requested: the batch and how many'),
        }),
      },
      '/api/dead-letters/redrives/{batch}': get('Result of a redrive', 'In all and record by record', [
        inPath('batch'),
      ]),
      '/api/agreements': get('Agreements', 'Those that the caller is a party to'),
      '/api/agreements/{id}': {
        ...get('One agreement', 'All versions; use the ETag in If-Match', [inPath('id')]),
        put: withBody(
          'Load a new version',
          { type: 'object', description: 'The agreement, as JSON or YAML' },
          {
            201: ok('Loaded'),
            412: problem('It has been changed since'),
            428: problem('If-Match is missing'),
          },
          [inPath('id')],
        ),
      },
      '/api/agreements/{id}/status': {
        post: withBody('Activate, suspend or end', status, { 200: ok('The current agreement') }, [
          inPath('id'),
        ]),
      },
      '/api/cases': get(
        'Interests and safeguards',
        'What the caller’s organisation has registered about people: by reason, and the newest 1,000 by case reference. The request is recorded.',
        [
          parameter('organisation', 'The organisation it belongs to'),
          parameter('kind', 'interest or safeguard'),
          parameter('reason', 'Reason code'),
          parameter('writer', 'The adapter or service that maintains it'),
          parameter('after', 'Continue after `<time>/<key>`'),
        ],
      ),
      '/api/disclosures/search': {
        post: withBody('Search all decisions about a person', person, {
          200: ok('Decisions of the caller’s organisation, newest first'),
        }),
      },
    },
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      schemas: {
        Problem: {
          type: 'object',
          description: 'RFC 9457',
          required: ['type', 'title', 'status'],
          properties: { type: word, title: word, status: { type: 'integer' }, detail: word },
        },
      },
    },
  };
}
