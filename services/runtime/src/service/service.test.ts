import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { ConfigError, text } from './config.ts';
import { startService } from './service.ts';

const ENV = { LOG_LEVEL: 'silent' };
const ready = async (adminUrl: string) => (await fetch(`${adminUrl}/ready`)).status;

test('a service is ready when its start has resolved, and stops in reverse order', async () => {
  const steps: string[] = [];
  const service = await startService(
    'test',
    { GREETING: text('hello') },
    async (context) => {
      assert.equal(context.config.GREETING, 'hello');
      context.signal.addEventListener('abort', () => steps.push('signal'));
      context.onStop('first', () => void steps.push('first'));
      context.onStop('second', async () => {
        assert.equal(await ready(service.adminUrl), 503);
        steps.push('second');
      });
    },
    ENV,
  );
  assert.equal(await ready(service.adminUrl), 200);
  const [one, two] = await Promise.all([service.stop(), service.stop()]);
  assert.deepEqual(steps, ['signal', 'second', 'first']);
  assert.deepEqual(one, { unreleased: [] });
  assert.equal(one, two);
  assert.equal(await service.ended, one);
  await assert.rejects(fetch(`${service.adminUrl}/live`));
});

test('a readiness check that the service registers decides about ready', async () => {
  let broken = true;
  await using service = await startService(
    'test',
    {},
    async ({ readiness }) => {
      readiness('part', async () => {
        if (broken) throw new Error('broken');
      });
    },
    ENV,
  );
  assert.equal(await ready(service.adminUrl), 503);
  broken = false;
  assert.equal(await ready(service.adminUrl), 200);
});

test('a start that fails half-way lets go of what it had and passes its error on', async () => {
  const steps: string[] = [];
  const failure = new Error('the third part did not come up');
  const starting = startService(
    'test',
    {},
    async ({ onStop }) => {
      onStop('first', () => void steps.push('first'));
      onStop('second', () => void steps.push('second'));
      throw failure;
    },
    ENV,
  );
  await assert.rejects(starting, failure);
  assert.deepEqual(steps, ['second', 'first']);
});

test('a wrong configuration is reported before anything starts', async () => {
  const starting = startService('test', { NEEDED: text() }, async () => assert.fail('started'), {
    LOG_LEVEL: 'loud',
  });
  await assert.rejects(starting, (error) => {
    assert.ok(error instanceof ConfigError);
    assert.deepEqual(
      error.problems.map(({ variable }) => variable),
      ['NEEDED', 'LOG_LEVEL'],
    );
    return true;
  });
});

test('a stop that fails is named and does not keep the others from stopping', async () => {
  const steps: string[] = [];
  const service = await startService(
    'test',
    {},
    async ({ onStop }) => {
      onStop('first', () => void steps.push('first'));
      onStop('second', () => Promise.reject(new Error('stuck')));
    },
    ENV,
  );
  assert.deepEqual(await service.stop(), { unreleased: ['second'] });
  assert.deepEqual(steps, ['first']);
});

test('a stop that hangs is given up after ten seconds and named with those behind it', async (t) => {
  const gate = Promise.withResolvers<void>();
  const firstStopped = Promise.withResolvers<void>();
  const service = await startService(
    'test',
    {},
    async ({ onStop }) => {
      onStop('first', () => firstStopped.resolve());
      onStop('second', () => gate.promise);
    },
    ENV,
  );
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const stopping = service.stop();
  t.mock.timers.tick(10_000);
  t.mock.timers.reset();
  const { unreleased } = await stopping;
  assert.deepEqual(unreleased, ['admin server', 'first', 'second']);
  gate.resolve();
  await firstStopped.promise;
});

test('a part that fails ends the service in order with its error', async () => {
  const steps: string[] = [];
  const failure = new Error('the lane is broken');
  const service = await startService(
    'test',
    {},
    async ({ onStop, fail }) => {
      onStop('first', () => void steps.push('first'));
      setImmediate(() => fail(failure));
    },
    ENV,
  );
  assert.deepEqual(await service.ended, { error: failure, unreleased: [] });
  assert.deepEqual(steps, ['first']);
});

