import { errorCode } from '@causeway/runtime/errors';
import { Pool } from 'undici';
import type { Target } from './endpoint.ts';

/** What came of one request. `code` where there was no whole answer. */
export type WebhookResponse =
  | { status: number; retryAfter: string | undefined; text: Buffer; durationMs: number }
  | { code: string; durationMs: number };

export type WebhookClient = {
  /** Sends a body once, to the address that was checked. No redirect is followed. Never throws. */
  post(
    target: Target,
    headers: Record<string, string>,
    body: Buffer,
    signal: AbortSignal,
  ): Promise<WebhookResponse>;
  close(): void;
};

const TIME_OUT_MS = 15_000;
/** Of an answer: enough to find out why, and no way to fill our memory. */
const ANSWER_BYTES = 4_096;
const KEEP_ALIVE_MS = 30_000;
const SWEEP_MS = 60_000;

type Connections = { pool: Pool; underWay: number; usedAt: number };

/** `ca`: in place of the public authorities. */
export const createWebhookClient = ({
  timeoutMs = TIME_OUT_MS,
  ca,
}: {
  timeoutMs?: number;
  ca?: string;
} = {}): WebhookClient => {
  const known = new Map<string, Connections>();

  /**
   * Keyed by the address too: a connection to an address that the name has left is not used again. The client is given the address
   * and never a name, so it has nothing to resolve; the name is in the Host line, by which it also checks the certificate.
   */
  const connectionsTo = ({ url, address }: Target): Connections => {
    const key = `${url.origin} ${address}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const secure = url.protocol === 'https:';
    const host = address.includes(':') ? `[${address}]` : address;
    const pool = new Pool(`${url.protocol}//${host}:${url.port || (secure ? 443 : 80)}`, {
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      // One clock for everything together, below.
      headersTimeout: 0,
      bodyTimeout: 0,
      connectTimeout: timeoutMs,
      ...(ca !== undefined && { connect: { ca } }),
    });
    const made: Connections = { pool, underWay: 0, usedAt: 0 };
    known.set(key, made);
    return made;
  };

  const sweeping = setInterval(() => {
    const old = performance.now() - SWEEP_MS;
    for (const [key, { pool, underWay, usedAt }] of known) {
      if (underWay > 0 || usedAt > old) continue;
      known.delete(key);
      void pool.close();
    }
  }, SWEEP_MS).unref();

  return {
    post: (target, headers, body, signal) =>
      new Promise((resolve) => {
        const begun = performance.now();
        const connections = connectionsTo(target);
        connections.underWay += 1;
        let request: { abort(reason: Error): void } | undefined;
        let over = false;
        let status = 0;
        let retryAfter: string | undefined;
        let text: Buffer = NOTHING;

        const end = (answer: { code: string } | { status: number }) => {
          if (over) return;
          over = true;
          clearTimeout(late);
          signal.removeEventListener('abort', stop);
          connections.underWay -= 1;
          connections.usedAt = performance.now();
          const durationMs = Math.round(connections.usedAt - begun);
          resolve('code' in answer ? { ...answer, durationMs } : { status, retryAfter, text, durationMs });
        };
        const fail = (code: string) => {
          end({ code });
          request?.abort(GIVEN_UP);
        };
        const stop = () => fail('stopped');
        // For everything together: an endpoint that sends a byte now and then must not hold the connection open.
        const late = setTimeout(() => fail('time-out'), timeoutMs);
        signal.addEventListener('abort', stop);
        if (signal.aborted) return stop();

        const { url } = target;
        connections.pool.dispatch(
          {
            method: 'POST',
            path: `${url.pathname}${url.search}`,
            headers: { ...headers, host: url.host },
            body,
          },
          {
            onRequestStart: (controller) => {
              request = controller;
              if (over) controller.abort(GIVEN_UP);
            },
            onResponseStart: (_, code, got) => {
              status = code;
              retryAfter = [got['retry-after']].flat()[0];
            },
            // An answer counts when its head and what of its body is read are there; a longer one is cut off with its connection.
            onResponseData: (controller, part) => {
              text = text.length === 0 ? part : Buffer.concat([text, part]);
              if (text.length < ANSWER_BYTES) return;
              text = Buffer.from(text.subarray(0, ANSWER_BYTES));
              end({ status });
              controller.abort(GIVEN_UP);
            },
            onResponseEnd: () => end({ status }),
            onResponseError: (_, error) => fail(wordOf(error)),
          },
        );
      }),
    close: () => {
      clearInterval(sweeping);
      for (const { pool } of known.values()) void pool.destroy();
      known.clear();
    },
  };
};

const NOTHING = Buffer.alloc(0);
const GIVEN_UP = new Error('given up');

/** The codes of Node where the client has its own. */
const WORDS: Readonly<Record<string, string>> = {
  UND_ERR_SOCKET: 'econnreset',
  UND_ERR_CONNECT_TIMEOUT: 'time-out',
};

const wordOf = (error: unknown): string => {
  const code = errorCode(error);
  const word = WORDS[code] ?? code;
  return word
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 60);
};
