import { RetryableError } from '@causeway/runtime/errors';
import type { Logger } from '@causeway/runtime/telemetry/log';
import express, { type Request, type Response, type Router } from 'express';
import type { Person } from '../access/viewer.ts';
import type { Pages } from '../web/pages.ts';
import type { Cookies } from './cookies.ts';
import { type IdentityProvider, isLoopback } from './identity-provider.ts';
import { ATTEMPT_MS, isOwnForm, ownPath, SESSION_MS, type Sessions } from './session.ts';

type SignInParts = {
  provider: IdentityProvider;
  sessions: Sessions;
  cookies: Cookies;
  pages: Pages;
  log: Logger;
  /** The address that browsers know the console by; known once it listens. */
  publicUrl: () => URL;
  production: boolean;
  /** Paths one may return to after log-in. */
  ownPages: readonly string[];
};

const CALLBACK = '/sign-in/callback';

/** `/sign-in`, its return, `/sign-out` and the page that it ends on. */
export function signInRoutes(parts: SignInParts): Router {
  const router = express.Router();
  router.get('/sign-in', (req, res) => begin(parts, req, res));
  router.get(CALLBACK, (req, res) => finish(parts, req, res));
  router.post('/sign-out', express.urlencoded({ extended: false, limit: '2kb' }), (req, res) =>
    signOut(parts, req, res),
  );
  router.get('/signed-out', async (_req, res) => {
    const providerUrl = await parts.provider.endSessionUrl();
    parts.pages.send(res, 200, 'signed-out.njk', { providerUrl: providerUrl?.href });
  });
  return router;
}

/**
 * Why a person known to the provider may not use the console, or undefined if they may.
 *
 * A role belongs to an organisation. Without one it would reach every organisation's data: on a developer's
 * machine that is convenient, in production it is refused.
 */
export function refusalOf(person: Pick<Person, 'roles' | 'organisation'>, production: boolean) {
  if (person.roles.length === 0) return 'no-role';
  if (production && person.organisation === undefined) return 'no-organisation';
  return undefined;
}

async function begin(parts: SignInParts, req: Request, res: Response): Promise<void> {
  const { provider, sessions, cookies, pages, publicUrl, ownPages, log } = parts;
  const home = ownPages[0] ?? '/';
  const returnTo = ownPath(req.query.return, ownPages, home);
  const canonical = onOtherLoopbackName(req, publicUrl());
  if (canonical) {
    res.redirect(303, new URL(`/sign-in?${new URLSearchParams({ return: returnTo })}`, publicUrl()).href);
    return;
  }
  try {
    const { url, attempt } = await provider.start(new URL(CALLBACK, publicUrl()).href, returnTo);
    cookies.write(res, 'log-in', await sessions.beginAttempt(attempt), ATTEMPT_MS);
    res.redirect(303, url.href);
  } catch (error) {
    if (!(error instanceof RetryableError)) throw error;
    log.warn({ event: 'sign_in.unavailable', err: error }, 'Sign-in could not start');
    pages.send(res, 503, 'sign-in-unavailable.njk', {});
  }
}

async function finish(parts: SignInParts, req: Request, res: Response): Promise<void> {
  const { provider, sessions, cookies, pages, publicUrl, log, production } = parts;
  const attempt = await sessions.openAttempt(cookies.read(req, 'log-in'));
  cookies.clear(res, 'log-in');
  if (attempt === undefined) return pages.send(res, 400, 'sign-in-again.njk', {});

  const person = await provider.finish(new URL(req.originalUrl, publicUrl()), attempt).catch((error) => {
    log.warn({ event: 'sign_in.refused', code: error?.code, err: error?.message }, 'Sign-in refused');
    return undefined;
  });
  if (person === undefined) return pages.send(res, 400, 'sign-in-again.njk', {});

  const refusal = refusalOf(person, production);
  if (refusal !== undefined) {
    log.warn({ event: 'sign_in.refused', refusal }, 'Sign-in refused');
    return pages.send(res, 403, 'no-access.njk', { refusal });
  }
  cookies.write(res, 'session', await sessions.begin(person), SESSION_MS);
  res.redirect(303, attempt.returnTo);
}

async function signOut(
  { sessions, cookies, pages }: SignInParts,
  req: Request,
  res: Response,
): Promise<void> {
  const session = await sessions.open(cookies.read(req, 'session'));
  if (session !== undefined && !isOwnForm(session, req.body?.csrf)) {
    return pages.send(res, 403, 'form-refused.njk', { session });
  }
  if (session !== undefined) sessions.end(session);
  cookies.clear(res, 'session');
  res.redirect(303, '/signed-out');
}

/** `localhost` and `127.0.0.1` are different hosts to a browser's cookies, yet the same console to a person. */
function onOtherLoopbackName(req: Request, publicUrl: URL): boolean {
  const asked = URL.parse(`${publicUrl.protocol}//${req.headers.host ?? ''}`);
  return asked !== null && asked.host !== publicUrl.host && isLoopback(asked) && isLoopback(publicUrl);
}
