import { resolve } from 'node:path';
import { repository } from './paths.ts';
import { freePort } from './ports.ts';

export type Environment = Record<string, string | undefined>;

/** A setting that cannot be used, or a machine that cannot serve it: its message is all that is shown. */
export class CannotStart extends Error {}

export const homeOf = (env: Environment): string => resolve(repository, env.CAUSEWAY_HOME || '.causeway');
export const agreementsOf = (env: Environment): string =>
  resolve(repository, env.CAUSEWAY_AGREEMENTS_DIR || 'infra/partnership/agreements');
export const organisationsDirectory = resolve(repository, 'infra/partnership/organisations');
export const interestsDirectory = resolve(repository, 'infra/partnership/interests');

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
