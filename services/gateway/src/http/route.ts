import { Problem } from '@causeway/runtime/service/http-server';
import express, { type Express, type RequestHandler } from 'express';
import { auditOf } from './audit.ts';

/** A body that is no event. */
export const MAX_SMALL_BODY = 16_384;

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** Registers the methods of an address; every other one is refused with 405. */
export const route = <P>(
  app: Express,
  path: string,
  methods: Partial<Record<Method, RequestHandler<P>[]>>,
): void => {
  for (const [method, handlers] of Object.entries(methods)) app[method as Method](path, ...handlers);
  const names = Object.keys(methods).map((method) => method.toUpperCase());
  app.all(path, allowing(...names.flatMap((name) => (name === 'GET' ? ['GET', 'HEAD'] : [name]))));
};

/** For what is asked without a body. */
export const bodyless: RequestHandler = (request, _response, next) => {
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers;
  if (encoding !== undefined || Number(length) > 0) {
    const detail = 'Send the request without a body.';
    // The rest of the body would otherwise be read to keep the connection.
    throw new Problem(413, 'too-large', 'This operation takes no body', detail, {}, { connection: 'close' });
  }
  next();
};

/** The bytes of a body of at most `limit` bytes, also when it is compressed. */
export const bodyOf = (limit: number): RequestHandler => express.raw({ type: () => true, limit });

export const allowing =
  (...methods: string[]): RequestHandler =>
  () => {
    const allow = methods.join(', ');
    throw new Problem(405, 'method-not-allowed', 'Method not allowed', `Use ${allow}.`, {}, { allow });
  };

/** Notes the address of an operation that needs no token. */
export const routed: RequestHandler = (request, response, next) => {
  auditOf(response).route = request.route.path;
  next();
};
