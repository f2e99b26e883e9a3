import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from './metrics.ts';

test('metrics are written in the Prometheus text format with service and prefix', async () => {
  const metrics = createMetrics('exchange');
  metrics.recordsReleased.inc({ organisation: 'westshire-nhs-trust', recipient: 'westshire-council' }, 2);
  metrics.transactionDuration.observe({ outcome: 'committed' }, 0.012);
  const text = await metrics.text();
  assert.match(text, /^causeway_records_released_total\{.*recipient="westshire-council".*\} 2$/m);
  assert.match(
    text,
    /^causeway_transaction_duration_seconds_bucket\{le="0.025",.*service="exchange".*\} 1$/m,
  );
  assert.match(text, /^process_cpu_seconds_total\{/m);
});

test('every metric of ours has the prefix, a help text and a unit or a total', async () => {
  const text = await createMetrics('any').text();
  const names = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].filter(([, name]) =>
    name?.startsWith('causeway_'),
  );
  assert.ok(names.length > 0);
  for (const [, name = '', type] of names) {
    assert.match(text, new RegExp(`^# HELP ${name} \\S`, 'm'));
    if (type === 'counter') assert.match(name, /_total$/);
    if (type === 'histogram') assert.match(name, /_seconds$/);
  }
});

test('two services in one process do not share their metrics', async () => {
  const [one, two] = [createMetrics('one'), createMetrics('two')];
  one.recordsDecided.inc({ organisation: 'westshire-council' });
  assert.doesNotMatch(await two.text(), /westshire-council/);
});
