import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** One of our commands, as `npm run` would start it. */
export type Command = (script: string, ...args: string[]) => Promise<{ code: number; output: string }>;

/** Runs commands against the system whose state is below that folder. */
export const commandOn =
  (home: string): Command =>
  async (script, ...args) => {
    const env = { ...process.env, CAUSEWAY_HOME: home };
    try {
      const path = join(import.meta.dirname, '../..', script);
      const { stdout, stderr } = await run(process.execPath, [path, ...args], { env });
      return { code: 0, output: stdout + stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, output: stdout + stderr };
    }
  };
