import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../../common/ports.ts';
import { partsCache } from '../../dev/backing-services/java.ts';

const run = promisify(execFile);
const HOME = join(partsCache, '..', 'kafka-hooks');
const PACKAGES = {
  '@platformatic/kafka-hooks': '0.6.4',
  '@platformatic/service': '3.69.0',
  wattpm: '3.67.0',
};
const PLUGIN = join(HOME, 'node_modules/@platformatic/kafka-hooks/lib/plugin.js');
/** On a machine that has other things to do it takes more than a minute. */
const START_MS = 240_000;

export type KafkaHooks = { pid: number; kill(): Promise<void>; stop(): Promise<void> };
type Access = { KAFKA_BROKERS: string; KAFKA_USERNAME: string; KAFKA_PASSWORD: string };

/** Installed from npm by the benchmark and by nothing else. Its producers take no log-in, which is added. */
const install = async (): Promise<void> => {
  const manifest = JSON.stringify({ private: true, type: 'module', dependencies: PACKAGES });
  const path = join(HOME, 'package.json');
  if (existsSync(PLUGIN) && readFileSync(path, 'utf8') === manifest) return;
  rmSync(HOME, { recursive: true, force: true });
  mkdirSync(HOME, { recursive: true });
  writeFileSync(path, manifest);
  await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: HOME });
  const brokers = 'bootstrapBrokers: configuration.kafka.brokers,';
  const plugin = readFileSync(PLUGIN, 'utf8');
  writeFileSync(PLUGIN, plugin.replaceAll(brokers, `${brokers} sasl: configuration.kafka.consumer.sasl,`));
};

/** Starts it as its makers say, in production mode, with a group that begins at the oldest record. */
export const startKafkaHooks = async (
  access: Access,
  { topic, url, group, concurrency }: { topic: string; url: string; group: string; concurrency: number },
): Promise<KafkaHooks> => {
  await install();
  const port = await freePort();
  const config = join(HOME, 'platformatic.json');
  const sasl = {
    mechanism: 'SCRAM-SHA-512',
    username: access.KAFKA_USERNAME,
    password: access.KAFKA_PASSWORD,
  };
  const settings = {
    module: '@platformatic/kafka-hooks',
    server: { hostname: '127.0.0.1', port, logger: { level: 'fatal' } },
    kafka: {
      brokers: access.KAFKA_BROKERS.split(','),
      topics: [{ topic, url, dlq: 'bench.kafka-hooks-dlq' }],
      consumer: {
        groupId: group,
        mode: 'committed',
        fallbackMode: 'earliest',
        maxWaitTime: 50,
        sessionTimeout: 10_000,
        rebalanceTimeout: 15_000,
        heartbeatInterval: 500,
        sasl,
      },
      concurrency,
    },
  };
  writeFileSync(config, JSON.stringify(settings), { mode: 0o600 });
  const child = spawn(process.execPath, ['node_modules/wattpm/bin/cli.js', 'start'], {
    cwd: HOME,
    env: { PATH: process.env.PATH, NODE_ENV: 'production' },
    stdio: 'ignore',
  });
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  try {
    for (const until = Date.now() + START_MS; !(await answers(port)); await delay(200))
      if (child.exitCode !== null || Date.now() > until) throw new Error('kafka-hooks did not start');
  } finally {
    rmSync(config);
  }
  const stopped = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await exited;
    process.off('exit', end);
  };
  return {
    pid: child.pid ?? 0,
    kill: () => stopped('SIGKILL'),
    stop: () => stopped('SIGKILL'),
  };
};

const answers = (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(5_000) }).then(
    async (answer) => {
      await answer.arrayBuffer();
      return true;
    },
    () => false,
  );
