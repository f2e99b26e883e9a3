import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { parsePart, watchParts } from './parts.ts';

test('a part that stops is away, one that waits says what for, and both are up again by themselves', async () => {
  let answer: { status: number; body: object } = { status: 200, body: {} };
  const server = createServer((_req, res) => {
    res.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
  });
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const watch = watchParts([parsePart(`exchange=http://127.0.0.1:${port}`)], {
    everyMs: 20,
    log: createLogger('console', 'silent'),
  });
  const until = async (status: string) => {
    while (watch.now()[0]?.status !== status) await new Promise((resolve) => setTimeout(resolve, 5));
    return watch.now()[0];
  };
  try {
    await until('up');
    answer = {
      status: 503,
      body: { phase: 'running', checks: { kafka: { ok: true }, database: { ok: false } } },
    };
    assert.equal((await until('not-ready'))?.detail, 'it waits for database');
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await until('away');
    answer = { status: 200, body: {} };
    await listen(port);
    await until('up');
  } finally {
    await watch.close();
    server.closeAllConnections();
    server.close();
  }
});

test('an adapter belongs to its organisation; anything else than an address is refused', () => {
  assert.equal(
    parsePart('nhs-trust@westshire-nhs-trust=http://127.0.0.1:1').organisation,
    'westshire-nhs-trust',
  );
  for (const wrong of ['exchange', 'exchange=localhost:1', '=http://127.0.0.1:1'])
    assert.throws(() => parsePart(wrong), /write name=http/);
});
