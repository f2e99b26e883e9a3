import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { deadLetterRecord } from '@causeway/runtime/bus/dead-letter';
import { eventId } from '@causeway/runtime/bus/envelope';
import { tokeniserOf } from '@causeway/runtime/bus/pseudonyms';
import { LANES, topicsOf } from '@causeway/runtime/bus/topics';
import {
  encodeLedgerRecord,
  GENESIS,
  headAfter,
  type LedgerRecord,
} from '@causeway/runtime/ledger/ledger-record';
import { connectDatabase, type Database } from '@causeway/runtime/postgres/database';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { createSharedTopics, createTestBus, type TestBus, testVariable } from '@causeway/testing/bus';
import manifest from '../../package.json' with { type: 'json' };
import { CLIENT_SECRET, startOpenIdProvider } from '../testing/openid-provider.ts';
import { createUserAgent } from '../testing/user-agent.ts';

/** The console as it is started, with a million decisions and 10,000 dead letters: how long pages take, and how much it holds. */
const MILLION = 1_000_000;
const THROUGH_KAFKA = 60_000;
const DEAD_LETTERS = 10_000;
const PEOPLE = 50_000;
const LIMIT_MS = 200;
const LIMIT_MB = 150;
const TYPE = 'uk.causeway.nhs.inpatient-admission.recorded.v1';
const PERSON = '9990123454';
const KEY = 'a partnership key for tests only';

const name = `figures_${randomBytes(5).toString('hex')}`;
const checkpoints = mkdtempSync(join(tmpdir(), 'causeway-checkpoints-'));
let bus: TestBus;
let provider: Awaited<ReturnType<typeof startOpenIdProvider>>;
let database: Database;
let disclosures: Database;
let child: ChildProcess;
let [url, admin, trust, council] = ['', '', '', ''];

before(async () => {
  await createSharedTopics();
  bus = await createTestBus(2);
  [trust = '', council = ''] = bus.organisations;
  provider = await startOpenIdProvider();
  const log = createLogger('test', 'silent');
  const common = { url: testVariable('DATABASE_URL'), log, statementMs: 280_000 };
  database = connectDatabase({ ...common, schema: name });
  disclosures = connectDatabase({ ...common, schema: `${name}_disclosures` });
  await database.migrate(new URL('../../migrations/', import.meta.url));
  await disclosures.migrate(new URL('../../disclosure-migrations/', import.meta.url));
  await fillDatabase();
  await fillKafka();
  // As after its first start: what was compiled once is not compiled again.
  await startConsole();
  await stopConsole();
  await startConsole();
});
after(async () => {
  await stopConsole();
  await database?.query(`drop schema if exists ${name} cascade`);
  await disclosures?.query(`drop schema if exists ${name}_disclosures cascade`);
  await Promise.all([database?.close(), disclosures?.close(), provider?.close()]);
  await bus?.close();
  rmSync(checkpoints, { recursive: true, force: true });
});

