import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createLogger } from '../telemetry/log.ts';
import { connectDatabase, type Database, type DatabaseOptions } from './database.ts';

const log = createLogger('test', 'silent');

function serverUrl(): string {
  const url = process.env.CAUSEWAY_TEST_DATABASE_URL;
  assert.ok(
    url,
    'CAUSEWAY_TEST_DATABASE_URL is not set: run the tests with `npm test`, which starts PostgreSQL',
  );
  return url;
}

/** A database with a schema of its own that goes when the test is over. */
async function open(
  t: TestContext,
  options: Partial<DatabaseOptions> = {},
): Promise<{ database: Database; schema: string }> {
  const schema = `test_${randomBytes(6).toString('hex')}`;
  const owner = connectDatabase({ url: serverUrl(), schema, log });
  await owner.query(`create schema ${schema}`);
  const database = connectDatabase({ url: serverUrl(), schema, log, ...options });
  t.after(async () => {
    await database.close();
    await owner.query(`drop schema ${schema} cascade`);
    await owner.close();
  });
  return { database, schema };
}

/** A way to the server that can be cut, kept cut, or made to swallow everything. */
async function openWay(t: TestContext) {
  const { hostname, port } = new URL(serverUrl());
  const sockets = new Set<Socket>();
  let state: 'open' | 'cut' | 'silent' = 'open';
  const server = createServer((client) => {
    if (state === 'cut') return client.destroy();
    const upstream = connect(Number(port), hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
      from.on('data', (chunk) => void (state === 'silent' || to.write(chunk)));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const set = (next: typeof state): void => {
    state = next;
    if (next === 'cut') for (const socket of sockets) socket.destroy();
  };
  t.after(() => {
    set('cut');
    server.close();
  });
  const url = new URL(serverUrl());
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url: url.href, set };
}

const unavailable = { name: 'RetryableError', code: 'database-unavailable' };

test('statements run in the schema of the service and rows come as plain values', async (t) => {
  const { database, schema } = await open(t);
  await database.query('create table things (id bigint primary key, born date, at timestamptz, data jsonb)');
  const at = new Date('2026-01-02T03:04:05Z');
  await database.query('insert into things values ($1, $2, $3, $4)', [
    9007199254740991,
    '1979-02-28',
    at,
    { a: [1] },
  ]);
  const rows = await database.query<{ id: number }>('select * from things');
  assert.deepEqual(rows, [{ id: 9007199254740991, born: '1979-02-28', at, data: { a: [1] } }]);
  const [where] = await database.query(
    'select schemaname from pg_tables where tablename = $1 and schemaname = $2',
    ['things', schema],
  );
  assert.deepEqual(where, { schemaname: schema });
  await database.ping();
});

test('a bigint that a number cannot hold is an error, not another number', async (t) => {
  const { database } = await open(t);
  await assert.rejects(database.query('select 9007199254740993::bigint'), { code: 'database-range' });
  assert.deepEqual(await database.query('select 1 as one'), [{ one: 1 }]);
});

test('a transaction is kept when its function returns and forgotten when it throws', async (t) => {
  const { database } = await open(t);
  await database.query('create table things (id int)');
  assert.equal(
    await database.transaction(async (query) => {
      await query('insert into things values (1)');
      return 'result';
    }),
    'result',
  );
  const failure = new Error('changed my mind');
  const failing = database.transaction(async (query) => {
    await query('insert into things values (2)');
    throw failure;
  });
  await assert.rejects(failing, failure);
  assert.deepEqual(await database.query('select id from things'), [{ id: 1 }]);
});

test('a transaction that goes on after a failed statement is not taken for kept', async (t) => {
  const { database } = await open(t);
  const swallowing = database.transaction(async (query) => {
    await query('select 1/0').catch(() => undefined);
  });
  await assert.rejects(swallowing, { code: 'database-rolled-back' });
});

test('a refused statement is permanent, names the constraint and repeats no value', async (t) => {
  const { database } = await open(t);
  await database.query('create table things (id text constraint one_of_each primary key, n int)');
  await database.query('insert into things values ($1)', ['SECRET']);
  const check = (code: string, text: RegExp) => (error: Error) => {
    assert.equal(error.name, 'PermanentError');
    assert.equal((error as { code?: string }).code, code);
    assert.match(error.message, text);
    assert.doesNotMatch(`${error.message}${error.cause}`, /SECRET/);
    return true;
  };
  await assert.rejects(
    database.query('insert into things values ($1)', ['SECRET']),
    check('database-23505', /one_of_each/),
  );
  await assert.rejects(
    database.query('update things set n = $1', ['SECRET']),
    check('database-22P02', /22P02/),
  );
});

test('a deadlock is retryable for one side and lets the other through', async (t) => {
  const { database } = await open(t);
  await database.query('create table things (id int primary key, n int)');
  await database.query('insert into things values (1, 0), (2, 0)');
  const bothHold = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  const side = (mine: 0 | 1) =>
    database.transaction(async (query) => {
      await query('update things set n = n + 1 where id = $1', [mine + 1]);
      bothHold[mine].resolve();
      await Promise.all(bothHold.map(({ promise }) => promise));
      await query('update things set n = n + 1 where id = $1', [2 - mine]);
    });
  const outcomes = await Promise.allSettled([side(0), side(1)]);
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  assert.equal(refused.length, 1);
  assert.equal(refused[0]?.reason.code, 'database-conflict');
});

test('a statement that takes too long is ended by the server', async (t) => {
  const { database } = await open(t, { statementMs: 100 });
  await assert.rejects(database.query('select pg_sleep(5)'), unavailable);
  await assert.rejects(
    database.transaction((query) => query('select pg_sleep(5)')),
    unavailable,
  );
  await database.ping();
});

test('the pool recovers by itself after the server ended every connection', async (t) => {
  const { database, schema } = await open(t, { connections: 3 });
  const killer = connectDatabase({ url: serverUrl(), schema: 'public', log });
  t.after(() => killer.close());
  const endAll = () =>
    killer.query('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', [
      `causeway ${schema}`,
    ]);
  await Promise.all([database.ping(), database.ping(), database.ping()]);
  await endAll();
  const running = database.query('select pg_sleep(5)').catch((error) => error);
  const between = database.transaction(async (query) => {
    await query('select 1');
    await endAll();
    await query('select 1');
  });
  await assert.rejects(between, unavailable);
  assert.equal((await running).code, 'database-unavailable');
  await untilUp(database);
});

test('while the server is away every call is retryable, and afterwards the same pool works', async (t) => {
  const way = await openWay(t);
  const { database } = await open(t, { url: way.url });
  await database.ping();
  way.set('cut');
  for (let attempt = 0; attempt < 3; attempt++) await assert.rejects(database.ping(), unavailable);
  await assert.rejects(
    database.transaction((query) => query('select 1')),
    unavailable,
  );
  way.set('open');
  await untilUp(database);
});

test('a server that falls silent is given up and does not block the pool for ever', async (t) => {
  const way = await openWay(t);
  const { database } = await open(t, { url: way.url, connections: 1, statementMs: 200 });
  await database.ping();
  way.set('silent');
  await assert.rejects(database.ping(), unavailable);
  await assert.rejects(database.ping(), unavailable);
  way.set('open');
  await untilUp(database);
});

test('migrations run once, in order, and instances that start together wait for each other', async (t) => {
  const { database } = await open(t);
  const directory = migrations(t, {
    '0001-things.sql': 'create table things (id int);',
    '0002-more.sql': 'alter table things add n int;',
  });
  await Promise.all([database.migrate(directory), database.migrate(directory), database.migrate(directory)]);
  await database.migrate(directory);
  assert.deepEqual(await database.query('select id, n from things'), []);
  assert.equal((await database.query('select * from migrations')).length, 2);
});

test('a migration that fails leaves nothing behind and says which code the server gave', async (t) => {
  const { database } = await open(t);
  const directory = migrations(t, {
    '0001-good.sql': 'create table good (id int);',
    '0002-bad.sql': 'create table;',
  });
  await assert.rejects(database.migrate(directory), { name: 'PermanentError', code: 'database-42601' });
  await assert.rejects(database.query('select * from good'), { code: 'database-42P01' });
  await assert.rejects(database.migrate(join(directory, 'absent')), { code: 'migration-failed' });
});

test('a schema name that would need quoting is refused', () => {
  assert.throws(() => connectDatabase({ url: 'postgres://h/d', schema: 'a; drop', log }), {
    code: 'configuration',
  });
});

test('closing twice is closing once', async (t) => {
  const { database } = await open(t);
  await Promise.all([database.ping(), database.close(), database.close()]);
  await assert.rejects(database.ping());
});

function migrations(t: TestContext, files: Record<string, string>): string {
  const directory = mkdtempSync(join(tmpdir(), 'migrations-'));
  t.after(() => rmSync(directory, { recursive: true }));
  for (const [name, sql] of Object.entries(files)) writeFileSync(join(directory, name), sql);
  return directory;
}

/** Connections that died in the pool are found out by using them; each costs one failed call. */
async function untilUp(database: Database): Promise<void> {
  const giveUp = performance.now() + 5_000;
  for (;;) {
    try {
      return await database.ping();
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'database-unavailable');
      assert.ok(performance.now() < giveUp, 'the pool did not recover within 5 s');
    }
  }
}
