import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { listen } from '@causeway/runtime/service/http-server';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { createMetrics } from '@causeway/runtime/telemetry/metrics';
import express from 'express';
import { audited, auditOf } from './audit.ts';

test('a request leaves one line that says who asked for what, and nothing of what he wrote', async () => {
  const lines = new PassThrough();
  const metrics = createMetrics('gateway');
  const app = express();
  app.use(audited(createLogger('gateway', 'info', lines), metrics));
  app.get('/v1/events', (_request, response) => {
    const counts = { count: 3, withheld: 1, unreadable: 0 };
    Object.assign(auditOf(response), {
      route: '/v1/events',
      organisation: 'a-council',
      client: 'a-client',
      ...counts,
    });
    response.json({});
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0 });
  const headers = { authorization: 'Bearer a-secret-token', 'user-agent': 'an-agent', cookie: 'a-cookie' };
  await (await fetch(`${server.url}/v1/events?subject=a-subject&after=a-cursor`, { headers })).text();
  const [line] = await once(lines, 'data');
  await server.close();

  const { level, service, time, msg, durationMs, ...audit } = JSON.parse(String(line));
  assert.deepEqual(audit, {
    event: 'request.handled',
    audit: true,
    method: 'GET',
    status: 200,
    answered: true,
    route: '/v1/events',
    organisation: 'a-council',
    client: 'a-client',
    count: 3,
    withheld: 1,
    unreadable: 0,
  });
  assert.ok(Number.isInteger(durationMs) && level === 'info' && service === 'gateway' && time && msg);
  assert.doesNotMatch(String(line), /a-subject|a-cursor|a-secret-token|an-agent|a-cookie/);
  const text = await metrics.text();
  assert.match(
    text,
    /gateway_events_total\{outcome="handed-over",organisation="a-council"[^}]*\} 3|gateway_events_total\{[^}]*handed-over[^}]*\} 3/,
  );
});
