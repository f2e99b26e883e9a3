import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AUDIT_LEDGER_TOPIC } from '@causeway/runtime/bus/topics';
import { type AuditLedger, openAuditLedger } from '@causeway/runtime/ledger/audit-ledger';
import { type Agreements, followAgreements } from '@causeway/runtime/reference-data/agreements';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { SAMPLE_AGREEMENT } from '@causeway/schemas/testing/sample-agreement';
import { createTestBus, type TestBus } from '@causeway/testing/bus';
import { startConsoleUnderTest } from '../testing/console-under-test.ts';
import { NO_LOOKS } from '../testing/measured.ts';
import { type Account, startOpenIdProvider } from '../testing/openid-provider.ts';
import { createAgreementService } from './agreement-service.ts';

const log = createLogger('test', 'fatal');
let bus: TestBus;
let agreements: Agreements;
let ledgers: AuditLedger[];
let provider: Awaited<ReturnType<typeof startOpenIdProvider>>;
/** Two instances of the console. */
let sites: Awaited<ReturnType<typeof startConsoleUnderTest>>[];
let source = '';
let recipient = '';
let stranger = '';

before(async () => {
  bus = await createTestBus(3);
  [source = '', recipient = '', stranger = ''] = bus.organisations;
  agreements = followAgreements(bus.kafka, log);
  ledgers = [openAuditLedger(bus.kafka, log), openAuditLedger(bus.kafka, log)];
  provider = await startOpenIdProvider();
  const organisations = { all: () => bus.organisations.map((id) => ({ id })) };
  sites = await Promise.all(
    ledgers.map((ledger) =>
      startConsoleUnderTest({
        issuer: provider.issuer,
        measured: NO_LOOKS,
        agreements: createAgreementService({
          agreements,
          ledger,
          organisations,
          codec: bus.codec,
          catalogue: loadCatalogue(),
          now: () => new Date('2026-11-01T10:00:00Z'),
        }),
      }),
    ),
  );
});
after(async () => {
  await Promise.all([...sites.map((site) => site.close()), provider.close(), agreements.close()]);
  await Promise.all(ledgers.map((ledger) => ledger.close()));
  await bus.close();
});

type Call = { method?: string; body?: string; headers?: Record<string, string>; site?: number };

