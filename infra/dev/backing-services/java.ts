import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repository } from '../../common/paths.ts';
import { CannotStart } from '../../common/settings.ts';

const run = promisify(execFile);
/** A second or two, but for a machine that does much else. */
const TOOL_MS = 180_000;

/** Where `infra/scripts/setup.mjs` puts what was downloaded; shared by every home and kept by `--fresh`. */
export const partsCache = join(repository, '.causeway', 'cache', 'parts');
export const kafkaJars = join(partsCache, 'kafka', '*');

export const java = process.env.JAVA_HOME ? join(process.env.JAVA_HOME, 'bin', 'java') : 'java';

/** Small heaps and the quick compiler only: these parts share a laptop with everything else. */
export const smallJvm = (maxHeapMb: number) => [
  `-Xms${Math.min(256, maxHeapMb)}m`,
  `-Xmx${maxHeapMb}m`,
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Djava.awt.headless=true',
];

/**
 * Runs one of Kafka's command-line tools to its end. Its arguments go through a file that only we can
 * read, because a process list shows command lines, and these hold passwords.
 */
export async function runKafkaTool(
  directory: string,
  mainClass: string,
  args: string[],
  env = javaEnvironment(),
): Promise<string> {
  const path = join(directory, `tool-${process.pid}-${Math.random().toString(36).slice(2)}.args`);
  const quoted = ['-cp', kafkaJars, mainClass, ...args].map(
    (arg) => `"${arg.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`,
  );
  writeFileSync(path, quoted.join('\n'), { mode: 0o600 });
  try {
    const flags = ['-Xshare:auto', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xmx256m'];
    const running = run(java, [...flags, `@${path}`], { env, timeout: TOOL_MS });
    const end = () => running.child.kill('SIGKILL');
    process.once('exit', end);
    const { stdout } = await running.finally(() => process.off('exit', end));
    return stdout;
  } catch (error) {
    throw new CannotStart(`Kafka's ${mainClass} failed: ${complaint(error)}`);
  } finally {
    rmSync(path, { force: true });
  }
}

/** Its last words, without its command line, and without what it prints of log-ins that it makes. */
const complaint = (error: unknown): string => {
  const { stderr, stdout, code, killed } = error as {
    stderr?: string;
    stdout?: string;
    code?: unknown;
    killed?: boolean;
  };
  if (code === 'ENOENT') return 'there is no Java on this machine; install Java 17 or later';
  if (killed) return `it did not end within ${TOOL_MS / 1_000} s; this machine is very busy`;
  const lines = `${stdout ?? ''}\n${stderr ?? ''}`
    .split('\n')
    .filter((line) => !/scram|storedKey/i.test(line));
  return lines.join('\n').trim().split('\n').slice(-3).join(' ') || String(code);
};

/** What a Java process of ours sees of this process's environment. */
export function javaEnvironment(): Record<string, string> {
  const env: Record<string, string> = { LC_ALL: 'C.UTF-8' };
  for (const name of ['PATH', 'JAVA_HOME', 'TZ', 'TMPDIR']) {
    const value = process.env[name];
    if (value) env[name] = value;
  }
  return env;
}
