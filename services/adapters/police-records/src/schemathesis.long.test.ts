import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createTestBus } from '@causeway/runtime/test-bus';
import { runThere, schemathesis } from '@causeway/runtime/test-schemathesis';
import { loadCatalogue } from '@causeway/schemas/catalogue';
import { freePort, runForce, sampleAgreement, startIssuer } from './adapter-on-the-bus.ts';

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
  const adapter = await runForce(bus, force, {
    issuer,
    rmsPort: await freePort(),
    schema: `police_${randomBytes(5).toString('hex')}`,
    env: { POLICE_RECORDS_REQUESTS_PER_SECOND: '10000', POLICE_RECORDS_SINK: 'false' },
  });
  try {
    await adapter.ready();
    const authorization = `Authorization: Bearer ${await issuer.token()}`;
    const { code, output } = await runThere(program, [
      'run',
      `${adapter.url}/openapi.json`,
      '-H',
      authorization,
    ]);
    t.diagnostic(/\d+ generated.*/.exec(output)?.[0] ?? '');
    assert.equal(code, 0, output);
  } finally {
    await adapter.stop();
    await issuer.close();
    await bus.close();
  }
});
