import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openSecrets } from '../common/secrets.ts';
import { findServices } from '../common/service-manifests.ts';
import { servicePart, simulatorsOf } from './services.ts';

describe('services that the launcher finds', () => {
  let root: string;
  const add = (folder: string, causeway: object | undefined) => {
    mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, folder, 'package.json'), JSON.stringify({ name: 'x', causeway }));
  };
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'causeway-services-'));
    const port = { variable: 'HOUSING_PORT', default: 9000, scheme: 'http' };
    add('services/adapters/housing', {
      order: 30,
      organisation: 'westshire-housing',
      port,
      variables: ['EXTRA'],
      secrets: { HOUSING_SYSTEM_SECRET: 'housing-system' },
    });
    add('services/exchange', { order: 10, principal: 'exchange' });
    add('services/runtime', undefined);
    add('services/console', { order: 40, principal: 'console' });
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  const connections = {
    KAFKA_BROKERS: '127.0.0.1:1',
    KAFKA_USERNAME: 'admin',
    KAFKA_PASSWORD: 'secret of the administrator',
    KAFKA_TLS: 'false',
    SCHEMA_REGISTRY_URL: 'http://127.0.0.1:2',
    DATABASE_URL: 'postgres://127.0.0.1:3/causeway',
    COUNCIL_DATABASE_URL: 'postgres://127.0.0.1:3/council',
    OIDC_ISSUER: 'http://127.0.0.1:4',
  };
  const envOf = (name: string, environment: Record<string, string>) => {
    const service = findServices(root).find((found) => found.name === name);
    assert.ok(service);
    const secrets = openSecrets(join(root, 'secrets'));
    const placed = findServices(root).map((one, i) => ({
      service: one,
      port: undefined,
      adminPort: 9100 + i,
    }));
    const around = { connections, secrets, environment, home: root, placed };
    return servicePart({ service, port: 9001, adminPort: 9002 }, around).env;
  };

  it('are those whose package.json says how to run them, in their order', () => {
    assert.deepEqual(
      findServices(root).map(({ name, principal }) => [name, principal]),
      [
        ['exchange', 'exchange'],
        ['housing', 'westshire-housing'],
        ['console', 'console'],
      ],
    );
  });

  it('see their own settings and nothing else of the environment', () => {
    const env = envOf('housing', { HOUSING_MODE: 'a', EXTRA: 'b', EXCHANGE_MODE: 'c', MY_PASSWORD: 'd' });
    assert.equal(env.HOUSING_MODE, 'a');
    assert.equal(env.EXTRA, 'b');
    assert.equal(env.EXCHANGE_MODE, undefined);
    assert.equal(env.MY_PASSWORD, undefined);
    assert.equal(env.HOUSING_PORT, '9001');
    assert.equal(env.ADMIN_PORT, '9002');
  });

  it('log in to Kafka as themselves, never as the administrator', () => {
    const housing = envOf('housing', {});
    const exchange = envOf('exchange', {});
    assert.equal(housing.KAFKA_USERNAME, 'westshire-housing');
    assert.equal(exchange.KAFKA_USERNAME, 'exchange');
    const passwords = [housing.KAFKA_PASSWORD, exchange.KAFKA_PASSWORD, connections.KAFKA_PASSWORD];
    assert.equal(new Set(passwords).size, 3);
  });

  it('are watched by the console, each adapter as its organisation’s', () => {
    const watched = envOf('console', {}).CAUSEWAY_PARTS;
    assert.equal(watched, 'exchange=http://127.0.0.1:9100,housing@westshire-housing=http://127.0.0.1:9101');
    assert.equal(envOf('exchange', {}).CAUSEWAY_PARTS, undefined);
  });

  it('share a secret with their simulators that is made once, or take it from the environment', () => {
    const made = envOf('housing', {}).HOUSING_SYSTEM_SECRET;
    assert.ok(made && made.length > 16);
    assert.equal(envOf('housing', {}).HOUSING_SYSTEM_SECRET, made);
    assert.equal(
      envOf('housing', { HOUSING_SYSTEM_SECRET: 'of a real one' }).HOUSING_SYSTEM_SECRET,
      'of a real one',
    );
    const byFile = envOf('housing', { HOUSING_SYSTEM_SECRET_FILE: '/a/file' });
    assert.deepEqual(
      [byFile.HOUSING_SYSTEM_SECRET, byFile.HOUSING_SYSTEM_SECRET_FILE],
      [undefined, '/a/file'],
    );
  });

  it('are played by nobody where the variable that names the real system is set', () => {
    const service = findServices(root).find(({ name }) => name === 'housing');
    assert.ok(service);
    const both = { ...service, simulator: 'a.ts', sinkSimulator: 'b.ts', replacedBy: 'HOUSING_DATABASE_URL' };
    const placed = { service: both, port: undefined, adminPort: 9100 };
    assert.deepEqual(simulatorsOf(placed, {}), { feed: 'a.ts', sink: 'b.ts' });
    assert.deepEqual(simulatorsOf(placed, { HOUSING_DATABASE_URL: 'postgres://real' }), {});
    const sinkPort = { variable: 'HOUSING_SINK_PORT', default: 1, replacedBy: 'HOUSING_SINK_HOST' };
    const half = { ...placed, service: { ...both, sinkPort } };
    assert.deepEqual(simulatorsOf(half, {}), { feed: 'a.ts' });
  });

  it('have the partnership key only where they are adapters', () => {
    assert.ok(envOf('housing', {}).PARTNERSHIP_KEY);
    assert.equal(envOf('exchange', {}).PARTNERSHIP_KEY, undefined);
  });
});
