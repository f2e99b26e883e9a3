import { withTimeout } from '@causeway/runtime/async/timeout';
import { ukDate } from '@causeway/runtime/disclosure/release-decision';
import type { Agreements } from '@causeway/runtime/reference-data/agreements';
import { Problem } from '@causeway/runtime/service/http-server';
import type { VersionState } from '@causeway/schemas/agreements/log';
import { jsonSchemaOf } from '@causeway/schemas/avro/json-schema';
import { isFeedback } from '@causeway/schemas/catalogue/event-type';
import type { Express, RequestHandler, Response } from 'express';
import { callerOf, type Guard } from '../http/guard.ts';
import { parametersOf } from '../http/query.ts';
import { bodyless, route, routed } from '../http/route.ts';
import type { Types } from '../publishing/types.ts';
import { asyncApi, type Served } from './asyncapi.ts';
import { type CatalogueQuestion, catalogueOf, viewsOf } from './catalogue.ts';
import { receivedSchema, wholeSchema } from './event-schema.ts';

export type CatalogueParts = {
  agreements: Pick<Agreements, 'state' | 'caughtUp'>;
  types: Pick<Types, 'all' | 'get'>;
  served: Served;
  now(): number;
};

const CAUGHT_UP_MS = 3_000;
export const catalogueRoutes = (app: Express, guard: Guard, parts: CatalogueParts): void => {
  const reading = [bodyless, ...guard('events:read')];
  route(app, '/v1/catalogue', { get: [...reading, getCatalogue(parts)] });
  route(app, '/v1/asyncapi.json', { get: [...reading, getAsyncApi(parts)] });
  route(app, '/v1/agreements', { get: [...reading, getAgreements(parts)] });
  route(app, '/v1/agreements/:id/:version', { get: [...reading, getAgreement(parts)] });
  route(app, '/v1/schemas/received/:source/:type', { get: [...reading, getReceivedSchema(parts)] });
  route(app, '/v1/schemas/events', { get: [bodyless, routed, getEventTypes(parts)] });
  route(app, '/v1/schemas/events/:type', { get: [bodyless, routed, getEventSchema(parts)] });
};

const questionOf = async (
  { agreements, types, now }: CatalogueParts,
  response: Response,
): Promise<CatalogueQuestion> => {
  await withTimeout(CAUGHT_UP_MS, 'agreements', agreements.caughtUp);
  return {
    state: agreements.state(),
    types: types.all(),
    organisation: callerOf(response).organisation,
    today: ukDate(new Date(now())),
  };
};

/** GET /v1/catalogue */
const getCatalogue =
  (parts: CatalogueParts): RequestHandler =>
  async (_request, response) => {
    response.json(catalogueOf(await questionOf(parts, response)));
  };

/** GET /v1/asyncapi.json */
const getAsyncApi =
  (parts: CatalogueParts): RequestHandler =>
  async (_request, response) => {
    response.json(asyncApi(await questionOf(parts, response), parts.served));
  };

/** GET /v1/agreements: every version that the caller's organisation is a party to. */
const getAgreements =
  (parts: CatalogueParts): RequestHandler =>
  async (_request, response) => {
    const { state, organisation } = await questionOf(parts, response);
    const own = [...state.versions.values()].filter((version) => isParty(version, organisation));
    response.json({
      agreements: own.map(({ status, record: { id, version, agreement } }) => ({
        id,
        version,
        status,
        title: agreement.title,
        from: agreement.from,
        to: agreement.to,
      })),
    });
  };

/** GET /v1/agreements/:id/:version: for its parties; 404 for every other organisation. */
const getAgreement =
  (parts: CatalogueParts): RequestHandler<{ id: string; version: string }> =>
  async (request, response) => {
    const { state, organisation } = await questionOf(parts, response);
    const { id, version } = request.params;
    const found = state.versions.get(`${id}/${version}`);
    if (found === undefined || !isParty(found, organisation)) throw nothing('agreement of your organisation');
    const { agreement, release, digest, at } = found.record;
    response.json({ ...agreement, status: found.status, released: release, digest, loadedAt: at });
  };

const isParty = ({ record: { agreement } }: VersionState, organisation: string): boolean =>
  agreement.from === organisation || agreement.to.includes(organisation);

/** GET /v1/schemas/received/:source/:type: what the caller receives of a type, as JSON Schema or in Avro. */
const getReceivedSchema =
  (parts: CatalogueParts): RequestHandler<{ source: string; type: string }> =>
  async (request, response) => {
    const format = formatOf(request.url);
    const { source, type } = request.params;
    const question = await questionOf(parts, response);
    const view = viewsOf(question).find((one) => one.from === source && one.eventType.type === type);
    if (view !== undefined) response.json(format === 'avro' ? view.schema : receivedSchema(view));
    else {
      const whole = isFeedback(type) ? parts.types.get(type) : undefined;
      if (whole === undefined) throw nothing('event type that your organisation receives from there');
      response.json(format === 'avro' ? whole.schema : wholeSchema(whole.schema));
    }
  };

/** GET /v1/schemas/events: every event type. Holds no personal data, so it needs no token. */
const getEventTypes =
  ({ types }: CatalogueParts): RequestHandler =>
  (_request, response) => {
    response.json({
      types: types.all().map(({ type, title, schema, defaultPriority }) => ({
        type,
        title,
        description: schema.doc ?? '',
        priority: defaultPriority,
      })),
    });
  };

/** GET /v1/schemas/events/:type: an event type as a source publishes it. */
const getEventSchema =
  ({ types }: CatalogueParts): RequestHandler<{ type: string }> =>
  (request, response) => {
    const format = formatOf(request.url);
    const found = types.get(request.params.type);
    if (found === undefined) throw nothing('event type');
    response.json(format === 'avro' ? found.schema : jsonSchemaOf(found.schema, 'published'));
  };

const formatOf = (url: string): 'json' | 'avro' => {
  const query = parametersOf(url, ['format']);
  const format = query.get('format') ?? 'json';
  if (format !== 'json' && format !== 'avro') query.fault('format', 'Give json or avro.');
  return query.checked(format === 'avro' ? 'avro' : 'json');
};

const nothing = (what: string) => new Problem(404, 'not-found', `Not found: ${what}`);
