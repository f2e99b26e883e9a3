import { type Service, startService } from '@causeway/runtime/service/service';
import { createTestBus, type TestBus } from '@causeway/testing/bus';
import { stringify } from 'yaml';
import { settings, startGateway } from '../app/gateway.ts';
import { type Issuer, startIssuer } from './issuer.ts';
import { freshSchema, testEnvironment } from './partnership.ts';
import { type Answer, answerOf, freePort, KEY, WEBHOOK_KEY } from './world.ts';

/** A gateway on the real bus with whole organisations: what it publishes, and what they have agreed. */
export type BusWorld = {
  bus: TestBus;
  issuer: Issuer;
  service: Service;
  url: string;
  env: Record<string, string>;
  ask(organisation: string, method: string, path: string, body?: unknown, headers?: Headers): Promise<Answer>;
  close(): Promise<void>;
};

type Headers = Record<string, string>;

export const SCOPES = 'events:read events:write subscriptions:manage';

/** @param changes settings that are to be other ones */
export const startBusWorld = async (
  organisations = 2,
  changes: Record<string, string> = {},
): Promise<BusWorld> => {
  const [issuer, bus] = await Promise.all([startIssuer(), createTestBus(organisations)]);
  const port = String(await freePort());
  const schema = freshSchema();
  const env = {
    ...testEnvironment(),
    GATEWAY_DATABASE_SCHEMA: schema.name,
    ...bus.env,
    OIDC_ISSUER: issuer.url,
    GATEWAY_PORT: port,
    CURSOR_KEY: KEY,
    WEBHOOK_KEY,
    GATEWAY_WEBHOOKS_TO_LOOPBACK: 'true',
    GATEWAY_WATCHED: bus.organisations.join(','),
    LOG_LEVEL: process.env.LOG_LEVEL ?? 'silent',
    ...changes,
  };
  const service = await startService('gateway', settings, startGateway, env);
  const url = `http://127.0.0.1:${port}`;
  return {
    bus,
    issuer,
    service,
    url,
    env,
    ask: async (organisation, method, path, body, headers = {}) => {
      const token = await issuer.token(organisation, { scope: SCOPES });
      const type: Headers =
        body === undefined ? {} : { 'content-type': Array.isArray(body) ? BATCH : SINGLE };
      const response = await fetch(`${url}${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, ...type, ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      if (response.status === 204)
        return { status: 204, headers: response.headers, body: {} as Answer['body'] };
      return answerOf(response);
    },
    close: async () => {
      await service.stop();
      await schema.drop();
      await bus.close();
      await issuer.close();
    },
  };
};

const SINGLE = 'application/cloudevents+json';
const BATCH = 'application/cloudevents-batch+json';

/** An agreement in YAML between organisations of a test; what is not given is as usual. */
export const agreementYaml = (
  id: string,
  from: string,
  to: readonly string[],
  release: object,
  more: object = {},
): string => {
  const party = {
    regime: 'uk-gdpr',
    article6: 'public-task',
    article9: 'health-or-social-care',
    approvedBy: 'nobody: a test',
    approvedAt: '2026-01-01',
  };
  return stringify(
    {
      id,
      version: 1,
      status: 'active',
      title: `Test ${id}`,
      from,
      to,
      parties: Object.fromEntries([from, ...to].map((one) => [one, party])),
      purpose: 'hospital-discharge',
      gateways: ['care-act-2014-s6'],
      confidentiality: 'statute',
      dpia: { reference: 'none', approvedAt: '2026-01-01' },
      recipient: { retention: 'P1D', onward: 'barred' },
      disclosureToSubject: 'allowed',
      valid: { from: '2026-01-01', until: '2099-12-31', review: '2099-06-01', graceDays: 0 },
      marking: { ceiling: 'OFFICIAL-SENSITIVE', handling: [] },
      contacts: { dataProtection: 'dpo@trust.example', incident: '01632 960000' },
      audience: 'all',
      release,
      ...more,
    },
    { aliasDuplicateObjects: false },
  );
};
