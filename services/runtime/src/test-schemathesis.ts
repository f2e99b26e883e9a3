/** For long tests of HTTP doors: schemathesis from PyPI, in a virtual environment of its own. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** Where it is installed, and where it runs. */
export const SCHEMATHESIS_HOME = join(import.meta.dirname, '../../../.causeway/schemathesis');
const VERSION = 'schemathesis==4.32.5';

export const runThere = (command: string, args: string[]): Promise<{ code: number | null; output: string }> =>
  new Promise((resolve) => {
    // It leaves what it found where it runs.
    const child = spawn(command, args, { cwd: SCHEMATHESIS_HOME, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        output += chunk;
      });
    child.on('error', () => resolve({ code: null, output: `${command} is not installed` }));
    child.on('close', (code) => resolve({ code, output }));
  });

/** The program; made once. */
export const schemathesis = async (): Promise<string> => {
  const program = join(SCHEMATHESIS_HOME, 'bin/st');
  if (existsSync(program)) return program;
  mkdirSync(SCHEMATHESIS_HOME, { recursive: true });
  for (const [command, args] of [
    ['python3', ['-m', 'venv', SCHEMATHESIS_HOME]],
    [join(SCHEMATHESIS_HOME, 'bin/pip'), ['install', '--quiet', VERSION]],
  ] as const) {
    const { code, output } = await runThere(command, [...args]);
    assert.equal(code, 0, output);
  }
  return program;
};
