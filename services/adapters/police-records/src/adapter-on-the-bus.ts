/** For tests: the adapter as a process of its own, between a real bus, a simulated RMS and an OpenID provider that gives any token. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type Envelope, encodeHeaders, eventId } from '@causeway/runtime/event';
import { listen } from '@causeway/runtime/http';
import { type TestBus, testToken, testVariable } from '@causeway/runtime/test-bus';
import { topicsOf } from '@causeway/runtime/topology';
import { loadCatalogue } from '@causeway/schemas/catalogue';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

export type Issuer = { url: string; token(claims?: JWTPayload): Promise<string>; close(): Promise<void> };

/** Tokens for a system of this organisation, with `claims` in place of the usual ones. */
export const startIssuer = async (organisation: string): Promise<Issuer> => {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'test', alg: 'ES256', use: 'sig' };
  let url = '';
  const server = await listen(
    (request, response) => {
      response.setHeader('content-type', 'application/json');
      const discovery = { issuer: url, jwks_uri: `${url}/jwks` };
      response.end(JSON.stringify(request.url === '/jwks' ? { keys: [jwk] } : discovery));
    },
    { host: '127.0.0.1', port: 0 },
  );
  url = server.url;
  return {
    url,
    token: (claims = {}) => {
      const now = Math.floor(Date.now() / 1_000);
      const usual = { iss: url, aud: 'causeway-police-records', sub: 'rms', iat: now, exp: now + 3_600 };
      const own = { client_id: 'rms', organisation, scope: 'incidents:write' };
      return new SignJWT({ ...usual, ...own, ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: 'test', typ: 'at+jwt' })
        .sign(privateKey);
    },
    close: () => server.close(),
  };
};

export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
};

export type RunningAdapter = {
  url: string;
  admin: string;
  ready(): Promise<void>;
  kill(): Promise<void>;
  stop(): Promise<void>;
  log(): string;
};

export const RMS_SECRET = randomBytes(24).toString('base64url');
/** A machine that is busy with other tests takes its time. */
const READY_MS = 90_000;
const KEY = randomBytes(32).toString('base64url');

/** Starts the adapter; with the same schema and ports it goes on where it was killed. */
export const runAdapter = async (
  bus: TestBus,
  organisation: string,
  { issuer, rmsPort, schema, env = {} }: AdapterOptions,
): Promise<RunningAdapter> => {
  const [port, adminPort] = [await freePort(), await freePort()];
  const child: ChildProcess = spawn(process.execPath, ['src/main.ts'], {
    cwd: new URL('..', import.meta.url),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      ...bus.env,
      LOG_LEVEL: 'debug',
      ADMIN_PORT: String(adminPort),
      ORGANISATION: organisation,
      PARTNERSHIP_KEY: KEY,
      DATABASE_URL: testVariable('DATABASE_URL'),
      OIDC_ISSUER: issuer.url,
      POLICE_RECORDS_DATABASE_SCHEMA: schema,
      POLICE_RECORDS_PORT: String(port),
      POLICE_RECORDS_RMS_PORT: String(rmsPort),
      POLICE_RECORDS_RMS_CLIENT_SECRET: RMS_SECRET,
      POLICE_RECORDS_RMS_ANSWER_SECONDS: '1',
      POLICE_RECORDS_RMS_POLL_SECONDS: '1',
      POLICE_RECORDS_RMS_RETRY_SECONDS: Array.from({ length: 40 }, () => '1').join(','),
      ...env,
    },
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk) => {
      log += chunk;
    });
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  };
  const admin = `http://127.0.0.1:${adminPort}`;
  return {
    url: `http://127.0.0.1:${port}`,
    admin,
    ready: () =>
      until(
        () =>
          fetch(`${admin}/ready`).then(
            ({ ok }) => ok,
            () => false,
          ),
        () => `the adapter is ready\n${log.slice(-2_000)}`,
        READY_MS,
      ),
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    log: () => log,
  };
};

export type AdapterOptions = {
  issuer: Issuer;
  rmsPort: number;
  schema: string;
  env?: Record<string, string>;
};

export const until = async (
  is: () => boolean | Promise<boolean>,
  what: string | (() => string),
  ms = 60_000,
): Promise<void> => {
  const deadline = Date.now() + ms;
  while (!(await is())) {
    if (Date.now() > deadline)
      throw new Error(`it did not come to this: ${typeof what === 'string' ? what : what()}`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
};

/** Puts the example of a type, or other data, into an inbox as the exchange would. */
export const release = async (
  bus: TestBus,
  { from, to, type, person = 'somebody', data, envelope = {} }: Released,
): Promise<string> => {
  const entry = loadCatalogue().find((one) => one.type === type);
  if (entry === undefined) throw new Error('the catalogue lacks the type');
  const value = await bus.codec.encode(await bus.codec.idOf(type, entry.schema), data ?? entry.example.data);
  const id = eventId(['released'], randomBytes(8), 0);
  const subject = testToken(person);
  const event: Envelope = {
    id,
    source: `/${from}/test`,
    type,
    time: '2026-10-05T14:20:00+01:00',
    subject,
    tokens: [],
    otherTokens: [],
    classification: 'OFFICIAL-SENSITIVE',
    handling: [],
    exclude: [],
    priority: 'routine',
    replay: false,
    agreement: [],
    ...envelope,
  };
  const headers = encodeHeaders(event, 'inbox');
  await bus.producer.send([{ topic: topicsOf(to).inbox, key: subject, value, headers }]);
  return id;
};

export type Released = {
  from: string;
  to: string;
  type: string;
  person?: string;
  data?: unknown;
  envelope?: Partial<Envelope>;
};

/** An agreement between two organisations that releases these fields of one type and allows feedback. */
export const sampleAgreement = (
  id: string,
  { from, to, type, fields }: { from: string; to: string; type: string; fields: string[] },
): string => `
id: ${id}
version: 1
status: active
title: For a test
from: ${from}
to: [${to}]
parties:
  ${from}: { regime: uk-gdpr, article6: public-task, article9: substantial-public-interest, schedule1: [18], approvedBy: Somebody, approvedAt: 2026-09-01 }
  ${to}: { regime: uk-gdpr, article6: public-task, article9: substantial-public-interest, schedule1: [18], approvedBy: Somebody, approvedAt: 2026-09-03 }
purpose: child-safeguarding
gateways: [common-law-policing, children-act-2004-s10, children-act-2004-s11]
confidentiality: statute
dpia: { reference: DPIA-TEST, approvedAt: 2026-08-20 }
recipient: { retention: P2Y, onward: ask-source }
disclosureToSubject: ask-source
valid: { from: 2020-01-01, until: 2099-12-31, review: 2099-06-01 }
marking: { ceiling: OFFICIAL-SENSITIVE, handling: [] }
contacts: { dataProtection: dpo@test.example, incident: 01632 960001 }
audience: all
matching: verified
history: false
feedback: true
release:
  ${type}:
    fields: [${fields.join(', ')}]
    necessity: {${fields.map((field) => ` ${field}: for a test`).join(',')} }
`;
