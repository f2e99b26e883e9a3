/**
 * A records management system that reports: it gets a token, sends one document at a time under a key of its own, and sends again what was not
 * taken. As a program it plays a day of a force for ever, at a steady pace.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  integer,
  loadConfig,
  oidcSettings,
  port,
  secret,
  serviceSettings,
  text,
} from '@causeway/runtime/service/config';
import { createLogger } from '@causeway/runtime/telemetry/log';
import {
  detention,
  domesticAbuse,
  locatedAdult,
  locatedChild,
  missingAdult,
  missingChild,
  type SyntheticDocument,
  vulnerableAdult,
  vulnerableChild,
  withdrawnReport,
} from './synthetic.ts';

type Answer = { status: number; body: unknown };

type ReportingRmsOptions = {
  /** Of the adapter. */
  url: string;
  issuer: string;
  clientId: string;
  clientSecret: string;
  answerMs?: number;
  /** How long it waits before it sends again what was not taken. */
  againMs?: number;
  signal?: AbortSignal;
};

type ReportingRms = {
  /** Sends until the answer says what became of it. @throws the signal's reason */
  send(document: object, key?: string): Promise<Answer>;
};

/** Not now: the same document under the same key later. */
const AGAIN: ReadonlySet<number> = new Set([401, 408, 429, 500, 502, 503, 504]);

export const createReportingRms = (options: ReportingRmsOptions): ReportingRms => {
  const { url, issuer, clientId, clientSecret, answerMs = 10_000, againMs = 1_000, signal } = options;
  let token: string | undefined;

  const askForToken = async (): Promise<string | undefined> => {
    const basic = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`);
    const response = await fetch(`${issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${basic.toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
      signal: AbortSignal.timeout(answerMs),
    });
    const { access_token } = (await response.json()) as { access_token?: string };
    return access_token;
  };

  const attempt = async (document: object, key: string): Promise<Answer> => {
    token ??= await askForToken();
    const response = await fetch(`${url}/v1/incidents`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/vnd.api+json',
        'idempotency-key': key,
      },
      body: JSON.stringify(document),
      signal: AbortSignal.timeout(answerMs),
    });
    const body: unknown = await response.json().catch(() => undefined);
    if (response.status === 401) token = undefined;
    return { status: response.status, body };
  };

  return {
    async send(document, key = randomUUID()) {
      for (;;) {
        signal?.throwIfAborted();
        const answer = await attempt(document, key).catch(() => undefined);
        if (answer !== undefined && !AGAIN.has(answer.status)) return answer;
        await delay(againMs, undefined, signal ? { signal } : {});
      }
    },
  };
};

/** What a force sends, in turn. People come round again, so that cases of one person follow each other. */
export const documentOfTurn = (turn: number, run: string, now: Date): SyntheticDocument => {
  const round = Math.floor(turn / TURNS.length);
  const make = TURNS[turn % TURNS.length] ?? missingChild;
  const at = now.toISOString().replace(/\.\d+Z$/, '+00:00');
  return make({ reference: `WP-SIM-${run}-${round}`, at, who: round % PEOPLE });
};

/** Few enough that people come round again within a day. */
const PEOPLE = 60;

const at =
  (prefix: string, make: (story: Parameters<typeof missingChild>[0]) => SyntheticDocument) =>
  (story: Parameters<typeof missingChild>[0]): SyntheticDocument =>
    make({ ...story, reference: `${story.reference}-${prefix}` });

const TURNS = [
  at('MIS', missingChild),
  at('MIA', missingAdult),
  at('DA', domesticAbuse),
  at('PPR', (story) => vulnerableChild(story, 'red')),
  at('PPA', (story) => vulnerableAdult(story, 'amber')),
  at('MIS', locatedChild),
  at('PPG', (story) => vulnerableAdult({ ...story, who: story.who + 10 }, 'green')),
  at('MIA', locatedAdult),
  at('PPB', (story) => vulnerableAdult({ ...story, who: story.who + 20 }, 'blue')),
  at('MHA', (story) => detention({ ...story, who: story.who + 30 })),
  at('PPC', (story) => vulnerableChild({ ...story, who: story.who + 5 }, 'amber')),
  at('PPA', (story) => withdrawnReport(story, 'amber')),
] as const;

const settings = {
  ...serviceSettings,
  ...oidcSettings,
  ORGANISATION: text(),
  POLICE_RECORDS_HOST: text('127.0.0.1'),
  POLICE_RECORDS_PORT: port(8084),
  POLICE_RECORDS_SIMULATOR_CLIENT_ID: text().optional(),
  POLICE_RECORDS_SIMULATOR_CLIENT_SECRET: secret(),
  POLICE_RECORDS_SIMULATOR_PER_MINUTE: integer(12, { min: 1, max: 60_000 }),
};

if (import.meta.main) {
  const config = loadConfig(settings);
  const log = createLogger('police-records-simulator', config.LOG_LEVEL);
  const stopping = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => stopping.abort());
  const rms = createReportingRms({
    url: `http://${config.POLICE_RECORDS_HOST}:${config.POLICE_RECORDS_PORT}`,
    issuer: config.OIDC_ISSUER,
    clientId: config.POLICE_RECORDS_SIMULATOR_CLIENT_ID ?? `system/police-records/${config.ORGANISATION}/rms`,
    clientSecret: config.POLICE_RECORDS_SIMULATOR_CLIENT_SECRET,
    signal: stopping.signal,
  });
  const run = Math.floor(Date.now() / 1_000).toString(36);
  const pauseMs = 60_000 / config.POLICE_RECORDS_SIMULATOR_PER_MINUTE;
  try {
    for (let turn = 0; !stopping.signal.aborted; turn += 1) {
      const { status } = await rms.send(documentOfTurn(turn, run, new Date()));
      log.info({ event: 'simulator.sent', turn, status }, 'the simulated RMS sent a document');
      await delay(pauseMs, undefined, { signal: stopping.signal });
    }
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
  }
}
