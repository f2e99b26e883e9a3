import { answer, json, object, openApiDocument, parameter, problem } from '@causeway/runtime/service/openapi';

/** The console's API as OpenAPI 3.1. The pages use the same functions. */
export function openApi(publicUrl: string) {
  const ok = (description: string) => answer(description, { type: 'object' });
  const refusals = {
    401: problem('No access token, or one that is not valid here'),
    403: problem('The role or organisation may not do this'),
    503: problem('A service that this needs does not respond; try again'),
  };
  const word = { type: 'string' };
  const inQuery = (name: string, description: string) => parameter(name, description, word);
  const inPath = (name: string) => ({ name, in: 'path', required: true, schema: word });
  const filter = {
    type: 'object',
    description: 'Of the caller’s own side. Without a state, only those waiting.',
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
  const status = object(
    { status: { enum: ['active', 'suspended', 'ended'] }, reason: word, version: { type: 'integer' } },
    ['status', 'reason'],
  );
  const redrive = object(
    {
      filter,
      dryRun: { type: 'boolean', default: false },
      reason: { type: 'string', maxLength: 500 },
    },
    ['filter'],
  );
  const person = object({ scheme: { enum: ['nhs', 'upn', 'pnc', 'cro'] }, value: word, reason: word });
  return openApiDocument(
    {
      title: 'Causeway console',
      version: '1',
      description:
        'For operators and information governance. A role belongs to an organisation and sees only its own side.',
    },
    {
      servers: [{ url: publicUrl }],
      security: [{ token: [] }],
      paths: {
        '/api/throughput': get(
          'Events a second',
          'Rates of each organisation, and the last quarter of an hour',
        ),
        '/api/lag': get('Lag', 'Events and seconds: of the exchange, by subscription and by type'),
        '/api/dead-letters': get('Dead letters', 'Total, by reason, and the newest 200 that match', [
          inQuery('organisation', 'Organisation'),
          inQuery('component', 'Component that gave it up'),
          inQuery('reason', 'Reason code'),
          inQuery('type', 'Event type'),
          inQuery('state', 'waiting, asked, done, withheld or failed'),
          inQuery('after', 'Continue after `<time>/<organisation>/<offset>`'),
        ]),
        '/api/dead-letters/redrive': {
          post: withBody('Redrive dead letters', redrive, {
            200: ok('A dry run: how many, by reason'),
            202: ok('Requested: the batch and how many'),
          }),
        },
        '/api/dead-letters/redrives/{batch}': get('Get the outcome of a redrive', 'Total and by record', [
          inPath('batch'),
        ]),
        '/api/agreements': get('Agreements', 'Those that the caller is a party to'),
        '/api/agreements/{id}': {
          ...get('One agreement', 'All its versions; the ETag is for If-Match', [inPath('id')]),
          put: withBody(
            'Load a new version',
            { type: 'object', description: 'The agreement, as JSON or YAML' },
            {
              201: ok('Loaded'),
              412: problem('Changed since it was read'),
              428: problem('If-Match is missing'),
            },
            [inPath('id')],
          ),
        },
        '/api/agreements/{id}/status': {
          post: withBody('Activate, suspend or end', status, { 200: ok('The agreement as it is now') }, [
            inPath('id'),
          ]),
        },
        '/api/cases': get(
          'Interests and safeguards',
          'Interests and safeguards of the caller’s organisation: by reason, and the newest 1,000 by case reference. The access is recorded.',
          [
            inQuery('organisation', 'Organisation'),
            inQuery('kind', 'interest or safeguard'),
            inQuery('reason', 'Reason code'),
            inQuery('writer', 'Adapter or service that maintains it'),
            inQuery('after', 'Continue after `<time>/<key>`'),
          ],
        ),
        '/api/disclosures/search': {
          post: withBody('Search all decisions about a person', person, {
            200: ok('Decisions of the caller’s side, newest first'),
          }),
        },
      },
      components: {
        securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
        schemas: {
          Problem: object(
            { type: word, title: word, status: { type: 'integer' }, detail: word },
            ['type', 'title', 'status'],
            { description: 'RFC 9457' },
          ),
        },
      },
    },
  );
}
