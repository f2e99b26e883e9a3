import { spawn } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { repository } from '../common/paths.ts';
import { freePorts } from '../common/ports.ts';
import { principalSecret } from '../common/secrets.ts';
import { type Parts, startParts } from '../dev/backing-services/parts.ts';

/**
 * The test run: one broker, registry, PostgreSQL and OpenID provider on free ports for all tests, type check
 * and lint beside their start, then the tests, each file a process of its own.
 */
const TEST_TIMEOUT_MS = 300_000;
/** The proof on three brokers alone takes some minutes more than its load does. */
const LONG_TEST_TIMEOUT_MS = 1_200_000;
const PATTERN = '{schemas,services,infra}/**/*.test.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { long: { type: 'boolean', default: false } },
});
const say = (line: string) => process.stdout.write(`${line}\n`);

const isLong = (path: string) => path.endsWith('.long.test.ts');

function testFiles(): string[] {
  if (positionals.length > 0) return positionals;
  return globSync(PATTERN, { cwd: repository, exclude: (name) => name === 'node_modules' })
    .filter((path) => !path.split('/').includes('node_modules'))
    .filter((path) => values.long || !isLong(path))
    .sort();
}

type Counts = { passed: number; failed: number };

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

async function check(): Promise<Counts> {
  if (positionals.length > 0) return { passed: 0, failed: 0 };
  const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' };
  const args = ['run', 'typecheck', 'lint', '--continue=always', '--output-logs=errors-only'];
  const failed = (await run('turbo', args, env)) === 0 ? 0 : 1;
  return { passed: 1 - failed, failed };
}

/** Log-ins with the rights of an organisation, for tests of the access rules. */
const TEST_ORGANISATIONS = ['test-org-a', 'test-org-b'];

const testSettings = ({ connections, secrets }: Parts, anyClientSecret: string) => ({
  CAUSEWAY_TEST_KAFKA_BROKERS: connections.KAFKA_BROKERS,
  CAUSEWAY_TEST_KAFKA_USERNAME: connections.KAFKA_USERNAME,
  CAUSEWAY_TEST_KAFKA_PASSWORD: connections.KAFKA_PASSWORD,
  CAUSEWAY_TEST_SCHEMA_REGISTRY_URL: connections.SCHEMA_REGISTRY_URL,
  CAUSEWAY_TEST_DATABASE_URL: connections.DATABASE_URL,
  CAUSEWAY_TEST_OIDC_ISSUER: connections.OIDC_ISSUER,
  CAUSEWAY_TEST_OIDC_CLIENT_SECRET: anyClientSecret,
  CAUSEWAY_TEST_ORG_A_PASSWORD: secrets.get(principalSecret('test-org-a')),
  CAUSEWAY_TEST_ORG_B_PASSWORD: secrets.get(principalSecret('test-org-b')),
});

/**
 * Tests that start whole systems or kill parts of them have both cores to themselves; so have those of the exchange, because two
 * exchanges on one broker share its lanes.
 */
const isWholeSystem = (path: string) =>
  ['infra/end-to-end/', 'services/exchange/'].some((folder) => path.startsWith(folder)) ||
  path.endsWith('/system.test.ts');

function phases(files: string[]): { files: string[]; concurrency: number }[] {
  return [
    { files: files.filter((path) => !isWholeSystem(path)), concurrency: 2 },
    { files: files.filter(isWholeSystem), concurrency: 1 },
  ].filter(({ files }) => files.length > 0);
}

async function runTests(
  files: string[],
  concurrency: number,
  env: NodeJS.ProcessEnv,
  countsFile: string,
): Promise<Counts> {
  rmSync(countsFile, { force: true });
  const args = [
    '--test',
    '--test-reporter=./infra/scripts/reporter.mjs',
    `--test-concurrency=${concurrency}`,
    `--test-timeout=${files.some(isLong) ? LONG_TEST_TIMEOUT_MS : TEST_TIMEOUT_MS}`,
  ];
  const code = await run(process.execPath, [...args, ...files], { ...env, CAUSEWAY_TEST_COUNTS: countsFile });
  const counts: Counts = existsSync(countsFile)
    ? JSON.parse(readFileSync(countsFile, 'utf8'))
    : { passed: 0, failed: 0 };
  // A runner that ended badly, or ran nothing, is a failure however many tests it counted.
  const nothing = counts.passed + counts.failed === 0;
  return counts.failed === 0 && (code !== 0 || nothing) ? { ...counts, failed: 1 } : counts;
}

function add(counts: Counts, more: Counts): void {
  counts.passed += more.passed;
  counts.failed += more.failed;
}

async function main(home: string): Promise<Counts> {
  const anyClientSecret = 'any-organisation-of-a-test';
  const stopping = new AbortController();
  const stop = () => stopping.abort(new Error('the test run was stopped'));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  const starting = startParts(
    {
      home,
      environment: {},
      ports: freePorts(),
      principals: [...TEST_ORGANISATIONS],
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
    const counts = checks.status === 'fulfilled' ? checks.value : { passed: 0, failed: 1 };
    const env = {
      ...process.env,
      ...testSettings(parts, anyClientSecret),
      // Each file is a process that reads much of the project: what one has stripped and compiled, the next takes as it is.
      NODE_COMPILE_CACHE: join(home, 'compiled'),
    };
    for (const { files, concurrency } of phases(testFiles()))
      add(counts, await runTests(files, concurrency, env, join(home, 'counts.json')));
    return counts;
  } finally {
    await parts.stop();
  }
}

const home = mkdtempSync(join(tmpdir(), 'causeway-test-'));
let result: Counts;
try {
  result = await main(home);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  result = { passed: 0, failed: 1 };
} finally {
  rmSync(home, { recursive: true, force: true });
}
say(`\n${result.passed} passed, ${result.failed} failed`);
process.exit(result.failed > 0 ? 1 : 0);
