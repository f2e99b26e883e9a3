import { randomUUID } from 'node:crypto';
import { createServer, type RequestListener, type ServerResponse, STATUS_CODES } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SecureContextOptions } from 'node:tls';
import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import { PermanentError, RetryableError } from '../errors.ts';
import type { Logger } from '../telemetry/log.ts';
import type { ServerTls } from './tls.ts';

/**
 * A refusal as RFC 9457 describes it. The slug is part of the public interface: clients branch on
 * `urn:causeway:problem:<slug>`. Title and detail are read by people outside and hold no internals.
 */
export class Problem extends Error {
  readonly status: number;
  readonly slug: string;
  readonly title: string;
  readonly detail: string | undefined;
  readonly extras: Record<string, unknown>;
  readonly headers: Record<string, string>;

  constructor(
    status: number,
    slug: string,
    title: string,
    detail?: string,
    extras: Record<string, unknown> = {},
    headers: Record<string, string> = {},
  ) {
    super(detail ?? title);
    this.name = 'Problem';
    this.status = status;
    this.slug = slug;
    this.title = title;
    this.detail = detail;
    this.extras = extras;
    this.headers = headers;
  }
}

/** The body of an `application/problem+json` answer. */
export function problemBody(problem: Problem): Record<string, unknown> {
  const { status, slug, title, detail, extras } = problem;
  return {
    ...extras,
    type: `urn:causeway:problem:${slug}`,
    title,
    status,
    ...(detail === undefined ? {} : { detail }),
  };
}

/** Writes a problem as the answer; for places that are not behind `problemHandler`. */
function sendProblem(response: Response, problem: Problem): void {
  response.status(problem.status).set('cache-control', 'no-store').set(problem.headers);
  // Not through express, which would add a charset that the media type does not have.
  response.setHeader('content-type', 'application/problem+json');
  response.end(JSON.stringify(problemBody(problem)));
}

/** Answers what no route took. Comes after the routes and before `problemHandler`. */
export function notFound(): RequestHandler {
  return () => {
    throw new Problem(404, 'not-found', 'There is nothing at this address');
  };
}

/**
 * The last middleware of an express application: turns whatever was thrown into problem+json. What is not a
 * Problem is answered without its message; an `instance` joins the answer to the log line.
 */
export function problemHandler(log: Logger): ErrorRequestHandler {
  // Express knows an error handler by its four parameters.
  return (error, request, response, _next) => {
    const problem = toProblem(error);
    const route = { method: request.method, route: request.route?.path, status: problem.status };
    if (problem.status >= 500)
      log.error(
        { event: 'request.failed', err: error, instance: problem.extras.instance, ...route },
        'request failed',
      );
    else log.debug({ problem: problem.slug, ...route }, 'request refused');
    // Too late for a body: ending the connection is the only way left to say that it went wrong.
    if (response.headersSent) response.destroy();
    else sendProblem(response, problem);
  };
}

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const instance = { instance: `urn:uuid:${randomUUID()}` };
  if (error instanceof RetryableError) {
    const detail = 'A part that this request needs is not available. Try again.';
    return new Problem(503, 'unavailable', 'Temporarily unavailable', detail, instance, {
      'retry-after': '5',
    });
  }
  if (error instanceof PermanentError)
    return new Problem(500, 'internal-error', 'Internal error', undefined, instance);
  return clientError(error) ?? new Problem(500, 'internal-error', 'Internal error', undefined, instance);
}

/** Errors of express and its body parsers carry a status; their messages may quote the request. */
function clientError(error: unknown): Problem | undefined {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return undefined;
  if (error.status < 400 || error.status > 499) return undefined;
  const title = STATUS_CODES[error.status] ?? 'Bad Request';
  return new Problem(error.status, CLIENT_ERRORS[error.status] ?? 'bad-request', title);
}

const CLIENT_ERRORS: Record<number, string> = {
  400: 'bad-request',
  404: 'not-found',
  408: 'request-time-out',
  413: 'too-large',
  415: 'unsupported-media-type',
  431: 'headers-too-large',
};

/** What Node refuses before there is a request, by its codes; every other fault in the form of one is a 400. */
const UNREAD: Record<string, number> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_HEADER_OVERFLOW: 431,
};

