import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestBus, type TestBus, testToken } from '@causeway/testing/bus';
import fc from 'fast-check';
import { isPermanent } from '../errors.ts';
import { createLogger } from '../telemetry/log.ts';
import { createLinks } from './identity-links.ts';
import { followOrganisations } from './organisations.ts';
import {
  followSafeguards,
  parseSafeguard,
  type Safeguard,
  safeguardRecord,
  withdrawnSafeguardRecord,
} from './safeguards.ts';

const LOG = createLogger('test', 'fatal');
const safeguard = (change: Partial<Safeguard> = {}): Safeguard => ({
  writer: 'nhs-trust',
  reference: 'flag-1',
  kind: 'shielded',
  tokens: [testToken('nhs'), testToken('local')],
  since: '2026-10-01',
  review: '2027-10-01',
  ...change,
});

let bus: TestBus;
before(async () => {
  bus = await createTestBus(1);
});
after(() => bus?.close());

test('a safeguard of one organisation protects everywhere until it is withdrawn, and a broken record does not end it', async () => {
  const [trust = ''] = bus.organisations;
  const organisations = followOrganisations(bus.kafka, LOG);
  await organisations.caughtUp;
  const safeguards = followSafeguards(bus.kafka, organisations, LOG);
  await safeguards.caughtUp;
  const newcomer = await bus.addOrganisation();
  const person = [testToken(`nhs ${trust}`)];
  const mine = safeguard({ tokens: person, demographic: testToken(`name ${trust}`) });
  const theirs = safeguard({ tokens: person, kind: 'objection-upheld' });
  const kinds = (tokens = person) =>
    safeguards
      .protecting(tokens, createLinks())
      .map(({ kind, match }) => `${kind} ${match}`)
      .sort();
  const until = async (wanted: string[]) => {
    while (kinds().join() !== wanted.join()) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  await bus.producer.send([safeguardRecord(trust, mine), safeguardRecord(newcomer, theirs)]);
  await until(['objection-upheld verified', 'shielded verified']);
  assert.deepEqual(kinds([testToken(`name ${trust}`)]), ['shielded possible']);
  const { key, topic } = safeguardRecord(trust, mine);
  await bus.producer.send([
    { topic, partition: 0, key: key ?? '', value: Buffer.from('{}') },
    withdrawnSafeguardRecord(newcomer, theirs),
  ]);
  await until(['shielded verified']);
  await bus.producer.send([withdrawnSafeguardRecord(trust, mine)]);
  await until([]);
  await Promise.all([safeguards.close(), organisations.close()]);
});

test('what is no safeguard is refused by the names of its members and never quoted', () => {
  for (const change of [
    { kind: 'x' },
    { tokens: [] },
    { review: 'later' },
    { since: '' },
    { reference: 'a b' },
  ]) {
    const [member = ''] = Object.keys(change);
    assert.throws(() => safeguardRecord('trust', safeguard(change as Partial<Safeguard>)), {
      code: 'invalid-safeguard',
      message: new RegExp(member),
    });
  }
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
      try {
        parseSafeguard(Buffer.from(text));
      } catch (error) {
        assert.ok(isPermanent(error) && error.code === 'invalid-safeguard');
      }
    }),
  );
});
