import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const bootId =
  process.platform === 'linux' ? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() : '';

/** When the process began, in a form that is only compared; null when there is none or only its zombie. */
export function startedAt(pid: number): string | null {
  try {
    if (process.platform !== 'linux') {
      const ps = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
      return ps.trim() || null;
    }
    const fields = statOf(pid);
    return fields[0] === 'Z' || fields[0] === 'X' ? null : `${bootId}/${fields[19]}`;
  } catch {
    return null;
  }
}

/** The fields of /proc/<pid>/stat from the third on: the second is in brackets and may hold anything. */
function statOf(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** The parent's process id; null when there is no such process or no way to tell. */
export function parentOf(pid: number): number | null {
  if (pid === process.pid) return process.ppid;
  if (process.platform !== 'linux') return null;
  try {
    return Number(statOf(pid)[1]);
  } catch {
    return null;
  }
}
