import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { ConfigError, loadConfig, type Shape, serviceSettings } from '@causeway/runtime/service/config';
import { settingsOf } from '@causeway/testing/service-settings';
import { findServices } from './service-manifests.ts';

/** What serves on a laptop, what people type, and what stands in examples, by setting. */
const DEVELOPMENT: Record<string, string | undefined> = {
  KAFKA_BROKERS: '127.0.0.1:9092',
  KAFKA_USERNAME: 'ANONYMOUS',
  KAFKA_PASSWORD: 'causeway-causeway-causeway',
  KAFKA_TLS: 'false',
  SCHEMA_REGISTRY_URL: undefined,
  OIDC_ISSUER: 'http://127.0.0.1:8082',
  DATABASE_URL: 'postgresql://causeway:causeway@127.0.0.1:15432/causeway',
  COUNCIL_DATABASE_URL: 'postgresql://causeway:causeway@127.0.0.1:15432/council',
  TLS_CERTIFICATE_FILE: undefined,
  PARTNERSHIP_KEY: 'change-me-change-me-change-me',
  CURSOR_KEY: `${randomBytes(32).toString('base64url')},aaaaaaaaaaaaaaaaaaaaaaaa`,
  WEBHOOK_KEY: 'an example of a webhook key',
  SESSION_KEY: '0000000000000000000000000000000000',
  CHECKPOINT_KEY: 'A'.repeat(43),
  CONSOLE_CLIENT_SECRET: 'the default client secret',
  CONSOLE_URL: 'http://127.0.0.1:8080',
  GATEWAY_URL: undefined,
  GATEWAY_WEBHOOK_RANGES: '10.20.0.0/16,127.0.0.0/16',
  GATEWAY_WEBHOOKS_TO_LOOPBACK: 'true',
  NHS_TRUST_ENGINE_HOST: undefined,
};

const refusedBy = (shape: Shape, env: Record<string, string | undefined>): string[] => {
  try {
    loadConfig({ ...shape, ...serviceSettings }, env);
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    for (const { variable } of error.problems) assert.ok(error.message.includes(`  ${variable} `));
    return error.problems.map(({ variable }) => variable);
  }
};

for (const service of findServices())
  test(`in production ${service.name} names every development default at once`, async () => {
    const shape = await settingsOf(service);
    const refused = refusedBy(shape, {
      ...DEVELOPMENT,
      ORGANISATION: service.principal,
      NODE_ENV: 'production',
    });
    const expected = Object.keys(DEVELOPMENT).filter((name) => name in shape);
    assert.deepEqual(
      expected.filter((name) => !refused.includes(name)),
      [],
      'let pass',
    );
    // A setting that holds a secret and is not in the table would be let pass unseen.
    // A log-in at a legacy system is that system's choice.
    const own = `${service.name.replaceAll('-', '_').toUpperCase()}_`;
    const secrets = Object.keys(shape).filter(
      (name) =>
        /KEY$|SECRET$|PASSWORD$|DATABASE_URL$/.test(name) && !(service.organisation && name.startsWith(own)),
    );
    const weak = Object.fromEntries(secrets.map((name) => [name, guessable(name)]));
    assert.deepEqual(
      secrets.filter((name) => !refusedBy(shape, { ...weak, NODE_ENV: 'production' }).includes(name)),
      [],
      'a guessable secret let pass',
    );
  });

const guessable = (name: string) =>
  name.endsWith('_URL') ? 'postgresql://someone:password@db.example/db' : 'password-password-password';
