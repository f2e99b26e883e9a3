import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Random secrets of one system, each made at its first use and kept in a file of its own. */
export type Secrets = { directory: string; get(name: string): string };

export function openSecrets(directory: string): Secrets {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return { directory, get: (name) => readSecret(directory, name) ?? makeSecret(directory, name) };
}

/** The secret when it was made already, otherwise null. */
export function readSecret(directory: string, name: string): string | null {
  try {
    return readFileSync(join(directory, name), 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Under which the password of a Kafka log-in is kept. */
export const principalSecret = (principal: string) => `kafka-${principal}`;

function makeSecret(directory: string, name: string): string {
  const value = randomBytes(32).toString('base64url');
  writeFileSync(join(directory, name), value, { mode: 0o600, flag: 'wx' });
  return value;
}
