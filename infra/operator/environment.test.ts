import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connectDatabase } from '@causeway/runtime/postgres/database';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { SAMPLE_AGREEMENT } from '@causeway/schemas/testing/sample-agreement';
import { createTestBus, type TestBus, testVariable } from '@causeway/testing/bus';

const CLUSTER = ['KAFKA_BROKERS', 'KAFKA_USERNAME', 'KAFKA_PASSWORD', 'SCHEMA_REGISTRY_URL'];

let home: string;
let bus: TestBus;
let named: Record<string, string>;
before(async () => {
  home = mkdtempSync(join(tmpdir(), 'causeway-operator-'));
  bus = await createTestBus(2);
  named = Object.fromEntries(CLUSTER.map((name) => [name, testVariable(name)]));
});
after(async () => {
  await bus.close();
  rmSync(home, { recursive: true, force: true });
});

const command = (
  script: string,
  args: string[],
  env: Record<string, string>,
): Promise<{ code: number; output: string }> =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(import.meta.dirname, script), ...args],
      { env: { PATH: process.env.PATH, CAUSEWAY_HOME: home, ...env } },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
    );
  });

test('agreements are changed and the ledger is read where the environment alone names the system', async () => {
  const [source = '', recipient = ''] = bus.organisations;
  const id = `${source}-stay`;
  const path = join(home, 'agreement.yaml');
  const yaml = SAMPLE_AGREEMENT.replace('handling: [recipients-only]', 'handling: []')
    .replace('id: westshire-hospital-stay', `id: ${id}`)
    .replaceAll('westshire-nhs-trust', source)
    .replaceAll('westshire-council', recipient);
  writeFileSync(path, yaml);
  const activated = await command(
    'agreement.ts',
    ['activate', path, '--reason', 'test', '--by', 'me'],
    named,
  );
  assert.deepEqual([activated.code, activated.output.includes(`${id}/1 is active now`)], [0, true]);
  const listed = await command('agreement.ts', ['list'], named);
  assert.match(listed.output, new RegExp(`${id}/1 {2}active`));
  const missing = 'no-such-event';
  const shown = await command('ledger.ts', ['show', missing], named);
  assert.deepEqual(shown, { code: 1, output: `No ledger has a decision on the event ${missing}.\n` });
});

test('a secret is taken from a file, as services take it', async () => {
  const { KAFKA_PASSWORD: password = '', ...others } = named;
  const file = join(home, 'password');
  writeFileSync(file, password, { mode: 0o600 });
  const { code } = await command('agreement.ts', ['list'], { ...others, KAFKA_PASSWORD_FILE: file });
  assert.equal(code, 0);
});

test('an environment that names a system in part is refused, also where a local one runs', async () => {
  const local = join(home, 'local');
  mkdirSync(local);
  const known = { ...named, KAFKA_TLS: 'false', DATABASE_URL: testVariable('DATABASE_URL') };
  writeFileSync(join(local, 'connections.json'), JSON.stringify(known));
  const { KAFKA_PASSWORD: password = '', ...partial } = named;
  const run = (script: string, ...args: string[]) =>
    command(script, args, { ...partial, CAUSEWAY_HOME: local });
  for (const [script, missing, ...args] of [
    ['agreement.ts', 'KAFKA_PASSWORD', 'list'],
    ['agreement.ts', 'KAFKA_PASSWORD', 'diff', 'an-agreement', '1', '2'],
    ['ledger.ts', 'KAFKA_PASSWORD', 'verify'],
    ['rebuild.ts', 'DATABASE_URL', 'all'],
  ] as const) {
    const { code, output } = await run(script, ...args);
    assert.equal(code, 2, output);
    assert.match(output, /^The environment names a system only in part\./);
    assert.match(output, new RegExp(`  ${missing} is not set`));
    assert.ok(!output.includes(password));
  }
});

test('a projection is thrown away in the database that the environment names', async () => {
  const url = new URL(testVariable('DATABASE_URL'));
  const database = connectDatabase({
    url: url.href,
    schema: 'console_disclosures',
    log: createLogger('test', 'silent'),
  });
  const kept = async () =>
    (await database.query(`select from pg_namespace where nspname = 'console_disclosures'`)).length;
  try {
    await database.query('create schema if not exists console_disclosures');
    const { code, output } = await command('rebuild.ts', ['disclosures'], { DATABASE_URL: url.href });
    assert.deepEqual([code, await kept()], [0, 0], output);
  } finally {
    await database.close();
  }
});
