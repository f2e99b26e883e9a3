import { Problem } from '@causeway/runtime/service/http-server';
import type { RequestHandler } from 'express';
import { auditOf } from './audit.ts';

const MAX_URL = 4_096;

/** Closes the connection of a client that does not receive the whole response within `ms`: it is kept in memory until then. */
export const takenInTime =
  (ms: number): RequestHandler =>
  (_request, response, next) => {
    response.once('prefinish', () => {
      // The client has gone.
      if (response.closed) return;
      const late = setTimeout(() => {
        auditOf(response).ended = 'too-slow';
        response.destroy();
      }, ms);
      response.once('close', () => clearTimeout(late));
    });
    next();
  };

/** Nothing that this service reads has a long address, or one with a NUL, which the database does not take for text. */
export const limited: RequestHandler = (request, _response, next) => {
  if (request.url.length > MAX_URL) {
    throw new Problem(
      414,
      'uri-too-long',
      'The address is too long',
      `At most ${MAX_URL} characters are read.`,
    );
  }
  if (request.path.includes('%00')) throw new Problem(404, 'not-found', 'There is nothing at this address');
  next();
};

export const noTopics = () =>
  new Problem(
    403,
    'organisation-unknown',
    'This organisation does not take part in this service',
    'The organisation in the access token has no topics here. Ask the operator of this service to add it.',
  );
