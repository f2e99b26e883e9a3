import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { errorCode } from '@causeway/runtime/errors';
import type { Target } from './endpoint.ts';

/** What came of one request. `code` where there was no whole answer. */
export type Answer =
  | { status: number; retryAfter: string | undefined; text: Buffer; durationMs: number }
  | { code: string; durationMs: number };

export type Poster = {
  /** Sends a body once, to the address that was checked. No redirect is followed. Never throws. */
  post(target: Target, headers: Record<string, string>, body: Buffer, signal: AbortSignal): Promise<Answer>;
  close(): void;
};

const TIME_OUT_MS = 15_000;
/** Of an answer: enough to find out why, and no way to fill our memory. */
const ANSWER_BYTES = 4_096;

/** `caFile`'s content: beside the public authorities, for endpoints in an operator's own network. */
export const createPoster = ({
  timeoutMs = TIME_OUT_MS,
  ca,
}: {
  timeoutMs?: number;
  ca?: string;
} = {}): Poster => {
  const pool = { keepAlive: true, maxFreeSockets: 32, scheduling: 'lifo', timeout: 30_000 } as const;
  const agents = { http: new HttpAgent(pool), https: new HttpsAgent({ ...pool, ...(ca && { ca }) }) };
  return {
    post: ({ url, address }, headers, body, signal) =>
      new Promise((resolve) => {
        const begun = performance.now();
        const durationMs = () => Math.round(performance.now() - begun);
        const secure = url.protocol === 'https:';
        const name = url.hostname.replace(/^\[(.*)\]$/, '$1');
        const options = {
          method: 'POST',
          // The pool is keyed by this too: a connection to an address that the name has left is not used again.
          host: address,
          port: url.port || (secure ? 443 : 80),
          path: `${url.pathname}${url.search}`,
          headers: { ...headers, host: url.host, 'content-length': String(body.length) },
        };
        const sending = secure
          ? httpsRequest({ ...options, agent: agents.https, ...(isIP(name) === 0 && { servername: name }) })
          : httpRequest({ ...options, agent: agents.http });
        const end = (answer: Answer) => {
          clearTimeout(late);
          signal.removeEventListener('abort', stop);
          resolve(answer);
        };
        const fail = (code: string) => {
          end({ code, durationMs: durationMs() });
          sending.destroy();
        };
        const stop = () => fail('stopped');
        // For everything together: an endpoint that sends a byte now and then must not hold us for ever.
        const late = setTimeout(() => fail('time-out'), timeoutMs);
        signal.addEventListener('abort', stop);
        sending.on('error', (error) => fail(wordOf(error)));
        sending.on('response', (response) => {
          const { statusCode: status = 0, headers: got } = response;
          firstBytes(response, (text) =>
            end({ status, retryAfter: got['retry-after'], text, durationMs: durationMs() }),
          );
          response.on('error', (error) => fail(wordOf(error)));
        });
        sending.end(body);
        if (signal.aborted) stop();
      }),
    close: () => {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
};

/** An answer counts when its head and what of its body is read are there; a longer one is cut off with its connection. */
const firstBytes = (response: IncomingMessage, done: (text: Buffer) => void): void => {
  const parts: Buffer[] = [];
  let length = 0;
  response.on('data', (part: Buffer) => {
    parts.push(part);
    length += part.length;
    if (length < ANSWER_BYTES) return;
    response.destroy();
    done(Buffer.concat(parts).subarray(0, ANSWER_BYTES));
  });
  response.on('end', () => done(Buffer.concat(parts)));
};

const wordOf = (error: unknown): string =>
  errorCode(error)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 60);
