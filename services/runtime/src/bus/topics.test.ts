import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topology } from './acls.ts';
import { LANES, laneTransactionalId, topicsOf } from './topics.ts';

const SETTINGS = { replicationFactor: 3, minInSyncReplicas: 2 };
const ORGANISATIONS = ['trust', 'council'];
const EVERYBODY = ['exchange', 'gateway', 'console', ...ORGANISATIONS];
const DAY = 86_400_000;

/** The table of the design: who writes, who reads, partitions, kept, what else. */
const organisationTable = (
  id: string,
): [topic: string, partitions: number, config: object, writers: string[], readers: string[]][] => {
  const kept = (days: number) => ({ 'retention.ms': String(days * DAY) });
  const plain = { 'compression.type': 'uncompressed' };
  const compacted = { 'cleanup.policy': 'compact', ...plain };
  const derived = { 'max.message.bytes': '2097152' };
  return [
    [
      `outbox.${id}`,
      6,
      { ...kept(7), ...plain, 'max.message.bytes': '524288' },
      [id, 'gateway', 'exchange'],
      ['exchange'],
    ],
    [`inbox.${id}`, 6, { ...kept(30), ...derived }, ['exchange'], [id, 'gateway', 'exchange']],
    [`ledger.${id}`, 6, { 'retention.ms': '-1', ...derived }, ['exchange'], ['exchange', 'console']],
    [
      `dead-letter.${id}`,
      1,
      { ...kept(90), ...plain, ...derived },
      ['exchange', 'gateway', id],
      [id, 'gateway', 'console', 'exchange'],
    ],
    [`redrive.${id}`, 1, kept(90), ['console'], [id, 'gateway', 'exchange']],
    [
      `deliveries.${id}`,
      6,
      { ...kept(400), ...plain },
      [id, 'gateway', 'exchange'],
      [id, 'console', 'exchange'],
    ],
    [`interests.${id}`, 1, compacted, [id, 'gateway'], ['exchange', 'gateway', 'console']],
    [`safeguards.${id}`, 1, compacted, [id, 'gateway'], ['exchange', 'gateway', 'console']],
  ];
};

const TABLE = [
  ['organisations', 1, { 'cleanup.policy': 'compact' }, ['console'], EVERYBODY],
  ['agreements', 1, { 'retention.ms': '-1' }, ['console'], EVERYBODY],
  ['lanes', 6, {}, [], ['exchange']],
  ['identity-links', 1, { 'cleanup.policy': 'compact' }, ['exchange', 'console'], ['exchange', 'console']],
  ['ledger.console', 1, { 'retention.ms': '-1' }, ['console'], ['console']],
  ['checkpoints', 1, { 'retention.ms': '-1' }, ['console', 'exchange'], EVERYBODY],
  ...ORGANISATIONS.flatMap(organisationTable),
] as ReturnType<typeof organisationTable>;

const { topics, acls, principals } = topology(ORGANISATIONS, SETTINGS);
const byText = (a: string, b: string) => (a < b ? -1 : 1);

test('the topics are those of the design, with its partitions, retention and limits', () => {
  const common = { 'min.insync.replicas': '2', 'message.timestamp.type': 'LogAppendTime' };
  assert.deepEqual(
    new Map(topics.map(({ topic, partitions, config }) => [topic, { partitions, config }])),
    new Map(
      TABLE.map(([topic, partitions, config]) => [topic, { partitions, config: { ...common, ...config } }]),
    ),
  );
  assert.ok(topics.every(({ replicationFactor }) => replicationFactor === 3));
});

test('exactly the reading and writing of the design is granted, and nothing by pattern', () => {
  const granted = (operation: string) =>
    acls
      .filter((acl) => acl.resource === 'topic' && acl.operation === operation)
      .map(({ principal, name }) => `${principal} ${name}`)
      .sort(byText);
  const expected = (column: 3 | 4) =>
    TABLE.flatMap((row) => row[column].map((principal) => `${principal} ${row[0]}`)).sort(byText);
  assert.deepEqual(granted('write'), expected(3));
  assert.deepEqual(granted('read'), expected(4));
  const onTopics = acls.filter(({ resource }) => resource === 'topic');
  assert.ok(onTopics.every(({ match }) => match === 'literal'));
  const others = onTopics.filter(({ operation }) => operation !== 'read' && operation !== 'write');
  assert.deepEqual(
    others.map(({ principal, name, operation }) => [principal, name, operation]),
    ORGANISATIONS.flatMap((id) => [
      ['console', `outbox.${id}`, 'describe'],
      ['console', `inbox.${id}`, 'describe'],
    ]),
  );
});

test('groups and transactional ids are granted by name, and nobody has rights on the cluster', () => {
  const rest = acls
    .filter(({ resource }) => resource !== 'topic')
    .map((acl) => [acl.principal, acl.resource, acl.name, acl.match, acl.operation].join(' '))
    .sort(byText);
  assert.deepEqual(
    rest,
    [
      'exchange group exchange prefixed read',
      'console group exchange literal describe',
      'trust group trust. prefixed read',
      'council group council. prefixed read',
      'exchange transactional-id exchange. prefixed write',
      'console transactional-id console.ledger literal write',
    ].sort(byText),
  );
  assert.equal(laneTransactionalId(4), 'exchange.lane.4');
});

test('each service and organisation is a principal, and no organisation can have the name of another one', () => {
  assert.deepEqual(principals, ['exchange', 'gateway', 'console', 'trust', 'council']);
  for (const id of [
    'exchange',
    'gateway',
    'console',
    'admin',
    'node',
    'all',
    'lanes',
    '',
    'a',
    'A',
    'a.b',
    '-a',
    'a b',
    'x'.repeat(64),
    'a\n',
  ])
    assert.throws(() => topology([id], SETTINGS), /cannot be an organisation id/, id);
});

test('a topic of an organisation belongs to that organisation only', () => {
  const names = ORGANISATIONS.flatMap((id) => Object.values(topicsOf(id)));
  assert.equal(new Set(names).size, names.length);
  assert.equal(topics.filter(({ partitions }) => partitions === LANES).length, 1 + 4 * ORGANISATIONS.length);
});
