/** For long tests of HTTP doors: schemathesis from PyPI, in a virtual environment of its own. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const HOME = join(import.meta.dirname, '../../../.causeway/schemathesis');
const VERSION = 'schemathesis==4.32.5';

/** One after the other, each for itself: what one finds does not hide behind another that takes its time. */
export const PHASES = ['examples,coverage', 'fuzzing', 'stateful'] as const;
const EXAMPLES = process.env.SCHEMATHESIS_EXAMPLES ?? '25';

/** What a phase is run with. `config` is the text of a `schemathesis.toml`. */
type Checked = {
  document: string;
  token: string;
  phase: (typeof PHASES)[number];
  config?: string;
  args?: string[];
  signal: AbortSignal;
};

/** Runs one phase against a door and fails with all that was found. Gives how many requests were made, in words. */
export const checkDoor = async (door: Checked): Promise<string> => {
  const program = await installed(door.signal);
  const config = join(HOME, `${process.pid}.toml`);
  writeFileSync(config, door.config ?? '');
  const { code, output } = await run(
    program,
    [
      ...['--config-file', config, 'run', door.document, '--phases', door.phase],
      ...['--workers', '1', '--max-examples', EXAMPLES, '--no-shrink'],
      // A long poll may take 30 s; a busy machine takes its time over each example.
      ...['--request-timeout', '60', '--suppress-health-check', 'all'],
      ...['-H', `Authorization: Bearer ${door.token}`],
      ...(door.args ?? []),
      ...(process.env.SCHEMATHESIS_ARGUMENTS ?? '').split(' ').filter(Boolean),
    ],
    door.signal,
  );
  assert.equal(code, 0, output);
  const made = /\d+ generated.*/.exec(output)?.[0];
  assert.ok(made, output);
  return made;
};

const run = (
  command: string,
  args: string[],
  signal: AbortSignal,
): Promise<{ code: number | null; output: string }> =>
  new Promise((resolve) => {
    // It leaves what it found where it runs.
    const child = spawn(command, args, { cwd: HOME, stdio: ['ignore', 'pipe', 'pipe'], signal });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        output += chunk;
      });
    child.on('error', (error) => resolve({ code: null, output: `${output}${command}: ${error.message}` }));
    child.on('close', (code) => resolve({ code, output }));
  });

/** The program; made once. */
const installed = async (signal: AbortSignal): Promise<string> => {
  const program = join(HOME, 'bin/st');
  if (existsSync(program)) return program;
  mkdirSync(HOME, { recursive: true });
  for (const [command, args] of [
    ['python3', ['-m', 'venv', HOME]],
    [join(HOME, 'bin/pip'), ['install', '--quiet', VERSION]],
  ] as const) {
    const { code, output } = await run(command, [...args], signal);
    assert.equal(code, 0, output);
  }
  return program;
};
