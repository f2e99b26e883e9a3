import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, test } from 'node:test';
import { topicsOf } from '@causeway/runtime/bus/topics';
import { encodeLedgerRecord, GENESIS, type LedgerRecord } from '@causeway/runtime/ledger/ledger-record';
import {
  acceptForgotten,
  type BrokerProxy,
  forgetTransactions,
  startBrokerProxy,
} from '@causeway/testing/broker-proxy';
import { createTestBus, type TestBus, testKafka, testToken } from '@causeway/testing/bus';
import { resolveHangingTransactions } from './resolve-hanging-transactions.ts';

const LANE = 2;

let bus: TestBus;
let proxy: BrokerProxy;
let source: string;
let recipient: string;

before(async () => {
  bus = await createTestBus(2);
  [source = '', recipient = ''] = bus.organisations;
  proxy = await startBrokerProxy();
  await acceptForgotten(true);
});

afterEach(() => proxy.onRequest(() => 'pass'));

after(async () => {
  await acceptForgotten(false);
  await proxy?.close();
  await bus?.close();
});

/** Also an organisation whose topics are not made yet. */
const where = async () => ({
  organisations: [...bus.organisations, 'not-here'],
  topics: await bus.admin.listTopics(),
});

type Part = 'ledger' | 'inbox' | 'dead-letter';

/** What the decision about one event writes, part by part. */
const recordsOf = (event: string) => {
  const { outbox, ledger } = topicsOf(source);
  const common = {
    sequence: 0,
    previous: GENESIS.toString('base64url'),
    position: { topic: outbox, partition: LANE, offset: 7 },
    decidedAt: '2026-10-05T13:20:00.000Z',
    agreementsOffset: 1,
    valueDigest: 'none',
  };
  const decision: LedgerRecord = {
    ...common,
    kind: 'decision',
    eventId: event,
    type: 'uk.causeway.nhs.inpatient-admission.recorded.v1',
    source: `/${source}/test`,
    tokens: [],
    otherTokens: [],
    occurredAt: '2026-10-05T14:20:00+01:00',
    priority: undefined,
    actBy: undefined,
    inResponseTo: undefined,
    classification: 'OFFICIAL-SENSITIVE',
    decisions: [{ recipient, outcome: 'released', agreements: ['a/1'], viewId: 1, valueDigest: 'none' }],
  };
  const headers = { ce_id: event, ce_source: `/${source}/test` };
  return {
    ledger: { topic: ledger, partition: LANE, value: encodeLedgerRecord(decision) },
    inbox: { topic: topicsOf(recipient).inbox, partition: LANE, value: Buffer.from('released'), headers },
    'dead-letter': {
      topic: topicsOf(source).deadLetter,
      partition: 0,
      value: Buffer.from('refused'),
      headers: { 'dl-origin': `${outbox}/${LANE}/7` },
    },
  };
};

/** A decision whose end was forgotten in some parts and not in others; then the lane's next writer settles it. */
const settled = async (ended: Part[], forgotten: Part[]) => {
  const event = testToken(randomBytes(4).toString('hex'));
  const records = recordsOf(event);
  const id = `test-${randomBytes(4).toString('hex')}`;
  const behind = testKafka({ broker: proxy.broker });
  const first = await behind.writer(id);
  if (ended.length > 0) await first.write(ended.map((part) => records[part]));
  // Opening waits until what came before is ended in every partition.
  const second = await behind.writer(id);
  proxy.onRequest(forgetTransactions);
  await second.write(forgotten.map((part) => records[part]));
  proxy.onRequest(() => 'pass');
  await behind.close();
  const next = await bus.kafka.writer(id);
  const outcome = await resolveHangingTransactions(next, bus.reader, LANE, await where());
  assert.equal(await resolveHangingTransactions(next, bus.reader, LANE, await where()), 'nothing-open');
  await next.close();
  const inbox = await bus.records(topicsOf(recipient).inbox);
  return { outcome, isRead: inbox.some(({ headers }) => String(headers.ce_id) === event) };
};

test('a lane that left nothing open goes on at once', async () => {
  const writer = await bus.kafka.writer(`test-${randomBytes(4).toString('hex')}`);
  assert.equal(await resolveHangingTransactions(writer, bus.reader, LANE, await where()), 'nothing-open');
  await writer.close();
});

test('a decision of which nothing can be read is taken back, so that it is made again', async () => {
  assert.deepEqual(await settled([], ['ledger', 'inbox']), { outcome: 'taken-back', isRead: false });
});

test('a release whose ledger record can be read is committed', async () => {
  assert.deepEqual(await settled(['ledger'], ['inbox']), { outcome: 'committed', isRead: true });
});

test('a ledger record whose release can be read is committed', async () => {
  assert.deepEqual(await settled(['inbox'], ['ledger']), { outcome: 'committed', isRead: true });
});

test('a dead letter is committed where its ledger record can be read, and taken back with it where it cannot', async () => {
  assert.equal((await settled(['ledger'], ['dead-letter', 'inbox'])).outcome, 'committed');
  assert.equal((await settled([], ['dead-letter', 'inbox'])).outcome, 'taken-back');
});
