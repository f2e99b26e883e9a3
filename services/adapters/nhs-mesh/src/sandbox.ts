/**
 * NHS England's own sandbox of MESH, for a machine that has Python: installed once into a virtual environment of its own, from
 * `sandbox/requirements.txt` with its hashes, and run from there.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SANDBOX } from './sandbox-login.ts';

const run = promisify(execFile);

type Around = {
  /** A folder that outlives a start. */
  cache: string;
  environment: Readonly<Record<string, string | undefined>>;
  say(line: string): void;
};

type ThirdPartySimulator =
  | { problem: string }
  /** How to run it on a port of 127.0.0.1, and where it says that it serves. */
  | { command: string; args(port: number): string[]; env: Record<string, string>; health: string };

const FOLDER = join(import.meta.dirname, '..', 'sandbox');
const REQUIREMENTS = join(FOLDER, 'requirements.txt');
/** Older and newer ones cannot run the sandbox. */
const PYTHONS = ['3.11', '3.12', '3.13'];
const VERSION = 'import sys; print("%d.%d" % sys.version_info[:2])';
const PATIENCE_MS = 180_000;

const RANGE = `${PYTHONS[0]} to ${PYTHONS.at(-1)}`;

const without = (why: string): ThirdPartySimulator => ({
  problem:
    `nhs-mesh is left out: ${why}. Install Python ${RANGE} with venv (on Debian: apt-get install python3-venv) ` +
    "for NHS England's sandbox of the national mailbox, or set NHS_MESH_URL to a mailbox.",
});

const firstPython = async (
  wanted: string | undefined,
): Promise<{ python: string; version: string } | undefined> => {
  const named = PYTHONS.map((version) => `python${version}`);
  for (const python of wanted ? [wanted] : ['python3', ...named, 'python']) {
    const version = await run(python, ['-c', VERSION]).then(
      ({ stdout }) => stdout.trim(),
      () => '',
    );
    if (PYTHONS.includes(version)) return { python, version };
  }
  return undefined;
};

const inside = (environment: string): string =>
  process.platform === 'win32'
    ? join(environment, 'Scripts', 'python.exe')
    : join(environment, 'bin', 'python');

/** Makes it under another name, so that a start that is killed leaves nothing half done where the next one looks. */
const install = async (python: string, folder: string): Promise<void> => {
  mkdirSync(join(folder, '..'), { recursive: true });
  const fresh = mkdtempSync(`${folder}.new-`);
  const patience = { timeout: PATIENCE_MS, maxBuffer: 10_000_000 };
  try {
    await run(python, ['-m', 'venv', fresh], patience);
    const pip = ['-m', 'pip', 'install', '--quiet', '--no-input', '--disable-pip-version-check'];
    const exactly = ['--require-hashes', '--only-binary', ':all:', '-r', REQUIREMENTS];
    await run(inside(fresh), [...pip, ...exactly], patience);
    renameSync(fresh, folder);
  } catch (error) {
    // Another start was quicker.
    if (!existsSync(folder)) throw error;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
};

/** Gets the sandbox ready to be run, or says why this machine cannot run it. Two starts at one time do not disturb each other. */
export const standIn = async ({ cache, environment, say }: Around): Promise<ThirdPartySimulator> => {
  const found = await firstPython(environment.NHS_MESH_PYTHON);
  if (found === undefined) return without(`there is no Python ${RANGE}`);
  const stamp = createHash('sha256')
    .update(`${found.version} ${process.platform} ${process.arch} `)
    .update(readFileSync(REQUIREMENTS))
    .digest('hex');
  const folder = join(cache, 'python', `mesh-sandbox-${stamp.slice(0, 16)}`);
  if (!existsSync(folder)) {
    say(`installing NHS England's MESH sandbox for Python ${found.version}, once …`);
    try {
      await install(found.python, folder);
    } catch (error) {
      const { stderr = '' } = error as { stderr?: string };
      const last = stderr.trim().split('\n').at(-1)?.slice(0, 200);
      return without(`the sandbox could not be installed${last ? ` (${last})` : ''}`);
    }
  }
  return {
    command: inside(folder),
    args: (port) => [join(FOLDER, 'serve.py'), String(port)],
    env: {
      AUTH_MODE: 'full',
      STORE_MODE: 'memory',
      SHARED_KEY: SANDBOX.sharedKey,
      PYTHONDONTWRITEBYTECODE: '1',
      // What the sandbox's own libraries warn it of is nobody's concern here.
      PYTHONWARNINGS: 'ignore',
    },
    health: '/health',
  };
};
