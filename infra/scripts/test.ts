import { execFile, spawn } from 'node:child_process';
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { finished } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
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
  if (positionals.length > 0) return positionals.map((path) => relative(repository, resolve(path)));
  return globSync(PATTERN, { cwd: repository, exclude: (name) => name === 'node_modules' })
    .filter((path) => !path.split('/').includes('node_modules'))
    .filter((path) => values.long || !isLong(path))
    .sort();
}

type Counts = { passed: number; failed: number };

/** Resolves with the exit code; the child is ended with us. */
function runCommand(command: string, args: string[], env: NodeJS.ProcessEnv): Promise<number> {
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
  const failed = (await runCommand('turbo', args, env)) === 0 ? 0 : 1;
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
 * Files that start whole systems or kill parts of them: they mostly wait, so they run one after the other beside the many
 * short ones, and never two of them at once.
 */
const isWholeSystem = (path: string): boolean =>
  path.startsWith('infra/end-to-end/') ||
  path.startsWith('infra/dev/') ||
  path.startsWith('services/exchange/');

type Report = { counts: Counts; seconds: Map<string, number> };

/** Runs the files, each in a process of its own, and reports them as they end. */
async function runTests(files: string[], signal: AbortSignal): Promise<Counts> {
  const report: Report = { counts: { passed: 0, failed: 0 }, seconds: new Map() };
  const short = files.filter((path) => !isWholeSystem(path));
  const whole = files.filter(isWholeSystem);
  const stopWatching = endHangingFiles(files.some(isLong) ? 2 * LONG_TEST_TIMEOUT_MS : 2 * TEST_TIMEOUT_MS);
  if (values.long) await runFiles([...short, ...whole], 1, report, signal);
  else
    await Promise.all([
      runFiles(short, availableParallelism(), report, signal),
      runFiles(whole, 1, report, signal),
    ]);
  stopWatching();
  sayWhatTookLongest(report.seconds);
  const { passed, failed } = report.counts;
  // A run in which nothing was tested is a failure.
  return { passed, failed: passed + failed === 0 ? 1 : failed };
}

async function runFiles(
  files: string[],
  concurrency: number,
  { counts, seconds }: Report,
  signal: AbortSignal,
): Promise<void> {
  if (files.length === 0) return;
  const stream = run({
    files: files.map((path) => join(repository, path)),
    concurrency,
    timeout: files.some(isLong) ? LONG_TEST_TIMEOUT_MS : TEST_TIMEOUT_MS,
    signal,
  });
  stream.on('data', ({ type, data }) => {
    if (type === 'test:summary' && data.file !== undefined)
      seconds.set(relative(repository, data.file), data.duration_ms / 1_000);
    if (type !== 'test:pass' && type !== 'test:fail') return;
    // A skipped test and a suite around tests are neither passed nor failed; a file that broke is failed.
    if (data.details.type === 'suite' || data.skip !== undefined || data.todo !== undefined) return;
    counts[type === 'test:pass' ? 'passed' : 'failed'] += 1;
  });
  const report = stream.compose(new spec());
  report.pipe(process.stdout, { end: false });
  await finished(report);
}

const LOOK_EVERY_MS = 10_000;

/**
 * A file whose event loop spins, or whose `before` waits for ever, does not come to the time limit of its tests: its process
 * is ended after `ms`, and the file counts as failed.
 */
function endHangingFiles(ms: number): () => void {
  const firstSeen = new Map<number, number>();
  const look = () =>
    execFile('ps', ['-A', '-o', 'pid=,ppid=,args='], (error, processes) => {
      if (error) return;
      for (const line of processes.split('\n')) {
        const [pid, parent, ...args] = line.trim().split(/ +/);
        const file = args.at(-1);
        if (Number(parent) !== process.pid || !file?.endsWith('.test.ts')) continue;
        const since = firstSeen.get(Number(pid)) ?? Date.now();
        firstSeen.set(Number(pid), since);
        if (Date.now() - since < ms) continue;
        say(`${relative(repository, file)} hangs; it is ended after ${ms / 60_000} minutes`);
        process.kill(Number(pid), 'SIGKILL');
      }
    });
  const timer = setInterval(look, LOOK_EVERY_MS);
  return () => clearInterval(timer);
}

const SHOWN = 10;

function sayWhatTookLongest(seconds: ReadonlyMap<string, number>): void {
  const slowest = [...seconds].toSorted((a, b) => b[1] - a[1]).slice(0, SHOWN);
  say(`\nThe ${slowest.length} slowest files:`);
  for (const [file, took] of slowest) say(`${took.toFixed(1).padStart(7)} s  ${file}`);
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
    Object.assign(process.env, {
      ...testSettings(parts, anyClientSecret),
      // Each file is a process that reads much of the project: what one has stripped and compiled, the next takes as it is.
      NODE_COMPILE_CACHE: join(home, 'compiled'),
    });
    const { passed, failed } = await runTests(testFiles(), stopping.signal);
    return { passed: counts.passed + passed, failed: counts.failed + failed };
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
