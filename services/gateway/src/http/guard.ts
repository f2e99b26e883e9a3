import {
  type Access,
  type AccessVerifier,
  requireOrganisation,
  requireScope,
} from '@causeway/runtime/service/access-token';
import { Problem } from '@causeway/runtime/service/http-server';
import type { Request, RequestHandler, Response } from 'express';
import { ipKeyGenerator, rateLimit } from 'express-rate-limit';
import { auditOf } from './audit.ts';

export type Scope = 'events:read' | 'events:write' | 'subscriptions:manage';

/** Who calls, and for which organisation. */
export type Caller = Access & { organisation: string };

/** What stands before each route: the token, its scope, the organisation, and the client's share of the service. */
export type Guard = (scope: Scope) => RequestHandler[];

const WINDOW_S = 10;

/**
 * Checks each request before its route sees it.
 * @param requestsPerSecond per client of the OpenID provider, measured over 10 s
 */
export const createGuard = (access: AccessVerifier, requestsPerSecond: number): Guard => {
  const limiter = rateLimit({
    windowMs: WINDOW_S * 1_000,
    limit: requestsPerSecond * WINDOW_S,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    identifier: 'client',
    keyGenerator: (_request, response) =>
      callerOf(response as Response).clientId || ipKeyGenerator(_request.ip ?? ''),
    handler: (request) => {
      const { resetTime } = (request as Request & { rateLimit: { resetTime?: Date } }).rateLimit;
      throw tooManyRequests(resetTime === undefined ? WINDOW_S : (resetTime.getTime() - Date.now()) / 1_000);
    },
  });
  return (scope) => {
    const identify: RequestHandler = async (request, response, next) => {
      const audit = auditOf(response);
      audit.route = request.route.path;
      const caller = await access.verify(request.headers.authorization);
      audit.client = caller.clientId;
      requireScope(caller, scope);
      const organisation = requireOrganisation(caller);
      audit.organisation = organisation;
      response.locals.caller = { ...caller, organisation } satisfies Caller;
      next();
    };
    return [identify, limiter];
  };
};

/** The caller of a request that has passed the guard. */
export const callerOf = (response: Response): Caller => response.locals.caller as Caller;

const tooManyRequests = (seconds: number): Problem =>
  new Problem(
    429,
    'too-many-requests',
    'Too many requests',
    'Wait for the time in Retry-After. Request more events at once, or use the stream.',
    {},
    { 'retry-after': String(Math.max(1, Math.ceil(seconds))) },
  );
