import { Problem } from '@causeway/runtime/service/http-server';
import express, { type RequestHandler } from 'express';
import { auditOf } from './audit.ts';

const MAX_URL = 4_096;

/** Cuts off whoever does not take a whole answer within `ms`: it is kept in memory until then. */
export const takenInTime =
  (ms: number): RequestHandler =>
  (_request, response, next) => {
    response.once('prefinish', () => {
      // Nobody is there any more to take it.
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

/** For what is asked without a body. */
export const bodyless: RequestHandler = (request, _response, next) => {
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers;
  if (encoding !== undefined || Number(length) > 0) {
    const detail = 'Send the request without a body.';
    // The rest of the body would otherwise be read to keep the connection.
    throw new Problem(413, 'too-large', 'No body is read here', detail, {}, { connection: 'close' });
  }
  next();
};

/** The bytes of a body of at most `limit` bytes, also when it is compressed. */
export const bodyOf = (limit: number): RequestHandler => express.raw({ type: () => true, limit });

export const noTopics = () =>
  new Problem(
    403,
    'organisation-unknown',
    'This organisation does not take part here',
    'The organisation in the access token has no topics here. Ask the operator of this service to add it.',
  );

/** Answers every method of a known address that no route before it took. */
export const allowing =
  (...methods: string[]): RequestHandler =>
  () => {
    const allow = methods.join(', ');
    throw new Problem(405, 'method-not-allowed', 'Method not allowed', `Use ${allow}.`, {}, { allow });
  };
