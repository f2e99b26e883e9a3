import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { promisify } from 'node:util';
import { createMetrics } from '@causeway/runtime/telemetry/metrics';
import { parse } from 'yaml';
import { repository } from '../common/paths.ts';
import { isCurrent } from './metrics-page.ts';
import { prometheusTools } from './tools.ts';

type Rules = {
  groups: { rules: { alert: string; expr: string; annotations: Record<string, string> }[] }[];
};

const run = promisify(execFile);
const here = import.meta.dirname;
const alerts = (parse(readFileSync(join(here, 'alerts.yml'), 'utf8')) as Rules).groups.flatMap(
  ({ rules }) => rules,
);

type Dashboard = { panels: { targets: { expr: string }[] }[] };
const dashboard: Dashboard = JSON.parse(
  readFileSync(join(repository, 'infra', 'grafana', 'dashboards', 'causeway.json'), 'utf8'),
);
const charts = dashboard.panels.flatMap(({ targets }) => targets);
const guide = readFileSync(join(repository, 'docs', 'operating', 'runbook.md'), 'utf8');

let promtool: string;
before(async () => {
  promtool = join(await prometheusTools(), 'promtool');
});

test('the scrape configuration and every rule are what Prometheus accepts', async () => {
  await run(promtool, ['check', 'config', 'prometheus.yml'], { cwd: here });
});

test('each alert fires on its fault, and a healthy partnership raises none', async () => {
  await run(promtool, ['test', 'rules', 'alerts.test.yml'], { cwd: here });
});

test('every metric that an alert or a chart asks for exists', async () => {
  const text = await createMetrics('test').text();
  const known = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
  const asked = [...alerts.map(({ expr }) => expr), ...charts.map(({ expr }) => expr)];
  for (const expr of asked)
    for (const [name] of expr.matchAll(/(causeway|process)_[a-z_]+/g))
      assert.ok(known.has(name.replace(/_bucket$/, '')), name);
});

test('the page of metrics is that of the code, and every name follows the one scheme', () => {
  assert.ok(isCurrent(), 'run `npm run generate`');
  for (const { name, kind, labels } of createMetrics('test').described()) {
    assert.match(name, /^causeway_[a-z]+(_[a-z]+)*$/);
    assert.equal(name.endsWith('_total'), kind === 'counter', `${name} is a ${kind}`);
    if (kind === 'histogram') assert.match(name, /_seconds$/);
    for (const label of labels) assert.ok(LABELS.has(label), `${name} has the label ${label}`);
  }
});

/** Each has values from a closed set, or organisations and parts of the system. */
const LABELS = new Set([
  ...[
    'organisation',
    'recipient',
    'outcome',
    'reason',
    'loop',
    'component',
    'adapter',
    'route',
    'status',
    'kind',
    'name',
  ],
  ...['certificate', 'ledger', 'part', 'agreement', 'check', 'call'],
]);

test('operators are told what each alert means and what to do', () => {
  const sections = new Map(
    [...guide.matchAll(/^### (\S+)\n([\s\S]*?)(?=^##)/gm)].map(([, name, text]) => [name, text ?? '']),
  );
  for (const { alert, annotations } of alerts) {
    assert.equal(annotations.runbook, `docs/operating/runbook.md#${alert.toLowerCase()}`);
    assert.match(
      sections.get(alert) ?? '',
      /\*\*Means\*\*[\s\S]+\*\*Do\*\*/,
      `docs/operating/runbook.md: ### ${alert}`,
    );
  }
});
