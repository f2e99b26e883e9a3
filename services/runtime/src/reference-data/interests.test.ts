import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestBus, type TestBus, testToken } from '@causeway/testing/bus';
import fc from 'fast-check';
import { isPermanent } from '../errors.ts';
import { createLogger } from '../telemetry/log.ts';
import { createLinks } from './identity-links.ts';
import {
  createInterests,
  followInterests,
  type Interest,
  interestRecord,
  parseInterest,
  withdrawnInterestRecord,
} from './interests.ts';
import { followOrganisations } from './organisations.ts';

const TODAY = '2026-10-05';
const APPENDED = Date.parse('2026-10-05T09:00:00Z');
const LOG = createLogger('test', 'fatal');

const interest = (change: Partial<Interest> = {}): Interest => ({
  writer: 'gateway',
  reference: 'CASE-1',
  reason: 'looked-after',
  tokens: [testToken('nhs')],
  since: '2026-01-01',
  expires: '2027-01-01',
  ...change,
});

let bus: TestBus;
before(async () => {
  bus = await createTestBus(1);
});
after(() => bus?.close());

const ask = (entries: Interest[], tokens: string[], question: object = {}) => {
  const interests = createInterests();
  for (const [offset, entry] of entries.entries())
    interests.apply('council', {
      offset,
      timestamp: APPENDED,
      headers: {},
      key: Buffer.from(String(interestRecord('council', entry, TODAY).key)),
      value: Buffer.from(JSON.stringify(entry)),
    });
  const known = {
    organisation: 'council',
    tokens,
    reasons: ['looked-after'],
    today: TODAY,
    everSince: false,
  };
  return interests.known({ ...known, links: createLinks(), ...question });
};

test('a person is known by a certain identifier, possibly known by name and date of birth, and not by anything else', () => {
  const demographic = testToken('name');
  const entry = interest({ demographic });
  assert.equal(ask([entry], [testToken('nhs')]), 'verified');
  assert.equal(ask([entry], [demographic]), 'possible');
  assert.equal(ask([entry], [demographic, testToken('nhs')]), 'verified');
  assert.equal(ask([entry], [testToken('another')]), null);
  assert.equal(ask([entry], []), null);
  assert.equal(ask([entry], [testToken('nhs')], { organisation: 'trust' }), null);
  assert.equal(ask([entry], [testToken('nhs')], { reasons: ['tenancy'] }), null);
});

test('an interest counts from its first day to its last and until it expires', () => {
  const on = (entry: Interest, today: string) => ask([entry], entry.tokens, { today }) !== null;
  const ended = interest({ since: '2026-10-01', until: '2026-10-05' });
  assert.deepEqual(
    ['2026-09-30', '2026-10-01', '2026-10-05', '2026-10-06'].map((day) => on(ended, day)),
    [false, true, true, false],
  );
  const expiring = interest({ expires: '2026-10-05' });
  assert.deepEqual(
    ['2026-10-05', '2026-10-06'].map((day) => on(expiring, day)),
    [true, false],
  );
  assert.equal(ask([ended], ended.tokens, { today: '2026-11-01', everSince: true }), 'verified');
});

test('an interest is published for 400 days at most, and counts no longer however its record was made', () => {
  interestRecord('council', interest({ expires: '2027-11-09' }), TODAY);
  assert.throws(() => interestRecord('council', interest({ expires: '2027-11-10' }), TODAY), {
    code: 'invalid-interest',
    message: /expires/,
  });
  const bold = Buffer.from(JSON.stringify(interest({ expires: '2099-01-01' })));
  assert.equal(parseInterest(bold, APPENDED).expires, '2027-11-09');
});

test('writers, references and organisations have records of their own, and a key says nothing of what is in it', () => {
  const keyOf = (organisation: string, change: Partial<Interest>) =>
    String(interestRecord(organisation, interest(change), TODAY).key);
  const keys = [
    keyOf('council', {}),
    keyOf('council', { writer: 'council-social-care' }),
    keyOf('council', { reference: 'CASE-2' }),
    keyOf('housing', {}),
  ];
  assert.equal(new Set(keys).size, keys.length);
  assert.equal(keyOf('council', { reason: 'open-referral', tokens: [testToken('other')] }), keys[0]);
  assert.equal(withdrawnInterestRecord('council', interest()).key, keys[0]);
  for (const key of keys) assert.doesNotMatch(key, /CASE/);
});

test('what is no interest is refused by the names of its members and never quoted', () => {
  const secret = 'Alda Exampleton';
  const wrong: Record<string, unknown>[] = [
    { writer: secret },
    { reference: secret },
    { reason: secret },
    { tokens: [secret] },
    { tokens: [] },
    { tokens: Array(21).fill(testToken('x')) },
    { demographic: secret },
    { since: secret },
    { until: '2025-01-01' },
    { expires: '2026-02-30' },
  ];
  for (const change of wrong) {
    const [member = ''] = Object.keys(change);
    const refused = (error: Error & { code?: string }) => {
      assert.equal(error.code, 'invalid-interest');
      assert.match(error.message, new RegExp(member));
      assert.doesNotMatch(`${error.stack}`, /Alda/);
      return true;
    };
    const broken = { ...interest(), ...change };
    assert.throws(() => interestRecord('council', broken as Interest, TODAY), refused, member);
    assert.throws(() => parseInterest(Buffer.from(JSON.stringify(broken)), APPENDED), refused, member);
  }
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
      try {
        parseInterest(Buffer.from(text), APPENDED);
      } catch (error) {
        assert.ok(isPermanent(error) && error.code === 'invalid-interest');
      }
    }),
  );
});

test('interests of every organisation are followed by one reader, those of a new one without a restart', async () => {
  const [council = ''] = bus.organisations;
  const organisations = followOrganisations(bus.kafka, LOG);
  await organisations.caughtUp;
  const interests = followInterests(bus.kafka, organisations, LOG);
  await interests.caughtUp;
  const today = new Date().toISOString().slice(0, 10);
  const lasting = (change: Partial<Interest>) => interest({ since: today, expires: today, ...change });
  const until = async (condition: () => boolean) => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  await bus.producer.send([
    interestRecord(council, lasting({}), today),
    interestRecord(council, lasting({ reason: 'tenancy' }), today),
    interestRecord(council, lasting({ writer: 'council-social-care' }), today),
    { topic: `interests.${council}`, partition: 0, key: 'broken', value: Buffer.from('not json') },
    interestRecord(council, lasting({ reference: 'CASE-2' }), today),
  ]);
  await until(() => interests.of(council).length === 3);
  const reasons = interests.of(council).map(({ reason }) => reason);
  assert.deepEqual(reasons.sort(), ['looked-after', 'looked-after', 'tenancy'], 'the later one replaces');
  await bus.producer.send([withdrawnInterestRecord(council, lasting({}))]);
  await until(() => interests.of(council).length === 2);
  const newcomer = await bus.addOrganisation();
  await bus.producer.send([interestRecord(newcomer, lasting({}), today)]);
  await until(() => interests.of(newcomer).length === 1);
  assert.ok(interests.freshWithin(5_000));
  await Promise.all([interests.close(), organisations.close()]);
  assert.equal(interests.freshWithin(-1), false);
});
