import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { eventId } from '@causeway/runtime/bus/envelope';
import { agreementYaml, type BusWorld, SCOPES, startBusWorld } from '../testing/bus-world.ts';
import { ADMISSION, type Arriving, arrive } from '../testing/inbox.ts';
import { eventually, freePort } from '../testing/world.ts';

/** What docs/subscribing.md says about the client and webhooks, as it stands there, with the client as it is published. */
const repository = join(import.meta.dirname, '../../../..');
const guide = readFileSync(join(repository, 'docs/subscribing.md'), 'utf8');
const blockOf = (language: string, containing: string): string => {
  const found = [...guide.matchAll(/```(\w+)\n([\s\S]*?)```/g)].find(
    ([, name, code = '']) => name === language && code.includes(containing),
  );
  assert.ok(found?.[2], `docs/subscribing.md has no such example in ${language}`);
  return found[2];
};

let world: BusWorld;
let folder: string;
let trust: string;
let council: string;
let agreement: string;
let token: string;
let count = 0;
const PATIENCE_MS = 60_000;

before(async () => {
  world = await startBusWorld();
  [trust = '', council = ''] = world.bus.organisations;
  const release = { [ADMISSION]: { fields: ['visitId'] } };
  agreement = await world.bus.activate(agreementYaml(`examples-${trust}`, trust, [council], release));
  token = await world.issuer.token(council, { scope: SCOPES });
  folder = mkdtempSync(join(tmpdir(), 'causeway-webhooks-'));
  const client = join(folder, 'node_modules/@causeway/client');
  mkdirSync(client, { recursive: true });
  const compiler = join(repository, 'node_modules/typescript/bin/tsc');
  const source = join(repository, 'services/client');
  execFileSync(process.execPath, [
    compiler,
    '-p',
    join(source, 'tsconfig.build.json'),
    '--outDir',
    join(client, 'dist'),
  ]);
  cpSync(join(source, 'package.json'), join(client, 'package.json'));
  symlinkSync(
    join(repository, 'node_modules/standardwebhooks'),
    join(folder, 'node_modules/standardwebhooks'),
  );
  await eventually(
    () => world.ask(council, 'GET', '/v1/agreements'),
    ({ body }) => JSON.stringify(body).includes('"active"'),
  );
});

after(async () => {
  await world.close();
  rmSync(folder, { recursive: true, force: true });
});

const start = (command: string, args: string[], env: Record<string, string>) =>
  spawn(command, args, {
    cwd: folder,
    env: { PATH: process.env.PATH, GATEWAY: world.url, ACCESS_TOKEN: token, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'close');
  child.kill('SIGKILL');
  await ended;
};

const send = async (): Promise<string[]> => {
  const events = Array.from({ length: 4 }, (): Arriving => {
    count += 1;
    const id = eventId(['examples', trust], Buffer.from(String(count)), 0);
    return { id, source: `/${trust}/adt`, agreement: [agreement] };
  });
  await arrive(world.bus, council, events);
  return events.map(({ id }) => id);
};

/** The next lines of a process, which is ended if they do not come. */
const linesOf = async (child: ChildProcess, wanted: number): Promise<string[]> => {
  assert.ok(child.stdout);
  const lines: string[] = [];
  const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  for await (const line of createInterface({ input: child.stdout })) if (lines.push(line) === wanted) break;
  clearTimeout(late);
  assert.equal(lines.length, wanted, 'not every event was printed in time');
  return lines;
};

const listening = async (port: number): Promise<void> => {
  for (let tried = 0; tried < 400; tried += 1) {
    const socket = createConnection({ host: '127.0.0.1', port });
    const [outcome] = await Promise.race([
      once(socket, 'connect').then(() => ['connected']),
      once(socket, 'error').then(() => ['refused']),
    ]).catch(() => ['refused']);
    socket.destroy();
    if (outcome === 'connected') return;
    await delay(25);
  }
  assert.fail('the receiver does not listen');
};

/** Subscribes as the guide says, starts the receiver with the secret, and sends events: each is printed once. */
const receivesAll = async (command: string, file: string): Promise<void> => {
  const port = await freePort();
  const made = start('sh', ['-c', blockOf('sh', '/v1/subscriptions"')], {
    ENDPOINT: `http://127.0.0.1:${port}/`,
  });
  const { id, secret } = JSON.parse(await text(made.stdout));
  assert.match(String(secret), /^whsec_/);
  const receiver = start(command, [file], { WEBHOOK_SECRET: secret, PORT: String(port) });
  try {
    await listening(port);
    const forged = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: '{"id":"forged"}' });
    assert.equal(forged.status, 401);
    const sent = await send();
    assert.deepEqual((await linesOf(receiver, sent.length)).toSorted(), sent.toSorted());
  } finally {
    await end(receiver);
    await world.ask(council, 'DELETE', `/v1/subscriptions/${id}`);
  }
};

test('the receiver in TypeScript takes what the gateway signed and nothing else', {
  timeout: 40_000,
}, async () => {
  writeFileSync(join(folder, 'receiver.ts'), blockOf('ts', 'verifyWebhook'));
  await receivesAll(process.execPath, 'receiver.ts');
});

test('the receiver in Python takes what the gateway signed and nothing else', {
  timeout: 40_000,
}, async () => {
  writeFileSync(join(folder, 'receiver.py'), blockOf('python', 'is_signed'));
  await receivesAll('python3', 'receiver.py');
});

test('the client as it is published reads and acknowledges every event', async () => {
  writeFileSync(join(folder, 'reader.ts'), blockOf('ts', 'createClient'));
  const sent = await send();
  const reader = start(process.execPath, ['reader.ts'], {});
  try {
    const expected = count;
    const lines = await linesOf(reader, expected);
    assert.ok(sent.every((id) => lines.includes(id)));
    const notes = await eventually(
      () => world.bus.records(`deliveries.${council}`),
      (records) => records.filter(({ value }) => value?.includes('"acknowledged"')).length >= expected,
    );
    assert.ok(notes.length >= expected);
  } finally {
    await end(reader);
  }
});
