/** For tests: the adapter as a process of its own, between a real bus, a simulated RMS and an OpenID provider that gives any token. */
import { randomBytes } from 'node:crypto';
import { listen } from '@causeway/runtime/service/http-server';
import { type RunningAdapter, runAdapter } from '@causeway/testing/adapter-process';
import type { TestBus } from '@causeway/testing/bus';
import { freePort } from '@causeway/testing/free-port';
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

export type RunningForce = RunningAdapter & { url: string; adminUrl: string; ready(): Promise<void> };

export const RMS_SECRET = randomBytes(24).toString('base64url');
/** A machine that is busy with other tests takes its time. */
const READY_MS = 90_000;

/** Starts the adapter; with the same schema and ports it goes on where it was killed. */
export const runForce = async (
  bus: TestBus,
  organisation: string,
  { issuer, rmsPort, schema, env = {} }: ForceOptions,
): Promise<RunningForce> => {
  const [port, adminPort] = [await freePort(), await freePort()];
  const adapter = runAdapter(bus, organisation, new URL('../..', import.meta.url), {
    LOG_LEVEL: 'debug',
    ADMIN_PORT: String(adminPort),
    OIDC_ISSUER: issuer.url,
    POLICE_RECORDS_DATABASE_SCHEMA: schema,
    POLICE_RECORDS_PORT: String(port),
    POLICE_RECORDS_RMS_PORT: String(rmsPort),
    POLICE_RECORDS_RMS_CLIENT_SECRET: RMS_SECRET,
    POLICE_RECORDS_RMS_ANSWER_SECONDS: '1',
    POLICE_RECORDS_RMS_POLL_SECONDS: '1',
    POLICE_RECORDS_RMS_RETRY_SECONDS: Array.from({ length: 40 }, () => '1').join(','),
    ...env,
  });
  const admin = `http://127.0.0.1:${adminPort}`;
  const isReady = () =>
    fetch(`${admin}/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  return {
    ...adapter,
    url: `http://127.0.0.1:${port}`,
    adminUrl: admin,
    ready: () => until(isReady, () => `the adapter is ready\n${adapter.log().slice(-2_000)}`, READY_MS),
  };
};

export type ForceOptions = {
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
  ${from}: { regime: uk-gdpr, article6: public-task, article9: substantial-public-interest, schedule1: [18], approvedBy: A lead, approvedAt: 2026-09-01 }
  ${to}: { regime: uk-gdpr, article6: public-task, article9: substantial-public-interest, schedule1: [18], approvedBy: A lead, approvedAt: 2026-09-03 }
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
