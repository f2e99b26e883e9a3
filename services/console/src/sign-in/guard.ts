import type { AccessVerifier } from '@causeway/runtime/access';
import { Problem } from '@causeway/runtime/http';
import type { Request, RequestHandler, Response } from 'express';
import type { Cookies } from './cookies.ts';
import { isOwnForm, type Person, rolesOf, type Session, type Sessions } from './session.ts';
import { refusalOf } from './sign-in.ts';

/** Who asks, and whose side he may see: that of one organisation, or in development of all. */
export type Viewer = Pick<Person, 'subject' | 'roles' | 'organisation'>;

export type Guard = ReturnType<typeof createGuard>;

type PageHandler = (req: Request, res: Response, session: Session) => void | Promise<void>;
type ApiHandler = (req: Request, res: Response, viewer: Viewer) => void | Promise<void>;

/** The two doors: pages want a session, the API takes a bearer token or, from the pages' scripts, a session. */
export function createGuard(parts: {
  sessions: Sessions;
  cookies: Cookies;
  access: AccessVerifier;
  production: boolean;
}) {
  const { sessions, cookies, access, production } = parts;

  const sessionOf = async (req: Request): Promise<Session | undefined> => {
    const session = await sessions.open(cookies.read(req, 'session'));
    return session !== undefined && refusalOf(session, production) === undefined ? session : undefined;
  };

  const viewerOf = async (req: Request): Promise<Viewer> => {
    if (req.headers.authorization === undefined) {
      const session = await sessionOf(req);
      if (session !== undefined) return ownRequest(req, session);
    }
    const { subject, roles, organisation } = await access.verify(req.headers.authorization);
    const viewer: Viewer = {
      subject,
      roles: rolesOf(roles),
      ...(organisation === undefined ? {} : { organisation }),
    };
    const refusal = refusalOf(viewer, production);
    if (refusal !== undefined) throw refused(refusal);
    return viewer;
  };

  return {
    page(handler: PageHandler): RequestHandler {
      return async (req, res) => {
        const session = await sessionOf(req);
        if (session !== undefined) return await handler(req, res, session);
        res.redirect(303, `/sign-in?${new URLSearchParams({ return: req.originalUrl })}`);
      };
    },

    /** For a page's own script, which cannot follow a redirect to another host's log-in page. */
    stream(handler: PageHandler): RequestHandler {
      return async (req, res) => {
        const session = await sessionOf(req);
        if (session === undefined) throw new Problem(401, 'signed-out', 'Sign in to see this');
        await handler(req, res, session);
      };
    },

    api(handler: ApiHandler): RequestHandler {
      return async (req, res) => await handler(req, res, await viewerOf(req));
    },
  };
}

/** A browser sends the cookie along whoever wrote the page: what changes something needs the session's own token too. */
function ownRequest(req: Request, session: Session): Session {
  const reads = req.method === 'GET' || req.method === 'HEAD';
  if (reads || isOwnForm(session, req.headers['x-csrf-token'])) return session;
  throw new Problem(403, 'form-refused', 'The header x-csrf-token is missing or not that of this session');
}

function refused(refusal: 'no-role' | 'no-organisation'): Problem {
  const detail = {
    'no-role': 'The token carries neither of the roles operator and information-governance.',
    'no-organisation': 'The token names no organisation, and a role is valid for one organisation only.',
  }[refusal];
  return new Problem(403, refusal, 'This token may not use the console', detail);
}
