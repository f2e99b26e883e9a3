import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { AUDIT_LEDGER_TOPIC } from '@causeway/runtime/bus/topics';
import { readAgreements } from '@causeway/runtime/ledger/audit-ledger';
import { SAMPLE_AGREEMENT } from '@causeway/schemas/testing/sample-agreement';
import { createTestBus, type TestBus, testVariable } from '@causeway/testing/bus';

let home: string;
before(() => {
  home = mkdtempSync(join(tmpdir(), 'causeway-agreement-'));
});
after(() => rmSync(home, { recursive: true, force: true }));

const agreement = (
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number; output: string }> =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(import.meta.dirname, 'agreement.ts'), ...args],
      { env: { PATH: process.env.PATH, CAUSEWAY_HOME: join(home, 'nothing'), ...env } },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
    );
  });

const file = (name: string, text: string): string => {
  const path = join(home, name);
  writeFileSync(path, text);
  return path;
};
const plain = (text: string) => text.replace('handling: [recipients-only]', 'handling: []');

describe('without a running system', () => {
  it('a draft is shown on the example: what the recipient sees, in its general form, and what is withheld', async () => {
    const draft = file('draft.yaml', SAMPLE_AGREEMENT.replace('status: active', 'status: draft'));
    const { code, output } = await agreement(['check', draft]);
    assert.equal(code, 0);
    const [seen = '', withheld = ''] = output.split('withheld');
    assert.match(seen, /recorded\.v1 to westshire-council/);
    assert.match(seen, /person\.address\.postcode as outcode: "WE4"\n/);
    assert.match(seen, /person\.dateOfBirth\.value as year: "1941"\n/);
    assert.match(seen, /person\.name\.givenNames: \["Alda","May"\]\n/);
    assert.match(withheld, /person\.address\.lines\n[\s\S]*ward\n/);
    assert.doesNotMatch(output, /WE4 5TS|1941-02/);
  });

  it('every mistake of every file is named with its line and column', async () => {
    const wrong = file(
      'wrong.yaml',
      SAMPLE_AGREEMENT.replace('P2Y', 'x').replace('history: false', 'histry: no'),
    );
    const lost = file('lost.yaml', SAMPLE_AGREEMENT.replace('visitId,', 'visitNo,'));
    const { code, output } = await agreement(['check', wrong, lost, file('empty.yaml', '')]);
    assert.equal(code, 1);
    assert.match(output, /wrong\.yaml:14:25: recipient\.retention/);
    assert.match(output, /wrong\.yaml:23:1: histry/);
    assert.match(output, /lost\.yaml:27:\d+: .*visitNo/);
    assert.match(output, /empty\.yaml:1:1: /);
  });

  it('agreements that could pass together and have no form in common are refused together', async () => {
    const other = SAMPLE_AGREEMENT.replace('westshire-hospital-stay', 'westshire-other-stay').replace(
      'person.address.postcode: outcode',
      'person.address.postcode: initials',
    );
    const { code, output } = await agreement([
      'check',
      file('one.yaml', SAMPLE_AGREEMENT),
      file('two.yaml', other),
    ]);
    assert.equal(code, 1);
    assert.match(
      output,
      /two\.yaml:1:1: .*together with westshire-hospital-stay\/1.*postcode.*cannot be combined/,
    );
  });

  it('a difference says what becomes wider and what narrower, and two versions of the folder can be compared', async () => {
    const folder = join(home, 'folder');
    mkdirSync(folder);
    writeFileSync(join(folder, 'a1.yaml'), SAMPLE_AGREEMENT);
    const next = SAMPLE_AGREEMENT.replace('version: 1', 'version: 2')
      .replace('visitId, admittedAt', 'admittedAt, personCategory')
      .replace('dateOfBirth: year', 'dateOfBirth: month');
    writeFileSync(join(folder, 'a2.yaml'), next);
    const { code, output } = await agreement(['diff', 'westshire-hospital-stay', '1', '2'], {
      CAUSEWAY_AGREEMENTS_DIR: folder,
    });
    assert.equal(code, 0);
    assert.match(output, /narrower .*recorded\.v1 visitId: exact → withheld/);
    assert.match(output, /wider .*recorded\.v1 personCategory: withheld → exact/);
    assert.match(output, /wider .*dateOfBirth\.value: year → month/);
    assert.equal((await agreement(['diff', 'a.yaml', join(folder, 'a2.yaml')])).code, 2);
  });

  it('a change says in one sentence that the system must run, and that it needs a reason', async () => {
    const { code, output } = await agreement(['suspend', 'westshire-hospital-stay', '--reason', 'test']);
    assert.deepEqual(
      [code, output],
      [2, 'Causeway does not run; start it with npm start in another terminal.\n'],
    );
    assert.match((await agreement(['suspend', 'westshire-hospital-stay'])).output, /^Say why with --reason/);
    assert.equal((await agreement(['delete', 'x'])).code, 2);
  });
});

