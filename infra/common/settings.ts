import { resolve } from 'node:path';
import { repository } from './paths.ts';

export type Environment = Record<string, string | undefined>;

/** A setting that cannot be used, or a machine that cannot serve it: its message is all that is shown. */
export class CannotStart extends Error {}

export const homeOf = (env: Environment): string => resolve(repository, env.CAUSEWAY_HOME || '.causeway');
export const agreementsOf = (env: Environment): string =>
  resolve(repository, env.CAUSEWAY_AGREEMENTS_DIR || 'infra/partnership/agreements');
export const organisationsOf = (env: Environment): string =>
  resolve(repository, env.CAUSEWAY_ORGANISATIONS_DIR || 'infra/partnership/organisations');
export const organisationsDirectory = organisationsOf({});
export const interestsDirectory = resolve(repository, 'infra/partnership/interests');
