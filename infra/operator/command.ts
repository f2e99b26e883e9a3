import { CannotStart } from '../common/settings.ts';

/** Runs a command: its answer is the exit code; what it cannot do is printed in one sentence with the exit code `cannot`. */
export async function runCommand(main: (args: string[]) => Promise<number>, cannot = 2): Promise<void> {
  // The reader of our output may have seen enough, `head` for one.
  process.stdout.on('error', () => process.exit());
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    const expected =
      error instanceof CannotStart || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS');
    if (!expected) throw error;
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = cannot;
  }
}
