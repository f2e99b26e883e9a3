import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openSecrets } from '../common/secrets.ts';
import { findServices } from '../common/service-manifests.ts';
import { endpointOf, type Placed, servicePart, simulatorsOf } from './services.ts';
import { readyThirdParty } from './third-party-simulators.ts';

describe('a program that stands in for a legacy system', () => {
  let root: string;
  let placed: Placed;
  const said: string[] = [];
  const say = (line: string) => void said.push(line);

  before(() => {
    root = mkdtempSync(join(tmpdir(), 'causeway-stand-in-'));
    const folder = join(root, 'services/adapters/mailbox');
    mkdirSync(folder, { recursive: true });
    const standIn = { module: 'box.ts', port: { variable: 'BOX_PORT', default: 9_000 } };
    const causeway = {
      order: 30,
      organisation: 'somebody',
      simulator: 'feed.ts',
      replacedBy: 'BOX_URL',
      standIn,
    };
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'x', causeway }));
    writeFileSync(
      join(folder, 'box.ts'),
      `export const standIn = async ({ environment, say }: any) => {
        say('installing');
        return environment.BOX_BROKEN
          ? { problem: 'mailbox is left out: there is no box' }
          : { command: 'box', args: (port: number) => ['--port', String(port)], env: { A: 'b' }, health: '/health' };
      };`,
    );
    const [service] = findServices(root);
    assert.ok(service);
    placed = { service, port: undefined, thirdPartyPort: 9_001, adminPort: 9_002 };
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  it('is got ready and run on its port, with its own environment only', async () => {
    const { part, problem } = await readyThirdParty(placed, { PATH: '/bin', SECRET: 'x' }, say);
    assert.equal(problem, undefined);
    assert.deepEqual(said, ['installing']);
    assert.deepEqual(
      [part?.name, part?.command, part?.args, part?.env],
      ['mailbox-box', 'box', ['--port', '9001'], { PATH: '/bin', A: 'b' }],
    );
  });

  it('that cannot run here leaves its adapter out, with a sentence', async () => {
    const { part, problem } = await readyThirdParty(placed, { BOX_BROKEN: 'yes' }, say);
    assert.deepEqual([part, problem], [undefined, 'mailbox is left out: there is no box']);
  });

  it('is told to the adapter and shown to people, and gives way to a real system with its simulator', async () => {
    const connections = {
      ...{ KAFKA_BROKERS: '', KAFKA_USERNAME: '', KAFKA_PASSWORD: '', KAFKA_TLS: 'false' },
      ...{ SCHEMA_REGISTRY_URL: '', DATABASE_URL: '', COUNCIL_DATABASE_URL: '', OIDC_ISSUER: '' },
    };
    const secrets = openSecrets(join(root, 'secrets'));
    const around = { connections, secrets, environment: {}, home: root, placed: [placed] };
    assert.equal(servicePart(placed, around).env.BOX_URL, 'http://127.0.0.1:9001');
    assert.equal(endpointOf(placed).url, 'http://127.0.0.1:9001');
    assert.deepEqual(simulatorsOf(placed, {}), { feed: 'feed.ts' });
    const real = { BOX_URL: 'https://mailbox.example' };
    assert.deepEqual(simulatorsOf(placed, real), {});
    const replaced = { ...placed, thirdPartyPort: undefined };
    assert.equal((await readyThirdParty(replaced, real, say)).part, undefined);
    assert.equal(endpointOf(replaced).url, null);
  });
});