describe('with a running system', () => {
  let bus: TestBus;
  let env: Record<string, string>;
  before(async () => {
    bus = await createTestBus(2);
    env = { CAUSEWAY_HOME: join(home, 'running') };
    mkdirSync(join(home, 'running'));
    const names = ['KAFKA_BROKERS', 'KAFKA_USERNAME', 'KAFKA_PASSWORD', 'SCHEMA_REGISTRY_URL'];
    const connections = Object.fromEntries(names.map((name) => [name, testVariable(name)]));
    const known = { ...connections, KAFKA_TLS: 'false', organisations: bus.organisations };
    writeFileSync(join(home, 'running', 'connections.json'), JSON.stringify(known));
  });
  after(() => bus.close());

  it('an agreement is loaded, activated, suspended, renewed and ended, and each step is in the ledger with who and why', async () => {
    const [source = '', recipient = ''] = bus.organisations;
    const id = `${source}-stay`;
    const text = (version: number) =>
      plain(SAMPLE_AGREEMENT)
        .replace('id: westshire-hospital-stay', `id: ${id}`)
        .replace('version: 1', `version: ${version}`)
        .replaceAll('westshire-nhs-trust', source)
        .replaceAll('westshire-council', recipient);
    const change = (...args: string[]) =>
      agreement([...args, '--by', 'a test', '--reason', `why ${id}`], env);
    const done = async (...args: string[]) => {
      const { code, output } = await change(...args);
      assert.equal(code, 0, output);
    };
    const refused = async (pattern: RegExp, ...args: string[]) => {
      const { code, output } = await change(...args);
      assert.equal(code, 1);
      assert.match(output, pattern);
    };
    await refused(/no agreement/, 'activate', id);
    await done('activate', file('live1.yaml', text(1)));
    await refused(/active already/, 'activate', `${id}/1`);
    await done('suspend', id);
    await done('activate', `${id}/1`);
    await refused(/loaded before with other content|already/, 'activate', file('live1.yaml', text(1)));
    await done('activate', file('live2.yaml', text(2)));
    await refused(/has ended/, 'activate', `${id}/1`);
    await done('end', id);

    const state = await readAgreements(bus.reader);
    assert.deepEqual(
      [1, 2].map((version) => state.versions.get(`${id}/${version}`)?.status),
      ['ended', 'ended'],
    );
    const entries = (await bus.records(AUDIT_LEDGER_TOPIC)).map(({ value }) => JSON.parse(String(value)));
    const mine = entries.filter((entry) => entry.agreement?.startsWith(`${id}/`));
    assert.deepEqual(
      mine.map((entry) => [entry.agreement, entry.status ?? 'loaded', entry.by]),
      [
        [`${id}/1`, 'loaded', 'a test'],
        [`${id}/1`, 'active', 'a test'],
        [`${id}/1`, 'suspended', 'a test'],
        [`${id}/1`, 'active', 'a test'],
        [`${id}/2`, 'loaded', 'a test'],
        [`${id}/2`, 'active', 'a test'],
        [`${id}/2`, 'ended', 'a test'],
      ],
    );
    assert.ok(mine.every((entry) => entry.status === undefined || entry.reason === `why ${id}`));
    assert.match((await agreement(['list'], env)).output, new RegExp(`${id}/2 {2}ended`));
  });
});
