import type { AccessVerifier } from '@causeway/runtime/service/access-token';
import { Problem } from '@causeway/runtime/service/http-server';
import express, { type Request, type RequestHandler, type Response } from 'express';
import { type BrowserSession, hasOne, type Role, rolesOf, type Viewer } from '../access/viewer.ts';
import type { Pages } from '../web/pages.ts';
import type { Cookies } from './cookies.ts';
import { isOwnForm, type Sessions } from './session.ts';
import { refusalOf } from './sign-in.ts';

export type Guard = ReturnType<typeof createGuard>;

type PageHandler = (req: Request, res: Response, session: BrowserSession) => void | Promise<void>;
type ApiHandler = (req: Request, res: Response, viewer: Viewer) => void | Promise<void>;

/** Two kinds of endpoint: pages need a session, the API takes a bearer token or, from the pages' scripts, a session. */
export function createGuard(parts: {
  sessions: Sessions;
  cookies: Cookies;
  access: AccessVerifier;
  pages: Pages;
  production: boolean;
}) {
  const { sessions, cookies, access, pages, production } = parts;

  const sessionOf = async (req: Request): Promise<BrowserSession | undefined> => {
    const session = await sessions.open(cookies.read(req, 'session'));
    return session !== undefined && refusalOf(session, production) === undefined ? session : undefined;
  };

  const viewerOf = async (req: Request): Promise<Viewer> => {
    if (req.headers.authorization === undefined) {
      const session = await sessionOf(req);
      if (session !== undefined) return ownRequest(req, session);
    }
    return await bearerOf(req);
  };

  const bearerOf = async (req: Request): Promise<Viewer> => {
    const { roles, organisation, subject } = await access.verify(req.headers.authorization);
    const viewer: Viewer = {
      subject,
      roles: rolesOf(roles),
      ...(organisation === undefined ? {} : { organisation }),
    };
    const refusal = refusalOf(viewer, production);
    if (refusal !== undefined) throw refused(refusal);
    return viewer;
  };

  const signInFirst = (res: Response, path: string) =>
    res.redirect(303, `/sign-in?${new URLSearchParams({ return: path })}`);

  return {
    /** A page for everybody who is signed in, or for those who have one of the roles. */
    page(handler: PageHandler, roles?: readonly Role[]): RequestHandler {
      return async (req, res) => {
        const session = await sessionOf(req);
        if (session === undefined) return signInFirst(res, req.originalUrl);
        if (!hasOne(session, roles)) return pages.send(res, 403, 'not-your-role.njk', { session });
        await handler(req, res, session);
      };
    },

    /** What a form of ours sends: only with the token of the session that it was made for. */
    form(handler: PageHandler, roles?: readonly Role[]): RequestHandler {
      return async (req, res) => {
        const session = await sessionOf(req);
        if (session === undefined) return signInFirst(res, req.path);
        await parsed(parseForm, req, res);
        if (!isOwnForm(session, req.body?.csrf)) return pages.send(res, 403, 'form-refused.njk', { session });
        if (!hasOne(session, roles)) return pages.send(res, 403, 'not-your-role.njk', { session });
        await handler(req, res, session);
      };
    },

    /** For a page's own script, which cannot follow a redirect to another host's log-in page. */
    stream(handler: PageHandler, roles?: readonly Role[]): RequestHandler {
      return async (req, res) => {
        const session = await sessionOf(req);
        if (session === undefined) throw new Problem(401, 'signed-out', 'Sign in to see this');
        if (!hasOne(session, roles)) throw wrongRole();
        await handler(req, res, session);
      };
    },

    api(handler: ApiHandler, roles?: readonly Role[]): RequestHandler {
      return async (req, res) => {
        const viewer = await viewerOf(req);
        if (!hasOne(viewer, roles)) throw wrongRole();
        await handler(req, res, viewer);
      };
    },

    /** A page for everybody, signed in or not. */
    anybody(
      handler: (req: Request, res: Response, session?: BrowserSession) => void | Promise<void>,
    ): RequestHandler {
      return async (req, res) => await handler(req, res, await sessionOf(req));
    },
  };
}

/** A browser sends the cookie along whoever wrote the page: what changes something needs the session's own token too. */
function ownRequest(req: Request, session: BrowserSession): BrowserSession {
  const reads = req.method === 'GET' || req.method === 'HEAD';
  if (reads || isOwnForm(session, req.headers['x-csrf-token'])) return session;
  throw new Problem(403, 'form-refused', 'The header x-csrf-token is missing or not that of this session');
}

const parseForm = express.urlencoded({ extended: false, limit: '256kb', parameterLimit: 2_000 });

/** Bodies are parsed after it is known who sends them. */
function parsed(parser: RequestHandler, req: Request, res: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    void parser(req, res, (error?: unknown) => (error ? reject(error) : resolve()));
  });
}

function wrongRole(): Problem {
  return new Problem(403, 'wrong-role', 'Your role does not allow this', 'Ask a person with the other role.');
}

function refused(refusal: 'no-role' | 'no-organisation'): Problem {
  const detail = {
    'no-role': 'The token carries neither of the roles operator and information-governance.',
    'no-organisation': 'The token names no organisation, and a role is valid for one organisation only.',
  }[refusal];
  return new Problem(403, refusal, 'This token may not use the console', detail);
}