test('what is acquired while the service already stops is let go too', async () => {
  const steps: string[] = [];
  const service = await startService(
    'test',
    {},
    async ({ onStop }) => {
      onStop('first', () => onStop('late', () => void steps.push('late')));
    },
    ENV,
  );
  await service.stop();
  assert.deepEqual(steps, ['late']);
});

type Child = {
  process: ChildProcessByStdio<null, Readable, Readable>;
  /** Waits for the line of the log that has this message. */
  logged(message: string): Promise<Record<string, unknown>>;
  exit: Promise<number | null>;
  errors(): string;
};

/** Runs a service as its own process; `body` is the body of its start function. */
function spawnService(t: TestContext, body: string, env: Record<string, string> = {}): Child {
  const module = new URL('./service.ts', import.meta.url).href;
  const source = `import { runService } from '${module}';
    await runService('child', {}, async ({ onStop, log, signal, fail }) => { ${body} });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    env: { ...process.env, LOG_LEVEL: 'info', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const lines: Record<string, unknown>[] = [];
  const output = createInterface(child.stdout);
  output.on('line', (line) => lines.push(JSON.parse(line)));
  const logged = async (message: string) => {
    for (;;) {
      const found = lines.find(({ msg }) => String(msg).startsWith(message));
      if (found) return found;
      await once(output, 'line', { signal: AbortSignal.timeout(8_000) });
    }
  };
  const exit = once(child, 'close').then(([code]) => code);
  return { process: child, logged, exit, errors: () => errors };
}

const KEEP_ALIVE = 'const timer = setInterval(() => {}, 1000); onStop("timer", () => clearInterval(timer));';

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} stops the process in order with exit code 0`, async (t) => {
    const child = spawnService(t, `${KEEP_ALIVE} onStop('part', () => log.info('part let go'));`);
    await child.logged('started');
    child.process.kill(signal);
    assert.equal(await child.exit, 0, child.errors());
    await child.logged('part let go');
    await child.logged('stopped');
  });
}

test('the same signal a second time exits at once, another one does not', async (t) => {
  const child = spawnService(
    t,
    `${KEEP_ALIVE} onStop('slow', () => { log.info('hanging'); return new Promise(() => {}); });`,
  );
  await child.logged('started');
  child.process.kill('SIGINT');
  await child.logged('hanging');
  child.process.kill('SIGTERM');
  child.process.kill('SIGINT');
  assert.equal(await child.exit, 130, child.errors());
});

test('a signal during a start that waits ends it with exit code 0', async (t) => {
  const body = `${KEEP_ALIVE} log.info('waiting'); await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));`;
  const child = spawnService(t, body);
  await child.logged('waiting');
  child.process.kill('SIGTERM');
  assert.equal(await child.exit, 0, child.errors());
});

test('a start that fails exits with 1 and one line that says why', async (t) => {
  const child = spawnService(
    t,
    `onStop('part', () => log.info('part let go')); throw new Error('no broker');`,
  );
  assert.equal(await child.exit, 1);
  assert.equal((await child.logged('cannot start')).msg, 'cannot start: no broker');
  await child.logged('part let go');
  assert.equal(child.errors(), '');
});

test('a wrong configuration exits with 1 and tells every problem', async (t) => {
  const child = spawnService(t, '', { ADMIN_PORT: 'x', LOG_LEVEL: 'loud' });
  assert.equal(await child.exit, 1);
  const { problems } = await child.logged('cannot start: 2 settings are missing or wrong');
  assert.equal((problems as unknown[]).length, 2);
});

for (const [what, statement] of [
  ['an unhandled rejection', 'Promise.reject(new Error("unforeseen"))'],
  ['an uncaught exception', 'setImmediate(() => { throw new Error("unforeseen"); })'],
] as const) {
  test(`${what} ends the process in order with exit code 1`, async (t) => {
    const child = spawnService(
      t,
      `${KEEP_ALIVE} onStop('part', () => log.info('part let go')); ${statement};`,
    );
    assert.equal(await child.exit, 1);
    const { err } = await child.logged('failed');
    assert.equal((err as { message: string }).message, 'unforeseen');
    await child.logged('part let go');
  });
}