const fillDatabase = async () => {
  const earlier = MILLION - THROUGH_KAFKA;
  await database.query(
    `insert into journey (source, event_id, recipient, type, partition, agreements, priority, occurred_at, released_at, delivered_at)
     select $1, 'event-of-before-' || n, $2, $3, n % 6, '{stay/1}', case when n % 100 = 0 then 'immediate' end,
       at - interval '1 minute', at, case when at < now() - interval '5 minutes' then at end
     from (select n, now() - n * interval '7 seconds' as at from generate_series(1, ${earlier}) as n) as made`,
    [trust, council, TYPE],
  );
  await database.query(
    `insert into person_case select $1, 'interest', n::text, 'council-social-care', 'LCS-' || n, 'looked-after', now(), null, now(), now() - n * interval '1 minute'
     from generate_series(1, 50000) n`,
    [council],
  );
  await database.query(
    `insert into lag_sample select at, $1, 'exchange', '', 20, 3 from generate_series(now() - interval '7 days', now(), '10 minutes') as at`,
    [trust],
  );
  await disclosures.query(
    `insert into chain (topic, partition, next) select $1, p, 0 from generate_series(0, 5) p`,
    [topicsOf(trust).ledger],
  );
  await disclosures.query(
    `insert into event select 30000, n, 'event-of-before-' || n, $2, $1, null, timestamptz '2026-01-01' + n * interval '10 s', 'OFFICIAL', 'digest', n
     from generate_series(1, ${earlier}) n`,
    [trust, TYPE],
  );
  await disclosures.query(
    `insert into chain overriding system value values (30000, 'ledger.of-before', 0, 0)`,
  );
  await disclosures.query(
    `insert into person select case when n % ${PEOPLE} = 0 then $1 else 'person-' || n % ${PEOPLE} end, 30000, n, false from generate_series(1, ${earlier}) n`,
    [tokeniserOf({ PARTNERSHIP_KEY: KEY }).nhs(PERSON)],
  );
  await disclosures.query(
    `insert into disclosure select 30000, n, $1, 'released', null, '{stay/1}', 1, 'digest', timestamptz '2026-01-01' + n * interval '10 s'
     from generate_series(1, ${earlier}) n`,
    [council],
  );
  await database.query('analyze');
  await disclosures.query('analyze');
};

/** Chained as the exchange chains them. */
const fillKafka = async () => {
  const { ledger, deadLetter } = topicsOf(trust);
  const heads = Array.from({ length: LANES }, () => GENESIS);
  for (let from = 0; from < THROUGH_KAFKA; from += 6_000) {
    const records = Array.from({ length: 6_000 }, (_, i) => {
      const partition = (from + i) % LANES;
      const value = encodeLedgerRecord(
        decision(Math.floor((from + i) / LANES), partition, heads[partition] ?? GENESIS),
      );
      heads[partition] = headAfter(heads[partition] ?? GENESIS, value);
      return { topic: ledger, partition, value };
    });
    await bus.producer.send(records);
  }
  const raw = Buffer.from('MSH|^~\\&|PAS\rPID|1||9990000018');
  for (let from = 0; from < DEAD_LETTERS; from += 1_000)
    await bus.producer.send(
      Array.from({ length: 1_000 }, (_, i) =>
        deadLetterRecord(deadLetter, 'nhs-trust', `/${trust}/pas`, {
          raw,
          reason: `reason-${i % 20}`,
          attempts: 1,
        }),
      ),
    );
};

const decision = (sequence: number, partition: number, head: Buffer): LedgerRecord =>
  ({
    kind: 'decision',
    sequence,
    previous: head.toString('base64url'),
    position: { topic: topicsOf(trust).outbox, partition, offset: sequence },
    decidedAt: new Date().toISOString(),
    agreementsOffset: 0,
    eventId: eventId(['test'], randomBytes(8), 0),
    type: TYPE,
    source: `/${trust}/nhs-trust`,
    tokens: [randomBytes(16).toString('base64url')],
    otherTokens: [],
    occurredAt: new Date().toISOString(),
    classification: 'OFFICIAL',
    valueDigest: randomBytes(32).toString('base64url'),
    decisions: [{ recipient: council, outcome: 'released', agreements: ['stay/1'] }],
  }) as LedgerRecord;

