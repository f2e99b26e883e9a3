import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repository } from '../common/paths.ts';

const run = promisify(execFile);
const cache = join(repository, '.causeway', 'cache', 'prometheus');
const DEADLINE_MS = 120_000;

/**
 * The folder with `prometheus` and `promtool`: those of the machine, or of Debian's package, which is fetched once and unpacked
 * without being installed.
 * @throws Error that says what to install where neither is to be had
 */
export async function prometheusTools(): Promise<string> {
  const own = (process.env.PATH ?? '').split(':').find((folder) => existsSync(join(folder, 'promtool')));
  if (own) return own;
  const fetched = join(cache, 'usr', 'bin');
  if (existsSync(join(fetched, 'promtool'))) return fetched;
  try {
    await fetchPackage();
  } catch (cause) {
    throw new Error('promtool is needed for this test: install Prometheus, so that promtool is on the path', {
      cause,
    });
  }
  return fetched;
}

async function fetchPackage(): Promise<void> {
  mkdirSync(join(cache, '..'), { recursive: true });
  const work = mkdtempSync(`${cache}-`);
  try {
    const download = () => run('apt-get', ['download', 'prometheus'], { cwd: work, timeout: DEADLINE_MS });
    // A machine that has never asked knows no packages.
    await download().catch(async () => {
      await run('apt-get', ['update'], { timeout: DEADLINE_MS });
      await download();
    });
    const [file = ''] = readdirSync(work).filter((name) => name.endsWith('.deb'));
    await run('dpkg-deb', ['-x', join(work, file), join(work, 'unpacked')]);
    if (!existsSync(cache)) renameSync(join(work, 'unpacked'), cache);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
