import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { startedAt } from '../../common/processes.ts';
import { endLeftovers, runningLauncher } from './process-book.ts';
import { createSupervisor, type PartFailed, type PartSpec } from './supervisor.ts';

describe('the supervisor', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'causeway-supervisor-'));
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  const spec = (script: string, changes: Partial<PartSpec> = {}): PartSpec => ({
    name: 'part',
    command: process.execPath,
    args: ['-e', script],
    cwd: home,
    env: {},
    probe: async () => true,
    ...changes,
  });

  /** Lines said so far, and a promise for the next one that matches. */
  function listen() {
    const lines: string[] = [];
    const waiting: { pattern: RegExp; heard: (line: string) => void }[] = [];
    const say = (line: string) => {
      lines.push(line);
      for (const { pattern, heard } of waiting) if (pattern.test(line)) heard(line);
    };
    const next = (pattern: RegExp) =>
      new Promise<string>((heard) => {
        waiting.push({ pattern, heard });
      });
    return { lines, say, next };
  }

  const STAYS = 'setInterval(() => {}, 1000)';
  const unexpected = (error: PartFailed) => assert.fail(error.message);

  it('restarts a part that was killed and says so', async () => {
    const { say, next } = listen();
    const supervisor = createSupervisor({ home, say, onFailed: unexpected });
    const part = await supervisor.start(spec(STAYS));
    const first = part.pid();
    assert.ok(first);
    const ended = next(/part ended \(SIGKILL\)/);
    const back = next(/part is back/);
    process.kill(first, 'SIGKILL');
    await ended;
    await back;
    assert.notEqual(part.pid(), first);
    await part.stop();
    assert.equal(part.pid(), undefined);
  });

  it('ends the start with the last log lines of a part that keeps failing', async () => {
    const supervisor = createSupervisor({ home, say: () => undefined, onFailed: unexpected });
    const script = 'console.error("cannot go on"); process.exit(3)';
    await assert.rejects(
      supervisor.start(spec(script, { probe: async () => false })),
      (error: PartFailed) => {
        assert.match(error.message, /part keeps failing \(exit code 3\)/);
        assert.match(error.message, /cannot go on/);
        return true;
      },
    );
  });

  it('reports a part that was ready and then keeps crashing', async () => {
    const failed = new Promise<PartFailed>((resolve) => {
      const supervisor = createSupervisor({ home, say: () => undefined, onFailed: resolve });
      void supervisor.start(spec('setTimeout(() => process.exit(5), 150)'));
    });
    assert.match((await failed).message, /part keeps failing \(exit code 5\)/);
  });

  it('says what is missing when the program does not exist', async () => {
    const supervisor = createSupervisor({ home, say: () => undefined, onFailed: unexpected });
    const missing = spec('', { command: join(home, 'no-such-program'), probe: async () => false });
    await assert.rejects(supervisor.start(missing), /part keeps failing/);
  });

  it('kills a part that does not stop in its time', async () => {
    const supervisor = createSupervisor({ home, say: () => undefined, onFailed: unexpected });
    const stubborn = `process.on("SIGTERM", () => {}); require("node:fs").writeFileSync("up", ""); ${STAYS}`;
    const up = async () => readFileSync(join(home, 'up')) !== undefined;
    const part = await supervisor.start(spec(stubborn, { probe: up, stopTimeoutMs: 200 }));
    const pid = part.pid();
    await part.stop();
    assert.equal(startedAt(pid ?? 0), null);
  });

  it('restarts a part that runs but no longer answers', async () => {
    const server = createServer((_request, response) => response.end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const probe = async () =>
      (await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(500) })).ok;
    const { say, next } = listen();
    const supervisor = createSupervisor({ home, say, onFailed: unexpected });
    const part = await supervisor.start(spec(STAYS, { probe, unresponsiveMs: 300 }));
    const ended = next(/no longer answered/);
    server.close();
    server.closeAllConnections();
    await ended;
    await part.stop();
  });

  it('ends what a killed launcher left running, and nothing that only has its number', async () => {
    const left = spawn(process.execPath, ['-e', STAYS]);
    const over = once(left, 'exit');
    const started = startedAt(left.pid ?? 0);
    const parts = [
      { name: 'part', pid: left.pid, started, stopSignal: 'SIGTERM' },
      { name: 'other', pid: process.pid, started: 'long ago', stopSignal: 'SIGKILL' },
    ];
    const launcher = { name: 'launcher', pid: 1, started: 'long ago', stopSignal: 'SIGTERM' };
    writeFileSync(join(home, 'processes.json'), JSON.stringify({ launcher, parts }));
    assert.equal(runningLauncher(home), null);
    assert.deepEqual(await endLeftovers(home), ['part']);
    assert.deepEqual(await over, [null, 'SIGTERM']);
  });

  it('recognises a launcher that still uses the home', () => {
    createSupervisor({ home, say: () => undefined, onFailed: unexpected });
    const path = join(home, 'processes.json');
    const book = JSON.parse(readFileSync(path, 'utf8'));
    const started = startedAt(process.ppid);
    writeFileSync(
      path,
      JSON.stringify({ ...book, launcher: { ...book.launcher, pid: process.ppid, started } }),
    );
    assert.equal(runningLauncher(home), process.ppid);
  });
});
