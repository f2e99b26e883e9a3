import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A partner's endpoint that answers 204 at once, or as it is told, and remembers when each event came first. */
export type Endpoint = {
  url: string;
  /** When it came first, milliseconds since 1970, by event id. */
  seen: ReadonlyMap<string, number>;
  requests(): number;
  answer: (id: string) => number;
  /** Resolves when so many different events have come; rejects after five minutes. */
  until(count: number): Promise<void>;
  forget(): void;
  close(): void;
};

const PATIENCE_MS = 300_000;

export const startEndpoint = async (): Promise<Endpoint> => {
  const seen = new Map<string, number>();
  let requests = 0;
  let waiting: { count: number; resolve(): void } | undefined;
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      const id = idOf(request);
      requests += 1;
      const status = endpoint.answer(id);
      if (status <= 299 && !seen.has(id)) seen.set(id, Date.now());
      response.writeHead(status).end();
      if (waiting !== undefined && seen.size >= waiting.count) waiting.resolve();
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint: Endpoint = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`,
    seen,
    requests: () => requests,
    answer: () => 204,
    until: (count) =>
      new Promise((resolve, reject) => {
        const late = () => reject(new Error(`${seen.size} of ${count} events have come to the endpoint`));
        const patience = setTimeout(late, PATIENCE_MS).unref();
        const done = () => {
          clearTimeout(patience);
          resolve();
        };
        waiting = { count, resolve: done };
        if (seen.size >= count) done();
      }),
    forget: () => {
      seen.clear();
      requests = 0;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return endpoint;
};

/** Ours names the event in `webhook-id`, the peer passes the headers of the record on. */
const idOf = ({ headers }: IncomingMessage): string => String(headers['webhook-id'] ?? headers.ce_id);
