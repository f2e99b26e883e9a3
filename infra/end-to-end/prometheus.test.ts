import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { repository } from '../local/paths.ts';
import { freePort } from '../local/ports.ts';
import { prometheusTools } from '../prometheus/tools.ts';
import { type Causeway, startCauseway } from './causeway.ts';

/** A real Prometheus that scrapes a real system, with the alert rules and the charts that are shipped. */
type Result = { metric: Record<string, string>; value: [number, string] };

let causeway: Causeway;
let prometheus: ChildProcess;
let url: string;
const folder = mkdtempSync(join(tmpdir(), 'causeway-prometheus-'));

before(async () => {
  causeway = await startCauseway();
  const targets = Object.values(causeway.system.endpoints).map(({ admin }) => new URL(admin).host);
  const configuration = [
    'global: { scrape_interval: 1s, evaluation_interval: 1s }',
    `rule_files: [${join(repository, 'infra', 'prometheus', 'alerts.yml')}]`,
    'scrape_configs:',
    `  - { job_name: causeway, static_configs: [{ targets: ${JSON.stringify(targets)} }] }`,
  ];
  writeFileSync(join(folder, 'prometheus.yml'), configuration.join('\n'));
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const flags = [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  prometheus = spawn(join(await prometheusTools(), 'prometheus'), flags, { stdio: 'ignore' });
});

after(async () => {
  if (prometheus?.exitCode === null) {
    const ended = once(prometheus, 'exit');
    prometheus.kill('SIGTERM');
    await ended;
  }
  await causeway?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const query = async (expr: string): Promise<Result[] | undefined> => {
  const address = `${url}/api/v1/query?query=${encodeURIComponent(expr)}`;
  const answer = await fetch(address).catch(() => undefined);
  if (!answer) return undefined;
  const body = (await answer.json()) as { status: string; error?: string; data?: { result: Result[] } };
  assert.equal(body.status, 'success', `${expr}: ${body.error}`);
  return body.data?.result;
};

/** Prometheus has looked at everything once within a few seconds. */
const eventually = async (expr: string, wanted: (found: Result[]) => boolean): Promise<Result[]> => {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const found = await query(expr);
    if (found && wanted(found)) return found;
    assert.ok(Date.now() < deadline, `${expr} answers ${JSON.stringify(found)}`);
    await delay(250);
  }
};

test('every service is scraped, and no alert that pages fires on a healthy system', async () => {
  const services = Object.keys(causeway.system.endpoints).length;
  await eventually('up{job="causeway"} == 1', (found) => found.length === services);
  await eventually('causeway_part_up == 1', (found) => found.length > 0);
  assert.deepEqual(await query('ALERTS{alertstate="firing", severity="page"}'), []);
});

test('every chart of the dashboard is evaluated, and what always exists has a value', async () => {
  const dashboard: { panels: { targets: { expr: string }[] }[] } = JSON.parse(
    readFileSync(join(repository, 'infra', 'grafana', 'dashboards', 'causeway.json'), 'utf8'),
  );
  for (const { expr } of dashboard.panels.flatMap(({ targets }) => targets))
    assert.ok(await query(expr), expr);
  for (const expr of [
    'process_resident_memory_bytes',
    'causeway_lag_seconds{kind="exchange"}',
    'causeway_ready',
  ])
    await eventually(expr, (found) => found.length > 0);
});
