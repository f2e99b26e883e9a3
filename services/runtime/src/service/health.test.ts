import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RetryableError } from '../errors.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { checkReadiness, type Phase, type ReadinessCheck, serveAdmin } from './health.ts';

async function admin(phase: Phase, checks: Record<string, ReadinessCheck>) {
  const metrics = createMetrics('test');
  const readiness = () => checkReadiness(phase, new Map(Object.entries(checks)), metrics);
  const server = await serveAdmin({ host: '127.0.0.1', port: 0 }, readiness, metrics);
  const ask = async (path: string, init?: RequestInit) => {
    const response = await fetch(server.url + path, init);
    return { status: response.status, text: await response.text() };
  };
  return { ask, [Symbol.asyncDispose]: server.close };
}

test('a running service whose checks pass is live and ready', async () => {
  await using server = await admin('running', { kafka: async () => undefined });
  assert.equal((await server.ask('/live')).status, 200);
  const { status, text } = await server.ask('/ready');
  assert.equal(status, 200);
  const answer = JSON.parse(text);
  assert.equal(answer.ready, true);
  assert.equal(answer.checks.kafka.ok, true);
  assert.match((await server.ask('/metrics')).text, /^causeway_ready\{service="test"\} 1$/m);
});

test('a service that starts or stops is live and not ready, whatever its checks say', async () => {
  for (const phase of ['starting', 'stopping'] as const) {
    await using server = await admin(phase, {});
    assert.equal((await server.ask('/live')).status, 200);
    const { status, text } = await server.ask('/ready');
    assert.equal(status, 503);
    assert.equal(JSON.parse(text).phase, phase);
  }
});

test('each failing check is named with its code, and the message of a foreign error is not shown', async () => {
  await using server = await admin('running', {
    database: async () =>
      Promise.reject(new RetryableError('database-unavailable', 'the database does not answer')),
    foreign: async () => Promise.reject(Object.assign(new Error('SECRET'), { code: 'ECONNREFUSED' })),
    fine: async () => undefined,
  });
  const { status, text } = await server.ask('/ready');
  const { checks } = JSON.parse(text);
  assert.equal(status, 503);
  assert.equal(checks.database.code, 'database-unavailable');
  assert.equal(checks.database.message, 'the database does not answer');
  assert.equal(checks.foreign.code, 'ECONNREFUSED');
  assert.equal(checks.fine.ok, true);
  assert.doesNotMatch(text, /SECRET/);
  const metrics = (await server.ask('/metrics')).text;
  assert.match(metrics, /^causeway_readiness_check\{check="database",service="test"\} 0$/m);
  assert.match(metrics, /^causeway_ready\{service="test"\} 0$/m);
});

test('a check that hangs is not ready after two seconds', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const metrics = createMetrics('test');
  const answer = checkReadiness(
    'running',
    new Map([['hung', () => new Promise<void>(() => undefined)]]),
    metrics,
  );
  t.mock.timers.tick(2_000);
  const { ready, checks } = await answer;
  assert.equal(ready, false);
  assert.equal(checks.hung?.code, 'time-out');
});

test('anything else is not found', async () => {
  await using server = await admin('running', {});
  assert.equal((await server.ask('/')).status, 404);
  assert.equal((await server.ask('/ready', { method: 'POST' })).status, 404);
});
