import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Collector, startCollector } from '@causeway/testing/trace-collector';
import { startService } from '../service/service.ts';
import { isTracing, startSpan } from './tracing.ts';

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

let collector: Collector;
before(async () => {
  collector = await startCollector();
});
after(() => collector.close());

test('without a collector an event keeps the trace that it came with, and nothing is loaded or sent', async () => {
  const service = await startService('untraced', {}, async () => {}, { LOG_LEVEL: 'silent' });
  assert.ok(!isTracing());
  const span = startSpan('accept', { kind: 'server', parent: PARENT, attributes: {} });
  assert.equal(span.traceparent, PARENT);
  span.end({});
  assert.equal(startSpan('accept', { kind: 'server', attributes: {} }).traceparent, undefined);
  await service.stop();
  assert.deepEqual(collector.spans(), []);
});

test('with a collector a service sends its spans until it has stopped: in the trace of their parent, or one of their own', async () => {
  const env = { LOG_LEVEL: 'silent', OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
  const service = await startService('traced', {}, async () => {}, env);
  const span = startSpan('accept', {
    kind: 'server',
    parent: PARENT,
    attributes: { organisation: 'a-trust' },
  });
  assert.match(
    span.traceparent ?? '',
    /^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[0-9a-f]{16}-01$/,
  );
  span.end({ outcome: 'published' });
  startSpan('deliver', { kind: 'client', parent: 'not a trace', attributes: {} }).end({}, 'timeout');
  await service.stop();
  assert.ok(!isTracing());
  const [first, second] = collector.spans();
  assert.deepEqual(
    [first?.service, first?.name, first?.traceId, first?.parentSpanId, first?.attributes],
    [
      'traced',
      'accept',
      '0af7651916cd43dd8448eb211c80319c',
      'b7ad6b7169203331',
      { organisation: 'a-trust', outcome: 'published' },
    ],
  );
  assert.deepEqual([second?.name, second?.error, second?.parentSpanId], ['deliver', 'timeout', undefined]);
});

test('a collector that is away costs an event nothing and does not hold up the stop', async () => {
  const env = { LOG_LEVEL: 'silent', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };
  const service = await startService('traced', {}, async () => {}, env);
  startSpan('accept', { kind: 'server', attributes: {} }).end({});
  const began = performance.now();
  await service.stop();
  assert.ok(performance.now() - began < 5_000);
});

test('a trace that was not kept where it began is not kept here', async () => {
  const env = {
    LOG_LEVEL: 'silent',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_TRACES_SAMPLER_ARG: '0',
  };
  const service = await startService('sampled', {}, async () => {}, env);
  const own = startSpan('accept', { kind: 'server', attributes: {} });
  assert.match(own.traceparent ?? '', /-00$/);
  own.end({});
  startSpan('decide', { kind: 'internal', parent: PARENT, attributes: {} }).end({});
  await service.stop();
  assert.deepEqual(
    collector
      .spans()
      .filter(({ service: from }) => from === 'sampled')
      .map(({ name }) => name),
    ['decide'],
  );
});
