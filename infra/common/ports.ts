import { randomInt } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startedAt } from './processes.ts';
import { CannotStart, type Environment } from './settings.ts';

export const LOOPBACK = '127.0.0.1';

/** Whether a server could listen there now. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

const CLAIMS = join(tmpdir(), `causeway-ports-${process.getuid?.() ?? 0}`);

/**
 * Another start on this machine may look for ports at the same time, and a port is only taken once its part
 * listens. So a port is claimed by a file with the number of the process; a claim of a process that is gone is void.
 */
function claim(port: number): boolean {
  mkdirSync(CLAIMS, { recursive: true });
  const path = join(CLAIMS, String(port));
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    const owner = Number(readFileSync(path, { encoding: 'utf8', flag: 'a+' }));
    if (owner && startedAt(owner) !== null) return false;
    rmSync(path, { force: true });
    return false;
  }
}

/**
 * A free port below the range from which the system gives ports to outgoing connections: a part that is
 * restarted must find its own port still free.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 500; attempt += 1) {
    const port = randomInt(20_000, 32_000);
    if (claim(port) && (await isFree(port))) return port;
  }
  throw new Error('no free port between 20000 and 32000 on the loopback address');
}

/** Where each thing listens: the given variable's value or default, or any free port for a test. */
export type PortPlan = { of(variable: string, usual: number): Promise<number> };

export function fixedPorts(env: Environment): PortPlan {
  return {
    async of(variable, usual) {
      const text = env[variable] || String(usual);
      const port = Number(text);
      if (!Number.isInteger(port) || port < 1 || port > 65_535) {
        throw new CannotStart(`${variable} must be a port number from 1 to 65535; it is "${text}".`);
      }
      return port;
    },
  };
}

/** Free ports, the same one each time a variable is asked for. */
export function freePorts(): PortPlan {
  const given = new Map<string, Promise<number>>();
  return {
    of(variable) {
      const port = given.get(variable) ?? freePort();
      given.set(variable, port);
      return port;
    },
  };
}
