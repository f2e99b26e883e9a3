import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { promisify } from 'node:util';
import { createMetrics } from '@causeway/runtime/metrics';
import { parse } from 'yaml';
import { repository } from '../local/paths.ts';
import { prometheusTools } from './tools.ts';

type Rules = { groups: { rules: { alert: string; expr: string }[] }[] };

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
const guide = readFileSync(join(repository, 'docs', 'operating.md'), 'utf8');

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

test('every metric that an alert or a chart asks for exists and is in the operators’ table', async () => {
  const text = await createMetrics('test').text();
  const known = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
  const asked = [...alerts.map(({ expr }) => expr), ...charts.map(({ expr }) => expr)];
  for (const expr of asked)
    for (const [name] of expr.matchAll(/(causeway|process)_[a-z_]+/g))
      assert.ok(known.has(name.replace(/_bucket$/, '')), name);
  for (const name of known)
    if (name?.startsWith('causeway_'))
      assert.ok(guide.includes(`| \`${name}\` |`), `docs/operating.md: ${name}`);
});

test('operators are told what each alert means and what to do', () => {
  for (const { alert } of alerts) assert.match(guide, new RegExp(`\\b${alert}\\b`), alert);
});
