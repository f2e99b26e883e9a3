/** What the paths of the OpenAPI document are made of. */

export const parameter = (name: string, description: string, schema: object, where = 'query') => ({
  name,
  in: where,
  description,
  schema,
  ...(where === 'path' && { required: true }),
});

export const text = (description: string, more: object = {}) => ({ type: 'string', description, ...more });
export const time = (description: string) => text(description, { format: 'date-time' });
export const schema = (name: string) => ({ $ref: `#/components/schemas/${name}` });
export const json = (content: object, mediaType = 'application/json') => ({
  [mediaType]: { schema: content },
});

const RETRY_AFTER = {
  'Retry-After': {
    required: true,
    description: 'Seconds to wait',
    schema: { type: 'integer', minimum: 1 },
  },
};

const STATUSES: Record<number, { description: string; headers?: object }> = {
  400: {
    description:
      '`invalid-parameter`: the member parameters names each fault. `invalid-cursor`: the cursor is not one of this organisation. `invalid-json`, `invalid-body`: the body cannot be read.',
  },
  401: {
    description: '`invalid-token`: no access token, or one that is not accepted here',
    headers: {
      'WWW-Authenticate': { description: 'What is wrong with the token', schema: { type: 'string' } },
    },
  },
  403: {
    description:
      '`insufficient-scope`; `organisation-required`: the token has no organisation; `organisation-unknown`: it has no topics here',
  },
  404: { description: '`not-found`: there is nothing of this kind for the caller' },
  406: { description: '`not-acceptable`' },
  408: { description: '`request-time-out`: the request did not arrive in time' },
  409: { description: '`conflict`' },
  410: {
    description:
      '`events-missed`: events behind this cursor were deleted before they were read. The member oldest is the cursor to go on with.',
  },
  413: { description: '`too-large`: the body is too large, or there is one where none is read' },
  414: { description: '`uri-too-long`' },
  415: { description: '`unsupported-media-type`' },
  422: { description: 'The request was understood and is refused; the members say why' },
  429: {
    description:
      '`too-many-requests` or `too-many-streams`: this client has had its share of the service for now',
    headers: RETRY_AFTER,
  },
  431: { description: '`headers-too-large`: address and headers are longer than 16 kB' },
  503: {
    description:
      '`unavailable` or `agreements-not-current`: nothing is done for the moment. The same request will succeed later.',
    headers: RETRY_AFTER,
  },
};

/** The refusals of a path, as problem details. */
export const problems = (...statuses: number[]) =>
  Object.fromEntries(
    statuses.map((status) => [
      status,
      { ...STATUSES[status], content: json(schema('Problem'), 'application/problem+json') },
    ]),
  );

/** What every path with an access token can answer. */
export const refusals = (...more: number[]) =>
  problems(...[400, 401, 403, 408, 413, 414, 429, 431, 503, ...more].sort((a, b) => a - b));
