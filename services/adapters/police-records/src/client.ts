/** The HTTP that records management systems speak to the adapter, and nothing of what documents mean. */
import type { AccessVerifier } from '@causeway/runtime/service/access-token';
import { type Access, requireOrganisation } from '@causeway/runtime/service/access-token';
import { notFound, Problem, problemHandler } from '@causeway/runtime/service/http-server';
import type { Logger } from '@causeway/runtime/telemetry/log';
import express, { type Express, type RequestHandler, type Response } from 'express';
import { ipKeyGenerator, rateLimit } from 'express-rate-limit';
import helmet from 'helmet';
import type { Intake } from './intake.ts';
import { keyOf, type StoredAnswer } from './report-store.ts';

const MAX_BODY = 1_048_576;
/** Either scope: the one of this endpoint, or the one with which the same system may publish at the gateway. */
const SCOPES = ['incidents:write', 'events:write'];
const MAX_URL = 2_048;
const MAX_UNDER_WAY = 1_000;
const WINDOW_S = 10;
const TAKEN_MS = 30_000;

type IngressParts = {
  organisation: string;
  access: AccessVerifier;
  /** Client ids of the systems that may send; undefined for any of the organisation's. */
  clients: readonly string[] | undefined;
  requestsPerSecond: number;
  intake: Pick<Intake, 'handle'>;
  openApi: unknown;
  log: Logger;
};

export const createIngress = (parts: IngressParts): Express => {
  const app = express();
  app
    .set('etag', false)
    .set('query parser', false)
    .set('strict routing', true)
    .set('case sensitive routing', true);
  app.use(helmet(), takenInTime, (request, response, next) => {
    response.set('cache-control', 'no-store');
    if (request.url.length > MAX_URL) throw new Problem(414, 'uri-too-long', 'The address is too long');
    next();
  });
  app.post(
    '/v1/incidents',
    roomFor(MAX_UNDER_WAY),
    identify(parts),
    limited(parts.requestsPerSecond),
    typed,
    express.raw({ type: () => true, limit: MAX_BODY }),
    post(parts.intake),
  );
  app.all('/v1/incidents', allowing('POST'));
  app.get('/openapi.json', (_request, response) => void response.json(parts.openApi));
  app.all('/openapi.json', allowing('GET', 'HEAD'));
  app.use(notFound(), problemHandler(parts.log));
  return app;
};

const retryAfter = (seconds: number) => ({ 'retry-after': String(seconds) });

/** More under way than this are told to come again, so that all that were let in are answered in time. */
const roomFor = (most: number): RequestHandler => {
  let underWay = 0;
  return (_request, response, next) => {
    if (underWay >= most)
      throw new Problem(
        503,
        'busy',
        'Too much at one time',
        'Send it again after a second.',
        {},
        retryAfter(1),
      );
    underWay += 1;
    response.once('close', () => {
      underWay -= 1;
    });
    next();
  };
};

const identify =
  ({ access, organisation, clients }: IngressParts): RequestHandler =>
  async (request, response, next) => {
    const caller = await access.verify(request.headers.authorization);
    if (!SCOPES.some((scope) => caller.scopes.includes(scope))) throw scopeMissing();
    if (requireOrganisation(caller) !== organisation)
      throw new Problem(
        403,
        'other-organisation',
        'The access token is for another organisation',
        'This endpoint takes documents of one force. Use a token that was issued for a system of this force.',
      );
    if (clients !== undefined && !clients.includes(caller.clientId))
      throw new Problem(
        403,
        'client-not-allowed',
        'This system may not send here',
        'Ask the operator of this adapter to add the client id.',
      );
    response.locals.caller = caller;
    next();
  };

const callerOf = (response: Response): Access => response.locals.caller as Access;

const scopeMissing = () =>
  new Problem(
    403,
    'insufficient-scope',
    'Scope missing',
    `This needs an access token with the scope ${SCOPES[0]}.`,
    { scope: SCOPES[0] },
    { 'www-authenticate': `Bearer realm="causeway", error="insufficient_scope", scope="${SCOPES[0]}"` },
  );

const limited = (requestsPerSecond: number): RequestHandler =>
  rateLimit({
    windowMs: WINDOW_S * 1_000,
    limit: requestsPerSecond * WINDOW_S,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    identifier: 'client',
    keyGenerator: (request, response) =>
      callerOf(response as Response).clientId || ipKeyGenerator(request.ip ?? ''),
    handler: () => {
      const detail = 'Wait as long as Retry-After says.';
      throw new Problem(429, 'too-many-requests', 'Too many requests', detail, {}, retryAfter(WINDOW_S));
    },
  });

const TYPES = /^application\/(json|vnd\.api\+json)$/;

const typed: RequestHandler = (request, _response, next) => {
  const [type = '', ...parameters] = (request.headers['content-type'] ?? '').split(';');
  const charset = parameters.map((one) => /^\s*charset\s*=\s*"?([^"]*)"?\s*$/i.exec(one)?.[1]).find(Boolean);
  if (!TYPES.test(type.trim().toLowerCase()) || (charset !== undefined && charset.toLowerCase() !== 'utf-8'))
    throw new Problem(
      415,
      'unsupported-media-type',
      'Unsupported Media Type',
      'Send application/vnd.api+json or application/json in UTF-8.',
      {},
      // The rest of the body would otherwise be read to keep the connection.
      { connection: 'close', 'accept-post': 'application/vnd.api+json, application/json' },
    );
  next();
};

/** Printable and short, as it stands or as a quoted string. */
const KEY = /^[\x21-\x7e]{1,255}$/;

const post =
  (intake: IngressParts['intake']): RequestHandler =>
  async (request, response) => {
    const header = request.headers['idempotency-key'];
    if (header !== undefined && (typeof header !== 'string' || !KEY.test(header)))
      throw new Problem(
        400,
        'invalid-idempotency-key',
        'The idempotency key is not one',
        'Send 1 to 255 printable ASCII characters without spaces, such as a UUID.',
      );
    const raw = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const { clientId } = callerOf(response);
    send(response, await intake.handle({ client: clientId, key: keyOf(header, raw), raw }));
  };

const send = (response: Response, { status, body }: StoredAnswer): void => {
  response.status(status);
  // Not through express, which would add a charset that the media types do not have.
  response.setHeader('content-type', status < 300 ? 'application/json' : 'application/problem+json');
  response.end(JSON.stringify(body));
};

/** Cuts off whoever does not take its answer. */
const takenInTime: RequestHandler = (_request, response, next) => {
  response.once('prefinish', () => {
    if (response.closed) return;
    const late = setTimeout(() => response.destroy(), TAKEN_MS);
    response.once('close', () => clearTimeout(late));
  });
  next();
};

const allowing =
  (...methods: string[]): RequestHandler =>
  () => {
    const allow = methods.join(', ');
    throw new Problem(405, 'method-not-allowed', 'Method not allowed', `Use ${allow}.`, {}, { allow });
  };
