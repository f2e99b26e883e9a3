import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { connectKafka } from '@causeway/runtime/kafka/connect';
import { readToEnd } from '@causeway/runtime/kafka/reader';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { repository } from '../common/paths.ts';
import { freePort, freePorts, LOOPBACK } from '../common/ports.ts';
import { startedAt } from '../common/processes.ts';
import { principalSecret } from '../common/secrets.ts';
import { CannotStart } from '../common/settings.ts';
import { type System, startSystem } from './system.ts';

const partnership = join(repository, 'infra', 'partnership');
const AGREEMENT = 'westshire-hospital-stay.yaml';
/** One for its version and one for its status. */
const RECORDS = 2 * readdirSync(join(partnership, 'agreements')).length;

describe('the local system without services', { timeout: 180_000 }, () => {
  let folder: string;
  let running: System | undefined;
  const heard: string[] = [];
  const ports = freePorts();

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'causeway-system-'));
    cpSync(partnership, join(folder, 'partnership'), { recursive: true });
  });
  after(async () => {
    await running?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = (changes: { ports?: ReturnType<typeof freePorts> } = {}) =>
    startSystem({
      home: join(folder, 'home'),
      environment: {},
      ports,
      simulators: false,
      services: [],
      organisationsDir: join(folder, 'partnership', 'organisations'),
      agreementsDir: join(folder, 'partnership', 'agreements'),
      say: (line) => heard.push(line),
      onFailed: (error) => assert.fail(error.message),
      ...changes,
    });
  const stop = async () => {
    await running?.stop();
    running = undefined;
  };

  async function agreementRecords({ parts }: System, principal = 'exchange'): Promise<string[]> {
    const password = parts.secrets.get(principalSecret(principal));
    const brokers = [parts.connections.KAFKA_BROKERS];
    const log = createLogger('test', 'silent');
    const kafka = connectKafka({ brokers, username: principal, password, clientId: 'test' }, log);
    const reader = kafka.reader();
    try {
      const found: string[] = [];
      const partition = { topic: 'agreements', partition: 0 };
      for await (const { value } of readToEnd(reader, partition, 0)) found.push(String(value));
      return found;
    } finally {
      await reader.close();
      await kafka.close();
    }
  }

  const schemas = async ({ parts }: System) => {
    const type = 'uk.causeway.nhs.inpatient-admission.recorded.v1';
    const answer = await fetch(`${parts.connections.SCHEMA_REGISTRY_URL}/subjects/${type}/versions/latest`);
    assert.equal(answer.status, 200);
    return answer.text();
  };

  it('keeps what it holds when every part is killed, and brings each back on its port', async () => {
    running = await start();
    const before = { agreements: await agreementRecords(running), schemas: await schemas(running) };
    assert.equal(before.agreements.length, RECORDS);
    const killed = running.processes();
    assert.deepEqual(Object.keys(killed).sort(), ['kafka', 'oidc', 'postgres', 'registry']);
    for (const pid of Object.values(killed)) process.kill(pid, 'SIGKILL');
    const isBack = (name: string) => heard.some((line) => line.startsWith(`${name} is back`));
    while (!Object.keys(killed).every(isBack)) await delay(50);
    assert.deepEqual(await agreementRecords(running), before.agreements);
    assert.equal(await schemas(running), before.schemas);
    const { OIDC_ISSUER } = running.parts.connections;
    assert.equal((await fetch(`${OIDC_ISSUER}/.well-known/openid-configuration`)).status, 200);
    const now = Object.values(running.processes());
    await stop();
    for (const pid of now) assert.equal(startedAt(pid), null);
    assert.equal(existsSync(join(folder, 'home', 'endpoints.json')), false);
  });

  it('starts over a stale lock of the database, adds a new organisation and loads nothing twice', async () => {
    // The number in the lock belongs to a process that runs and is no database.
    writeFileSync(join(folder, 'home', 'postgres', 'data', 'postmaster.pid'), `${process.pid}\n/elsewhere\n`);
    const housing = {
      id: 'westshire-housing',
      name: 'Westshire Homes',
      kind: 'housing',
      handlingAccepted: [],
      dutyContacts: [],
    };
    writeFileSync(
      join(folder, 'partnership', 'organisations', 'westshire-housing.yaml'),
      JSON.stringify(housing),
    );
    running = await start();
    assert.equal((await agreementRecords(running, 'westshire-housing')).length, RECORDS);
    await stop();
  });

  it('refuses other content under a version that it knows, and leaves nothing running', async () => {
    const path = join(folder, 'partnership', 'agreements', AGREEMENT);
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace('retention: P2Y', 'retention: P9Y'));
    await assert.rejects(start(), (error: unknown) => {
      assert.ok(error instanceof CannotStart);
      assert.match(error.message, /westshire-hospital-stay\/\d+ was loaded before with other content/);
      return true;
    });
    writeFileSync(path, text);
    assert.equal(existsSync(join(folder, 'home', 'processes.json')), false);
  });

  it('says which port is in use and how to choose another', async (test) => {
    const taken = await freePort();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(taken, LOOPBACK, resolve));
    test.after(() => server.close());
    const plan = {
      of: async (name: string, usual: number) => (name === 'KAFKA_PORT' ? taken : ports.of(name, usual)),
    };
    await assert.rejects(start({ ports: plan }), {
      message: `Port ${taken} for Kafka is in use by another program; stop that program or set KAFKA_PORT to a free port.`,
    });
  });
});
