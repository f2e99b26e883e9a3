import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { repository } from '../../common/paths.ts';
import { freePort } from '../../common/ports.ts';
import { prometheusTools } from '../../prometheus/tools.ts';

type Sample = { metric: Record<string, string>; value: [number, string] };

/** A real Prometheus that scrapes running services, with the alert rules that are shipped. */
export type Prometheus = {
  /** What an expression is now; undefined while it starts. @throws AssertionError where the expression is wrong */
  query(expr: string): Promise<Sample[] | undefined>;
  /** Waits until it is as wanted: Prometheus has looked at everything once within a few seconds. */
  eventually(expr: string, wanted: (found: Sample[]) => boolean): Promise<Sample[]>;
  stop(): Promise<void>;
};

const PATIENCE_MS = 60_000;
const STARTING = 503;

/** @param targets host and port of each service's metrics */
export const startPrometheus = async (targets: readonly string[]): Promise<Prometheus> => {
  const folder = mkdtempSync(join(tmpdir(), 'causeway-prometheus-'));
  const configuration = [
    'global: { scrape_interval: 1s, evaluation_interval: 1s }',
    `rule_files: [${join(repository, 'infra', 'prometheus', 'alerts.yml')}]`,
    'scrape_configs:',
    `  - { job_name: causeway, static_configs: [{ targets: ${JSON.stringify(targets)} }] }`,
  ];
  writeFileSync(join(folder, 'prometheus.yml'), configuration.join('\n'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const flags = [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const running = spawn(join(await prometheusTools(), 'prometheus'), flags, { stdio: 'ignore' });

  const query: Prometheus['query'] = async (expr) => {
    const address = `${url}/api/v1/query?query=${encodeURIComponent(expr)}`;
    const answer = await fetch(address).catch(() => undefined);
    if (answer === undefined || answer.status === STARTING) return undefined;
    const body = (await answer.json()) as { status: string; error?: string; data?: { result: Sample[] } };
    assert.equal(body.status, 'success', `${expr}: ${body.error}`);
    return body.data?.result;
  };

  return {
    query,
    eventually: async (expr, wanted) => {
      const deadline = Date.now() + PATIENCE_MS;
      for (;;) {
        const found = await query(expr);
        if (found && wanted(found)) return found;
        assert.ok(Date.now() < deadline, `${expr} answers ${JSON.stringify(found)}`);
        await delay(250);
      }
    },
    stop: async () => {
      if (running.exitCode === null) {
        const ended = once(running, 'exit');
        running.kill('SIGTERM');
        await ended;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
