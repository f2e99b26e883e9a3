import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { createTestBus, type TestBus } from '@causeway/testing/bus';
import { freePort } from '@causeway/testing/free-port';
import { checkDoor, PHASES } from '@causeway/testing/schemathesis';
import { runForce, sampleAgreement, startIssuer } from './testing/adapter-on-the-bus.ts';

let bus: TestBus;
let issuer: Awaited<ReturnType<typeof startIssuer>>;
let adapter: Awaited<ReturnType<typeof runForce>>;

before(async () => {
  bus = await createTestBus(2);
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
  issuer = await startIssuer(force);
  adapter = await runForce(bus, force, {
    issuer,
    rmsPort: await freePort(),
    schema: `police_${randomBytes(5).toString('hex')}`,
    env: { POLICE_RECORDS_REQUESTS_PER_SECOND: '10000', POLICE_RECORDS_SINK: 'false' },
  });
  await adapter.ready();
});

after(async () => {
  await adapter?.stop();
  await issuer?.close();
  await bus?.close();
});

describe('schemathesis finds nothing wrong with the door by its OpenAPI document', () => {
  // One operation has no other to go on to: there is no state to walk through.
  for (const phase of PHASES.filter((one) => one !== 'stateful'))
    test(phase, async (t) => {
      const [document, token] = [`${adapter.url}/openapi.json`, await issuer.token()];
      t.diagnostic(await checkDoor({ document, token, phase, signal: t.signal }));
    });
});
