import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Connections, type Parts, startParts } from './local/parts.ts';
import { repository } from './local/paths.ts';
import { freePorts } from './local/settings.ts';

/**
 * The test run: one broker, registry, PostgreSQL and OpenID provider on free ports for all tests, type check
 * and lint beside their start, then the tests, each file a process of its own.
 */
const TEST_TIMEOUT_MS = 300_000;
const PATTERN = '{schemas,services,infra}/**/*.test.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { long: { type: 'boolean', default: false } },
});
const say = (line: string) => process.stdout.write(`${line}\n`);

function testFiles(): string[] {
  if (positionals.length > 0) return positionals;
  return globSync(PATTERN, { cwd: repository, exclude: (name) => name === 'node_modules' })
    .filter((path) => !path.split('/').includes('node_modules'))
    .filter((path) => values.long || !path.endsWith('.long.test.ts'))
    .sort();
}

/** Resolves with the exit code; the child is ended with us. */
function run(command: string, args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: repository, env, stdio: ['ignore', 'inherit', 'inherit'] });
    const pass = (signal: NodeJS.Signals) => child.kill(signal);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, pass);
    child.once('error', () => resolve(1));
    child.once('close', (code) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, pass);
      resolve(code ?? 1);
    });
  });
}

async function check(): Promise<{ passed: number; failed: number }> {
  if (positionals.length > 0) return { passed: 0, failed: 0 };
  const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' };
  const args = ['run', 'typecheck', 'lint', '--continue=always', '--output-logs=errors-only'];
  const failed = (await run('turbo', args, env)) === 0 ? 0 : 1;
  return { passed: 1 - failed, failed };
}

const testSettings = (connections: Connections, anyClientSecret: string) => ({
  CAUSEWAY_TEST_KAFKA_BROKERS: connections.KAFKA_BROKERS,
  CAUSEWAY_TEST_KAFKA_USERNAME: connections.KAFKA_USERNAME,
  CAUSEWAY_TEST_KAFKA_PASSWORD: connections.KAFKA_PASSWORD,
  CAUSEWAY_TEST_SCHEMA_REGISTRY_URL: connections.SCHEMA_REGISTRY_URL,
  CAUSEWAY_TEST_DATABASE_URL: connections.DATABASE_URL,
  CAUSEWAY_TEST_OIDC_ISSUER: connections.OIDC_ISSUER,
  CAUSEWAY_TEST_OIDC_CLIENT_SECRET: anyClientSecret,
});

async function main(home: string): Promise<number> {
  const anyClientSecret = 'any-organisation-of-a-test';
  const stopping = new AbortController();
  const stop = () => stopping.abort(new Error('the test run was stopped'));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  const starting = startParts(
    {
      home,
      environment: {},
      ports: freePorts(),
      principals: [],
      anyClientSecret,
      say: (line) => say(`· ${line}`),
      onFailed: (error) => say(error.message),
    },
    stopping.signal,
  );
  const [started, checks] = await Promise.allSettled([starting, check()]);
  if (started.status === 'rejected') throw started.reason;
  const parts: Parts = started.value;
  try {
    const counted = checks.status === 'fulfilled' ? checks.value : { passed: 0, failed: 1 };
    const args = [
      '--test',
      '--test-reporter=./infra/reporter.mjs',
      '--test-concurrency=2',
      `--test-timeout=${TEST_TIMEOUT_MS}`,
    ];
    const code = await run(process.execPath, [...args, ...testFiles()], {
      ...process.env,
      ...testSettings(parts.connections, anyClientSecret),
      CAUSEWAY_CHECKS_PASSED: String(counted.passed),
      CAUSEWAY_CHECKS_FAILED: String(counted.failed),
    });
    return code || counted.failed;
  } finally {
    await parts.stop();
  }
}

const home = mkdtempSync(join(tmpdir(), 'causeway-test-'));
try {
  process.exitCode = await main(home);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  say('0 passed, 1 failed');
  process.exitCode = 1;
} finally {
  rmSync(home, { recursive: true, force: true });
}
process.exit();
