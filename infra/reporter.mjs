// The usual report, and as its last line how many tests passed and failed.

import { Readable } from 'node:stream';
import { spec } from 'node:test/reporters';

// Checks that ran before the tests count with them.
const counts = {
  passed: Number(process.env.CAUSEWAY_CHECKS_PASSED ?? 0),
  failed: Number(process.env.CAUSEWAY_CHECKS_FAILED ?? 0),
};

async function* counted(source) {
  for await (const event of source) {
    const { data, type } = event;
    const isTest = type === 'test:pass' || type === 'test:fail';
    // A skipped test and a suite around tests are neither passed nor failed; a file that broke is failed.
    if (isTest && data.details?.type !== 'suite' && data.skip === undefined && data.todo === undefined) {
      if (type === 'test:fail') counts.failed += 1;
      else counts.passed += 1;
    }
    yield event;
  }
}

export default async function* report(source) {
  yield* Readable.from(counted(source)).compose(new spec());
  // No test at all is a mistake in the call, not a success.
  if (counts.passed === 0 && counts.failed === 0) counts.failed = 1;
  if (counts.failed > 0) process.exitCode = 1;
  yield `\n${counts.passed} passed, ${counts.failed} failed\n`;
}