/** The same kind of answer for what never became a request. A connection that is broken, or in the middle of an answer, only ends. */
function refuseUnread(error: NodeJS.ErrnoException, socket: Duplex, answering: boolean): void {
  const { code = '' } = error;
  const status = UNREAD[code] ?? (code.startsWith('HPE_') ? 400 : undefined);
  if (status === undefined || answering || !socket.writable) return void socket.destroy();
  const title = STATUS_CODES[status] ?? 'Bad Request';
  const body = JSON.stringify(
    problemBody(new Problem(status, CLIENT_ERRORS[status] ?? 'bad-request', title)),
  );
  const head = [
    `HTTP/1.1 ${status} ${title}`,
    'connection: close',
    'cache-control: no-store',
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

/**
 * What one caller may take from everybody else: head and body of a request must be here in time, whoever
 * trickles them is answered 408.
 */
const LIMITS = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 30_000,
  connectionsCheckingInterval: 2_000,
};
const MAX_CONNECTIONS = 10_000;
/** How soon a renewed certificate is taken up. */
const RENEW_MS = 30_000;

export type Listening = { url: string; port: number; close(): Promise<void> };

/**
 * Serves `app` (an express application or a plain listener). Port 0 lets the system choose; `url` tells which.
 * `close` takes no new connection, lets running requests finish with `connection: close`, drops idle keep-alive
 * connections, and after `drainMs` (default 5,000 ms) whatever is left. With `tls` it speaks TLS 1.2 or later, and takes up a
 * renewed certificate by itself.
 * @throws PermanentError `port-in-use`
 */
export async function listen(
  app: RequestListener,
  {
    host,
    port,
    drainMs = 5_000,
    tls,
  }: { host: string; port: number; drainMs?: number; tls?: ServerTls | undefined },
): Promise<Listening> {
  let closing: Promise<void> | undefined;
  const answering = new Map<Duplex, ServerResponse>();
  const handle: RequestListener = (request, response) => {
    if (closing) response.setHeader('connection', 'close');
    const { socket } = request;
    answering.set(socket, response);
    // A connection that was busy when the close began goes idle after its answer, and nobody closes it then.
    response.once('close', () => {
      answering.delete(socket);
      if (closing) setImmediate(() => server.closeIdleConnections());
    });
    app(request, response);
  };
  const secure = tls && createTlsServer({ ...LIMITS, ...tls.read(), minVersion: 'TLSv1.2' }, handle);
  const server = secure ?? createServer(LIMITS, handle);
  const renewing = tls && secure && renewFrom(tls, (files) => secure.setSecureContext(files));
  server.maxConnections = MAX_CONNECTIONS;
  // Connected and silent so far: Node does not count such a connection among the idle ones.
  const silent = new Set<Socket>();
  server.on('connection', (socket) => {
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
  });
  server.on('request', ({ socket }) => silent.delete(socket));
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) =>
    refuseUnread(error, socket, answering.get(socket)?.headersSent === true),
  );

  const close = async (): Promise<void> => {
    clearInterval(renewing);
    const { promise, resolve } = Promise.withResolvers<void>();
    server.close(() => resolve());
    server.closeIdleConnections();
    for (const socket of silent) socket.destroy();
    const deadline = setTimeout(() => server.closeAllConnections(), drainMs);
    await promise;
    clearTimeout(deadline);
  };

  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, host, port)));
    server.listen({ host, port }, resolve);
  });
  const address = server.address() as AddressInfo;
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return {
    url: `${tls ? 'https' : 'http'}://${name}:${address.port}`,
    port: address.port,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

function renewFrom(tls: ServerTls, use: (files: SecureContextOptions) => void): NodeJS.Timeout {
  let current = tls.changedAt();
  const look = () => {
    try {
      const changed = tls.changedAt();
      if (changed === current) return;
      use({ ...tls.read(), minVersion: 'TLSv1.2' });
      current = changed;
    } catch {
      // Half written, or not there for a moment: the old one serves until the next look.
    }
  };
  return setInterval(look, RENEW_MS).unref();
}

function listenError(error: Error, host: string, port: number): Error {
  if (!('code' in error) || error.code !== 'EADDRINUSE') return error;
  const message = `port ${port} on ${host} is in use by another program; stop it or choose another port`;
  return new PermanentError('port-in-use', message, { cause: error });
}