const startConsole = async () => {
  const [port, adminPort] = [await freePort(), await freePort()];
  [url, admin] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${adminPort}`];
  const env = {
    ...process.env,
    ...bus.env,
    ...manifest.causeway.environment,
    SERVICE_NAME: 'console',
    ADMIN_PORT: String(adminPort),
    LOG_LEVEL: 'warn',
    NODE_COMPILE_CACHE: join(checkpoints, 'compiled'),
    DATABASE_URL: testVariable('DATABASE_URL'),
    CONSOLE_ORGANISATIONS: bus.organisations.join(','),
    CONSOLE_DATABASE_SCHEMA: name,
    CONSOLE_DISCLOSURES_SCHEMA: `${name}_disclosures`,
    OIDC_ISSUER: provider.issuer,
    CONSOLE_CLIENT_SECRET: CLIENT_SECRET,
    SESSION_KEY: 'a session key for tests only',
    CHECKPOINT_KEY: Buffer.alloc(32, 1).toString('base64url'),
    CHECKPOINT_DIR: checkpoints,
    PARTNERSHIP_KEY: KEY,
    CONSOLE_PORT: String(port),
  };
  const main = join(import.meta.dirname, '../main.ts');
  child = spawn(process.execPath, [...manifest.causeway.node, main], { env, stdio: 'inherit' });
  for (const deadline = Date.now() + 60_000; ; await delay(100)) {
    const ready = await fetch(`${admin}/ready`).catch(() => undefined);
    if (ready?.ok) return;
    if (Date.now() > deadline) throw new Error('the console did not become ready');
  }
};

const stopConsole = async () => {
  if (child?.exitCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
};

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
};

const residentMb = async (): Promise<number> => {
  const text = await (await fetch(`${admin}/metrics`)).text();
  return Number(/^process_resident_memory_bytes\S* (\S+)/m.exec(text)?.[1]) / 1e6;
};

const counted = async (sql: string): Promise<number> => Number((await database.query(sql))[0]?.n);

test('it takes ledgers and dead letters in, and holds little memory while it does', async (t) => {
  let most = 0;
  const begun = performance.now();
  for (;;) {
    most = Math.max(most, await residentMb());
    const letters = await counted('select count(*) as n from dead_letter');
    const taken = await counted(
      `select coalesce(sum(next), 0) as n from followed where topic like 'ledger.%'`,
    );
    if (letters === DEAD_LETTERS && taken >= THROUGH_KAFKA) break;
    if (performance.now() - begun > 200_000) throw new Error(`${letters} dead letters, ${taken} decisions`);
    await delay(500);
  }
  const seconds = (performance.now() - begun) / 1_000;
  t.diagnostic(
    `${THROUGH_KAFKA + DEAD_LETTERS} records in ${seconds.toFixed(0)} s; at most ${most.toFixed(0)} MB`,
  );
  assert.ok(most < 1.3 * LIMIT_MB, `${most.toFixed(0)} MB`);
});

test(`every page takes under ${LIMIT_MS} ms, and the console holds under ${LIMIT_MB} MB after it`, async (t) => {
  provider.become({ roles: ['operator', 'information-governance'], name: 'Somebody' });
  const agent = createUserAgent();
  await agent.visit(`${url}/now`);
  const html = await (await agent.request(`${url}/now`)).text();
  const csrf = /name="csrf" value="([^"]+)"/.exec(html)?.[1] ?? '';
  const search = new URLSearchParams({ csrf, scheme: 'nhs', value: PERSON, reason: 'a test' });
  const asked: [string, RequestInit?][] = [
    ['/now'],
    ['/flow'],
    ['/throughput'],
    ['/lag?range=week'],
    ['/failures'],
    ['/failures?reason=reason-3'],
    [`/failures/${trust}/4711`],
    ['/agreements'],
    ['/value'],
    ['/register'],
    ['/disclosures'],
    ['/disclosures', { method: 'POST', body: search }],
    ['/disclosures/cases'],
  ];
  const slow: string[] = [];
  for (const [path, init] of asked) {
    const times: number[] = [];
    for (let i = 0; i < 9; i += 1) {
      const begun = performance.now();
      const answer = await agent.request(url + path, init);
      await answer.text();
      times.push(performance.now() - begun);
      assert.equal(answer.status, 200, path);
    }
    const median = times.sort((a, b) => a - b)[4] ?? Number.POSITIVE_INFINITY;
    const said = `${init?.method ?? 'GET'} ${path.replace(trust, 'trust')}: ${median.toFixed(0)} ms`;
    t.diagnostic(said);
    if (median >= LIMIT_MS) slow.push(said);
  }
  // Garbage of the hundred pages goes within some seconds.
  await delay(15_000);
  const mb = await residentMb();
  t.diagnostic(`${mb.toFixed(0)} MB resident`);
  assert.deepEqual(slow, []);
  assert.ok(mb < LIMIT_MB, `${mb.toFixed(0)} MB`);
});
