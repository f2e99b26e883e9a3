// The usual report, and for whoever started the run the counts in the file that CAUSEWAY_TEST_COUNTS names.

import { writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { spec } from 'node:test/reporters';

const counts = { passed: 0, failed: 0 };

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
  if (process.env.CAUSEWAY_TEST_COUNTS)
    writeFileSync(process.env.CAUSEWAY_TEST_COUNTS, JSON.stringify(counts));
}
