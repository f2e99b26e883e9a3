import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/**
 * The name under which this process holds leases: where it runs, its process id and something random. A process that
 * starts in the place of one that was killed can tell by it that nobody holds those leases any more, and need
 * not wait for them to run out. Being wrong about that is safe: each write is checked by its epoch.
 */
export const instanceName = (): string =>
  `${placeOf()}:${process.pid}:${randomBytes(6).toString('base64url')}`;

/** Whether the process of that name is certain not to run any more: in this place, and its process id is free or ours. */
export const isDead = (instance: string, own: string): boolean => {
  const [place, pid] = instance.split(':');
  if (instance === own || place !== own.split(':')[0]) return false;
  const id = Number(pid);
  if (!Number.isSafeInteger(id) || id < 1) return false;
  if (id === process.pid) return instance.split(':')[2] !== own.split(':')[2] && !siblings.has(instance);
  try {
    process.kill(id, 0);
    return false;
  } catch (error) {
    return (error as { code?: string }).code === 'ESRCH';
  }
};

/** Names in use in this very process: a test can run several instances in one. */
const siblings = new Set<string>();

export const register = (instance: string): void => void siblings.add(instance);
export const unregister = (instance: string): void => void siblings.delete(instance);

/** Host, boot and process id space: process ids mean something only within one of them. */
const placeOf = (): string => {
  const parts = [hostname()];
  for (const read of [
    () => readlinkSync('/proc/self/ns/pid'),
    () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
  ]) {
    try {
      parts.push(read());
    } catch {
      // Not on Linux: the host's name alone has to do.
    }
  }
  return createHash('sha256').update(parts.join(' ')).digest('base64url').slice(0, 12);
};
