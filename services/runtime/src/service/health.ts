import type { ServerResponse } from 'node:http';
import { withTimeout } from '../async/timeout.ts';
import { errorCode, PermanentError, RetryableError } from '../errors.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { type Listening, listen } from './http-server.ts';

/** `starting` and `stopping` are not ready, whatever the checks say. */
export type Phase = 'starting' | 'running' | 'stopping';
/** Passes by returning, fails by throwing. */
export type ReadinessCheck = () => Promise<void>;
type CheckResult = { ok: boolean; seconds: number; code?: string; message?: string };
type Readiness = { ready: boolean; phase: Phase; checks: Record<string, CheckResult> };

const CHECK_MS = 2_000;

/** Runs all checks at once, each bounded by 2 s, and sets the readiness metrics. */
export async function checkReadiness(
  phase: Phase,
  checks: ReadonlyMap<string, ReadinessCheck>,
  metrics: Metrics,
): Promise<Readiness> {
  const results = await Promise.all(
    [...checks].map(async ([name, check]) => [name, await runCheck(check)] as const),
  );
  for (const [check, { ok }] of results) metrics.readinessCheck.set({ check }, ok ? 1 : 0);
  const ready = phase === 'running' && results.every(([, { ok }]) => ok);
  metrics.ready.set({}, ready ? 1 : 0);
  return { ready, phase, checks: Object.fromEntries(results) };
}

async function runCheck(check: ReadinessCheck): Promise<CheckResult> {
  const started = performance.now();
  const seconds = () => Number(((performance.now() - started) / 1_000).toFixed(3));
  try {
    await withTimeout(CHECK_MS, 'the check', check(), 'time-out');
    return { ok: true, seconds: seconds() };
  } catch (error) {
    // The message of a foreign error may hold anything; its code does not.
    const known = error instanceof RetryableError || error instanceof PermanentError;
    return {
      ok: false,
      seconds: seconds(),
      code: errorCode(error),
      ...(known ? { message: error.message } : {}),
    };
  }
}

/**
 * The operators' side of a service: `/live` (the process answers), `/ready` (it can do its work; 503 with the
 * same JSON where it cannot) and `/metrics`. No authentication: it belongs on loopback or a private network.
 */
export function serveAdmin(
  { host, port }: { host: string; port: number },
  readiness: () => Promise<Readiness>,
  metrics: Metrics,
): Promise<Listening> {
  const answers: Record<string, (response: ServerResponse) => Promise<void>> = {
    '/live': async (response) => sendJson(response, 200, { live: true }),
    '/ready': async (response) => {
      const answer = await readiness();
      sendJson(response, answer.ready ? 200 : 503, answer);
    },
    '/metrics': async (response) => {
      await readiness();
      response.setHeader('content-type', metrics.contentType);
      response.end(await metrics.text());
    },
  };
  return listen(
    (request, response) => {
      const answer = request.method === 'GET' ? answers[request.url?.split('?')[0] ?? ''] : undefined;
      if (!answer) return sendJson(response, 404, { error: 'not found' });
      answer(response).catch(() => {
        if (!response.headersSent) sendJson(response, 500, { error: 'internal error' });
        else response.destroy();
      });
    },
    { host, port, drainMs: 500 },
  );
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(`${JSON.stringify(body)}\n`);
}
