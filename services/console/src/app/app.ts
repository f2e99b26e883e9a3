import { RetryableError } from '@causeway/runtime/errors';
import type { Database } from '@causeway/runtime/postgres/database';
import type { AccessVerifier } from '@causeway/runtime/service/access-token';
import { Problem, problemHandler } from '@causeway/runtime/service/http-server';
import type { Logger } from '@causeway/runtime/telemetry/log';
import express, { type ErrorRequestHandler, type Express, type Response } from 'express';
import helmet from 'helmet';
import type { AgreementService } from '../agreements/agreement-service.ts';
import { agreementsApi } from '../agreements/agreements-api.ts';
import { agreementsRoutes } from '../agreements/agreements-page.ts';
import { type CasesParts, casesRoutes } from '../cases/cases-page.ts';
import { type Checkpoints, checkpointsApi } from '../checkpoints/checkpoints-api.ts';
import { disclosuresApi } from '../disclosures/disclosures-api.ts';
import { disclosuresRoutes } from '../disclosures/disclosures-page.ts';
import type { Disclosures } from '../disclosures/search.ts';
import {
  type FailureParts,
  type FailureReaders,
  failuresApi,
  failuresRoutes,
} from '../failures/failures-page.ts';
import { flowRoutes } from '../flow/flow-page.ts';
import type { FlowTotal } from '../flow/flow-totals.ts';
import type { FlowReaders } from '../flow/flow-view.ts';
import { lagRoutes } from '../lag/lag-page.ts';
import type { LagReaders } from '../lag/lag-view.ts';
import { createEventStreams, createLiveStreams } from '../live/live-streams.ts';
import type { Measurement } from '../measurement/measurement.ts';
import { overviewRoutes } from '../overview/overview-page.ts';
import type { OverviewReaders } from '../overview/overview-view.ts';
import { registerRoutes } from '../register/register-page.ts';
import { createCookies } from '../sign-in/cookies.ts';
import { createGuard } from '../sign-in/guard.ts';
import type { IdentityProvider } from '../sign-in/identity-provider.ts';
import { createSessions } from '../sign-in/session.ts';
import { signInRoutes } from '../sign-in/sign-in.ts';
import { throughputRoutes } from '../throughput/throughput-page.ts';
import { valueRoutes } from '../value/value-page.ts';
import { assetRoutes } from '../web/assets.ts';
import { HOME, NAVIGATION } from '../web/navigation.ts';
import { createPages, type Pages } from '../web/pages.ts';
import { openApi } from './openapi.ts';

/** What the pages read, each its own part of it. */
export type AppReaders = OverviewReaders &
  FlowReaders &
  FailureReaders &
  LagReaders & { store: Pick<Database, 'query' | 'transaction'> };

export type AppParts = {
  provider: IdentityProvider;
  access: AccessVerifier;
  measurement: Pick<Measurement, 'now' | 'onLook'>;
  agreements: AgreementService;
  checkpoints: Checkpoints;
  readers: AppReaders;
  failures: Pick<FailureParts, 'codec' | 'reader' | 'producer' | 'ledger'>;
  cases: CasesParts;
  flowTotals: () => FlowTotal[] | undefined;
  disclosures: Disclosures;
  sessionKeys: readonly string[];
  publicUrl: () => URL;
  /** Whether browsers reach the console over HTTPS only. */
  secure: boolean;
  production: boolean;
  log: Logger;
  clock: () => number;
  signal: AbortSignal;
};

/** The console's HTTP side, without a port and without Kafka. */
export function createApp(parts: AppParts): Express {
  const { production, log, clock } = parts;
  const pages = createPages();
  const sessions = createSessions(parts.sessionKeys, clock);
  const cookies = createCookies(parts.secure);
  const guard = createGuard({ sessions, cookies, access: parts.access, pages, production });

  const app = express();
  app.disable('x-powered-by');
  app.use(protection(parts.secure));
  app.use((req, _res, next) => {
    // The database takes no NUL for text, and nothing of ours is called so.
    next(req.url.includes('%00') ? nothingHere() : undefined);
  });
  app.use('/assets', assetRoutes());
  app.get('/', (_req, res) => res.redirect(303, HOME));
  app.use(
    signInRoutes({
      ...parts,
      pages,
      sessions,
      cookies,
      ownPages: [HOME, ...NAVIGATION.map(({ path }) => path)],
    }),
  );
  const live = { onLook: parts.measurement.onLook, clock, signal: parts.signal };
  const stream = createLiveStreams(createEventStreams(live));
  const shared = { ...parts, guard, pages, stream, openStream: createEventStreams(live) };
  app.use(overviewRoutes(shared));
  app.use(flowRoutes(shared));
  app.use(throughputRoutes(shared));
  app.use(lagRoutes(shared));
  app.use(failuresRoutes({ ...shared, ...parts.failures }));
  app.use(failuresApi({ ...shared, ...parts.failures }));
  app.get('/api/openapi.json', (_req, res) => void res.json(openApi(parts.publicUrl().origin)));
  app.use(agreementsRoutes(shared));
  app.use(valueRoutes(shared));
  app.use(registerRoutes(shared));
  app.use(agreementsApi(shared));
  app.use(checkpointsApi(shared));
  app.use(casesRoutes({ ...shared, ...parts.cases }));
  app.use(disclosuresRoutes(shared));
  app.use(disclosuresApi(shared));
  app.use((req, res) => {
    if (isForPrograms(req.path)) throw nothingHere();
    pages.send(res, 404, 'not-found.njk', {});
  });
  app.use(errorPage(pages, log));
  return app;
}

/** Only our own scripts and styles run, nothing is sent elsewhere, and no site may frame a page. */
function protection(secure: boolean) {
  const self = ["'self'"];
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: self,
        styleSrc: self,
        imgSrc: self,
        connectSrc: self,
        formAction: self,
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
        objectSrc: ["'none'"],
      },
    },
    referrerPolicy: { policy: 'same-origin' },
    strictTransportSecurity: secure ? { maxAge: 31_536_000, includeSubDomains: false } : false,
  });
}

function isForPrograms(path: string): boolean {
  return path.startsWith('/api/') || path.endsWith('/stream');
}

const nothingHere = () => new Problem(404, 'not-found', 'Nothing was found at this address');

/** What is wrong with the request itself, as express and our own refusals say it. */
const isTheCallers = (error: unknown): error is Error & { status: number } =>
  error instanceof Error &&
  'status' in error &&
  typeof error.status === 'number' &&
  error.status >= 400 &&
  error.status <= 499;

/** People get a page; programs get problem+json. */
function errorPage(pages: Pages, log: Logger): ErrorRequestHandler {
  const asProblem = problemHandler(log);
  const unavailable = (error: RetryableError, res: Response) => {
    log.warn({ event: 'page.unavailable', code: error.code }, 'Page unavailable');
    const database = error.code.startsWith('database');
    pages.send(res, 503, 'unavailable.njk', { database });
  };
  return (error, req, res, next) => {
    if (isForPrograms(req.path) || res.headersSent) return asProblem(error, req, res, next);
    if (error instanceof RetryableError) return unavailable(error, res);
    if (isTheCallers(error)) return pages.send(res, error.status, 'not-found.njk', {});
    const instance = crypto.randomUUID();
    log.error({ event: 'request.failed', err: error, instance, route: req.route?.path }, 'Page failed');
    pages.send(res, 500, 'error.njk', { instance });
  };
}
