import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createTestBus } from '@causeway/runtime/test-bus';
import { loadCatalogue } from '@causeway/schemas/catalogue';
import { freePort, runAdapter, sampleAgreement, startIssuer } from './adapter-on-the-bus.ts';

const HOME = join(import.meta.dirname, '../../../../.causeway/schemathesis');
const VERSION = 'schemathesis==4.32.5';

const run = (command: string, args: string[]): Promise<{ code: number | null; output: string }> =>
  new Promise((resolve) => {
    // It leaves what it found where it runs.
    const child = spawn(command, args, { cwd: HOME, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        output += chunk;
      });
    child.on('error', () => resolve({ code: null, output: `${command} is not installed` }));
    child.on('close', (code) => resolve({ code, output }));
  });

/** In a virtual environment of its own, made once. */
const schemathesis = async (): Promise<string> => {
  const program = join(HOME, 'bin/st');
  if (existsSync(program)) return program;
  mkdirSync(HOME, { recursive: true });
  for (const [command, args] of [
    ['python3', ['-m', 'venv', HOME]],
    [join(HOME, 'bin/pip'), ['install', '--quiet', VERSION]],
  ] as const) {
    const { code, output } = await run(command, [...args]);
    assert.equal(code, 0, output);
  }
  return program;
};

test('schemathesis finds nothing wrong with the door by its OpenAPI document', async (t) => {
  const program = await schemathesis();
  const bus = await createTestBus(2);
  const [force = '', council = ''] = bus.organisations;
  for (const { type, siblingOf } of loadCatalogue())
    if (type.startsWith('uk.causeway.police.') && siblingOf.length === 0)
      await bus.activate(
        sampleAgreement(`any-${randomBytes(5).toString('hex')}`, {
          from: force,
          to: council,
          type,
          fields: ['caseReference'],
        }),
      );
  const issuer = await startIssuer(force);
  const adapter = await runAdapter(bus, force, {
    issuer,
    rmsPort: await freePort(),
    schema: `police_${randomBytes(5).toString('hex')}`,
    env: { POLICE_RECORDS_REQUESTS_PER_SECOND: '10000', POLICE_RECORDS_SINK: 'false' },
  });
  try {
    await adapter.ready();
    const authorization = `Authorization: Bearer ${await issuer.token()}`;
    const { code, output } = await run(program, ['run', `${adapter.url}/openapi.json`, '-H', authorization]);
    t.diagnostic(/\d+ generated.*/.exec(output)?.[0] ?? '');
    assert.equal(code, 0, output);
  } finally {
    await adapter.stop();
    await issuer.close();
    await bus.close();
  }
});