const as = async (account: Account) => {
  provider.become(account);
  const token = await provider.token();
  return async (path: string, { method = 'GET', body, headers = {}, site = 0 }: Call = {}) => {
    const answer = await fetch(`${sites[site]?.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...headers },
      ...(body === undefined ? {} : { body }),
    });
    const json = (await answer.json()) as Record<string, unknown> & { type?: string };
    return { status: answer.status, json, etag: answer.headers.get('etag'), type: json.type };
  };
};
type Caller = Awaited<ReturnType<typeof as>>;

const governance = (organisation: string) => as({ roles: ['information-governance'], organisation });

const yaml = (id: string, version: number, status = 'active', more: [string, string][] = []): string =>
  more.reduce(
    (text, [from, to]) => text.replace(from, to),
    SAMPLE_AGREEMENT.replace('id: westshire-hospital-stay', `id: ${id}`)
      .replace('version: 1', `version: ${version}`)
      .replace('status: active', `status: ${status}`)
      .replaceAll('westshire-nhs-trust', source)
      .replaceAll('westshire-council', recipient),
  );

const put = (call: Caller, id: string, body: string, headers: Record<string, string>, site = 0) =>
  call(`/api/agreements/${id}`, {
    method: 'PUT',
    body,
    headers: { 'content-type': 'application/yaml', ...headers },
    site,
  });
const post = (call: Caller, id: string, body: object) =>
  call(`/api/agreements/${id}/status`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });
const NEW = { 'if-none-match': '*' };
const newId = () => `${source}-${Math.random().toString(36).slice(2, 8)}`;

test('the source loads, activates and narrows; any party suspends; each change is in the ledger with who and why', async () => {
  const id = newId();
  const [trust, council] = [await governance(source), await governance(recipient)];
  const made = await put(trust, id, yaml(id, 1, 'draft'), NEW);
  assert.deepEqual([made.status, made.etag, made.json.status], [201, '"1"', 'draft']);
  assert.equal((await post(trust, id, { status: 'active', reason: 'agreed' })).json.status, 'active');
  const suspended = await post(council, id, { status: 'suspended', reason: 'an incident tonight' });
  assert.deepEqual([suspended.status, suspended.json.status], [200, 'suspended']);
  assert.equal((await post(council, id, { status: 'suspended', reason: 'again' })).status, 200);
  for (const status of ['active', 'ended'])
    assert.deepEqual(
      await post(council, id, { status, reason: 'not mine to say' }).then((answer) => [
        answer.status,
        answer.type,
      ]),
      [403, 'urn:causeway:problem:not-the-source'],
    );
  assert.equal((await put(trust, id, yaml(id, 2), { 'if-match': '"1"' })).json.version, 2);
  const read = await council(`/api/agreements/${id}`);
  assert.deepEqual(
    (read.json.versions as { status: string }[]).map(({ status }) => status),
    ['ended', 'active'],
  );
  assert.equal((await post(trust, id, { status: 'ended', reason: 'over' })).json.status, 'ended');

  const entries = (await bus.records(AUDIT_LEDGER_TOPIC)).map(({ value }) => JSON.parse(String(value)));
  assert.deepEqual(
    entries
      .filter((entry) => entry.agreement?.startsWith(`${id}/`))
      .map((entry) => [entry.agreement, entry.status ?? 'loaded', entry.organisation, entry.by !== '']),
    [
      [`${id}/1`, 'loaded', source, true],
      [`${id}/1`, 'active', source, true],
      [`${id}/1`, 'suspended', recipient, true],
      [`${id}/2`, 'loaded', source, true],
      [`${id}/2`, 'active', source, true],
      [`${id}/2`, 'ended', source, true],
    ],
  );
});

test('who was a party of an earlier version only cannot suspend the one that counts', async () => {
  const id = newId();
  const [trust, council, later] = [
    await governance(source),
    await governance(recipient),
    await governance(stranger),
  ];
  await put(trust, id, yaml(id, 1), NEW);
  const body = yaml(id, 2).replaceAll(recipient, stranger);
  assert.equal((await put(trust, id, body, { 'if-match': '"1"' })).status, 201);
  const refused = await post(council, id, { status: 'suspended', reason: 'no party any more' });
  assert.deepEqual([refused.status, refused.type], [403, 'urn:causeway:problem:not-a-party']);
  assert.equal((await post(later, id, { status: 'suspended', reason: 'an incident' })).status, 200);
});

test('a proposal of a recipient cannot use up the numbers of versions', async () => {
  const id = newId();
  const [trust, council] = [await governance(source), await governance(recipient)];
  await put(trust, id, yaml(id, 1), NEW);
  const refused = await put(council, id, yaml(id, 1_000_000, 'draft'), { 'if-match': '"1"' });
  assert.deepEqual([refused.status, refused.type], [409, 'urn:causeway:problem:version-not-next']);
  assert.equal((await put(council, id, yaml(id, 2, 'draft'), { 'if-match': '"1"' })).status, 201);
  assert.equal((await put(trust, id, yaml(id, 3), { 'if-match': '"2"' })).status, 201);
});

test('an approval of a day to come is none yet', async () => {
  const id = newId();
  const trust = await governance(source);
  const future: [string, string][] = [['approvedAt: 2026-09-01', 'approvedAt: 2026-12-01']];
  await put(trust, id, yaml(id, 1, 'draft', future), NEW);
  const { status, json } = await post(trust, id, { status: 'active', reason: 'too early' });
  assert.equal(status, 422);
  assert.match(JSON.stringify(json.problems), /approvedAt: is on 2026-12-01, which is still to come/);
  const loaded = await put(trust, id, yaml(id, 2, 'active', future), { 'if-match': '"1"' });
  assert.deepEqual([loaded.status, loaded.type], [422, 'urn:causeway:problem:agreement-refused']);
});

test('of two authors on two instances who saw the same version one wins, and the other is told', async () => {
  const id = newId();
  const trust = await governance(source);
  await put(trust, id, yaml(id, 1), NEW);
  for (let version = 2; version <= 4; version += 1) {
    const seen = { 'if-match': `"${version - 1}"` };
    const answers = await Promise.all([
      put(trust, id, yaml(id, version, 'active', [['Hospital stays', 'Stays']]), seen, 0),
      put(trust, id, yaml(id, version, 'active', [['Hospital stays', 'Visits']]), seen, 1),
    ]);
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 412]);
  }
  assert.equal((await trust(`/api/agreements/${id}`)).json.version, 4);
});

test('an agreement is visible to its parties only, and to everybody without an organisation', async () => {
  const id = newId();
  await put(await governance(source), id, yaml(id, 1), NEW);
  const ids = async (call: Caller) =>
    ((await call('/api/agreements')).json.agreements as { id: string }[]).map((one) => one.id);
  const other = await governance(stranger);
  assert.ok((await ids(await governance(recipient))).includes(id));
  assert.ok((await ids(await as({ roles: ['operator'] }))).includes(id));
  assert.ok(!(await ids(other)).includes(id));
  assert.equal((await other(`/api/agreements/${id}`)).status, 404);
  assert.equal((await post(other, id, { status: 'suspended', reason: 'curious' })).status, 404);
  assert.equal((await put(other, id, yaml(id, 2), { 'if-match': '"1"' })).status, 404);
});

test('an operator of a party suspends, and neither activates, ends nor loads; nor does one who acts for all', async () => {
  const id = newId();
  const trust = await governance(source);
  await put(trust, id, yaml(id, 1), NEW);
  const operators = [
    await as({ roles: ['operator'], organisation: source }),
    await as({ roles: ['operator'], organisation: recipient }),
    await as({ roles: ['operator'] }),
  ];
  for (const [index, operator] of operators.entries()) {
    const suspended = await post(operator, id, { status: 'suspended', reason: 'something is wrong tonight' });
    assert.deepEqual([suspended.status, suspended.json.status], [200, 'suspended']);
    const role = index === 1 ? 'not-the-source' : 'wrong-role';
    for (const status of ['active', 'ended']) {
      const { status: code, type } = await post(operator, id, { status, reason: 'not mine to say' });
      assert.deepEqual([code, type], [403, `urn:causeway:problem:${role}`]);
    }
    for (const text of [yaml(id, 2), yaml(id, 2, 'draft')]) {
      const { status: code, type } = await put(operator, id, text, { 'if-match': '"1"' });
      assert.deepEqual([code, type], [403, 'urn:causeway:problem:wrong-role']);
    }
    assert.equal((await trust(`/api/agreements/${id}`)).json.status, 'suspended');
    assert.equal((await post(trust, id, { status: 'active', reason: 'mended' })).json.status, 'active');
  }
});

test('a version is loaded only against what its author has read, and every mistake has its line and column', async () => {
  const id = newId();
  const [trust, council] = [await governance(source), await governance(recipient)];
  const outcome = async (call: Caller, body: string, headers: Record<string, string>) => {
    const { status, type, json } = await put(call, id, body, headers);
    return [status, type?.split(':').at(-1), ...((json.problems ?? []) as object[])];
  };
  assert.deepEqual(await outcome(trust, yaml(id, 1), {}), [428, 'precondition-required']);
  assert.deepEqual(await outcome(trust, yaml(id, 1), { 'if-match': '"1"' }), [412, 'stale']);
  assert.deepEqual(await outcome(trust, yaml(id, 1), { ...NEW, 'content-type': 'text/plain' }), [
    415,
    'unsupported-media-type',
  ]);
  assert.deepEqual(await outcome(trust, yaml(id, 1, 'active', [['P2Y', 'x']]), NEW), [
    422,
    'agreement-refused',
    { line: 14, column: 25, message: 'recipient.retention: must be a duration such as P2Y' },
  ]);
  assert.equal((await outcome(trust, yaml('another', 1), NEW))[0], 422);
  assert.equal((await outcome(council, yaml(id, 1), NEW))[0], 403);
  assert.equal((await outcome(council, yaml(id, 1, 'draft'), NEW))[0], 201);
  assert.deepEqual((await outcome(trust, yaml(id, 1), { 'if-match': '"1"' })).slice(0, 2), [
    409,
    'version-exists',
  ]);
  const { parseAgreement } = await import('@causeway/schemas/agreements/parse');
  const parsed = parseAgreement(yaml(id, 2), id);
  assert.ok('agreement' in parsed);
  const json = { 'content-type': 'application/json', 'if-match': '"1"' };
  assert.deepEqual(await outcome(trust, JSON.stringify(parsed.agreement), json), [201, undefined]);
});

test('a draft that lacks an approval cannot become active, and the reason is named', async () => {
  const id = newId();
  const trust = await governance(source);
  await put(
    trust,
    id,
    yaml(id, 1, 'draft', [[', approvedBy: Caldicott Guardian, approvedAt: 2026-09-01', '']]),
    NEW,
  );
  const { status, json } = await post(trust, id, { status: 'active', reason: 'too early' });
  assert.equal(status, 422);
  assert.match(JSON.stringify(json.problems), new RegExp(`parties\\.${source}: has not approved`));
  for (const body of [
    {},
    { status: 'draft', reason: 'x' },
    { status: 'active' },
    { status: 'active', reason: ' ' },
  ])
    assert.equal((await post(trust, id, body)).status, 422);
});

test('in production a token without an organisation changes nothing', async () => {
  const site = await startConsoleUnderTest({ issuer: provider.issuer, measured: NO_LOOKS, production: true });
  provider.become({ roles: ['information-governance'] });
  const answer = await fetch(`${site.url}/api/agreements/any/status`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await provider.token()}`, 'content-type': 'application/json' },
    body: JSON.stringify({ status: 'suspended', reason: 'x' }),
  });
  assert.equal(answer.status, 403);
  await site.close();
});
