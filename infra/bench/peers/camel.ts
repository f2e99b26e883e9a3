import { execFile, spawn } from 'node:child_process';
import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../../common/ports.ts';
import { java, javaEnvironment, partsCache } from '../../dev/backing-services/java.ts';

const run = promisify(execFile);
const SOURCE = join(import.meta.dirname, 'camel');
const LIBRARIES = join(partsCache, '..', 'camel');
const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:2.8:copy-dependencies';
const START_MS = 60_000;

export type Camel = { port: number; pid: number; stop(): Promise<void> };

/** Fetches the peer's jars from Maven Central, once until its pom changes. */
const fetchLibraries = async (): Promise<string> => {
  const pom = join(SOURCE, 'pom.xml');
  const isCurrent = existsSync(LIBRARIES) && statSync(LIBRARIES).mtimeMs > statSync(pom).mtimeMs;
  if (isCurrent) return LIBRARIES;
  const fresh = `${LIBRARIES}.new`;
  rmSync(fresh, { recursive: true, force: true });
  const args = ['-q', '-B', '-f', pom, COPY, '-DincludeScope=runtime', `-DoutputDirectory=${fresh}`];
  await run('mvn', args);
  rmSync(LIBRARIES, { recursive: true, force: true });
  renameSync(fresh, LIBRARIES);
  return LIBRARIES;
};

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

/** Starts Apache Camel on a free port: HL7 v2 over MLLP to the topic, `AA` once all in-sync replicas have it. */
export const startCamel = async (access: Record<string, string>, topic: string): Promise<Camel> => {
  const libraries = await fetchLibraries();
  const classes = `${libraries}/classes`;
  await run('javac', ['-cp', `${libraries}/*`, '-d', classes, join(SOURCE, 'Main.java')]);
  const port = await freePort();
  const child = spawn(java, ['-Xmx512m', '-cp', `${classes}:${libraries}/*`, 'Main'], {
    env: { ...javaEnvironment(), ...access, MLLP_PORT: String(port), KAFKA_TOPIC: topic },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  for (const until = Date.now() + START_MS; !(await accepts(port)); await delay(200)) {
    if (child.exitCode !== null || Date.now() > until) throw new Error('Apache Camel did not start');
  }
  return {
    port,
    pid: child.pid ?? 0,
    stop: async () => {
      child.kill();
      await exited;
      process.off('exit', end);
    },
  };
};
