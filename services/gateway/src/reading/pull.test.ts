import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CloudEvent } from 'cloudevents';
import { createPartnership, type Entry, TYPE } from '../testing/partnership.ts';
import {
  type Event,
  eventually,
  KEY,
  type Page,
  problemOf,
  startWorld,
  type World,
} from '../testing/world.ts';
import { createCursors } from './cursor.ts';

let world: World;

before(async () => {
  world = await startWorld();
});

after(() => world.close());

test('an event of the inbox is handed over as a CloudEvent with exactly the fields of the view', async () => {
  const data = { person: { name: 'Alda', sex: null }, ward: 'Ward 4' };
  const about = { priority: 'urgent', correlationId: 'case-7', replay: true, handling: ['a', 'b'] } as const;
  await world.partnership.write([await world.partnership.entry(2, { ...about, handling: ['a', 'b'] }, data)]);
  // What is in force is not known in the first moments.
  const { status, headers, body } = await eventually(
    () => world.events('?wait=5'),
    (answer) => answer.status !== 503,
  );
  assert.equal(status, 200);
  assert.equal(headers.get('content-type'), 'application/json; charset=utf-8');
  assert.equal(headers.get('cache-control'), 'no-store');
  assert.deepEqual(Object.keys(body), ['events', 'next']);
  const [event] = body.events;
  assert.deepEqual(event?.data, data);
  const { id, subject, position, agreement, ...rest } = event as Event;
  assert.deepEqual([position.split('-')[0], agreement], ['2', `${world.partnership.agreement}/1`]);
  assert.equal(id.length + subject.length, 44);
  assert.deepEqual(rest, {
    specversion: '1.0',
    source: '/a-trust/adt',
    type: TYPE,
    time: '2026-11-23T09:00:00Z',
    datacontenttype: 'application/json',
    dataclassification: 'OFFICIAL-SENSITIVE',
    handling: 'a b',
    priority: 'urgent',
    correlationid: 'case-7',
    replay: true,
    data,
  });
  assert.equal(new CloudEvent(event as unknown as CloudEvent<unknown>).validate(), true);
});

test('paging with any limit yields every committed record once, in order per partition', async () => {
  const from = await world.end();
  const expected: string[][] = [[], [], [], [], [], []];
  for (let batch = 0; batch < 12; batch += 1) {
    const aborted = batch % 3 === 1;
    const entries: Entry[] = [];
    for (let index = 0; index < 10; index += 1) {
      const partition = (batch * 7 + index * index) % 6;
      const entry = await world.partnership.entry(partition, {});
      entries.push(entry);
      if (!aborted) expected[partition]?.push(entry.headers.ce_id ?? '');
    }
    await world.partnership.write(entries, { aborted });
  }
  for (const limit of [1, 7, 500]) {
    const { events: seen } = await world.readAll(from, limit);
    const perPartition = expected.map((_, partition) =>
      seen.filter(({ position }) => position.startsWith(`${partition}-`)).map(({ id }) => id),
    );
    assert.deepEqual(perPartition, expected);
  }
});

test('large records in several partitions come in pages of bounded size', async () => {
  const from = await world.end();
  const ward = 'w'.repeat(400_000);
  const ids: string[] = [];
  for (let partition = 0; partition < 6; partition += 1) {
    const entries = [
      await world.partnership.entry(partition, {}, { person: { name: null, sex: null }, ward }),
    ];
    entries.push(
      await world.partnership.entry(partition, {}),
      await world.partnership.entry(partition, {}, { person: { name: null, sex: null }, ward }),
    );
    await world.partnership.write(entries);
    ids.push(...entries.map(({ headers }) => headers.ce_id ?? ''));
  }
  const seen: string[] = [];
  for (let cursor = from; ; ) {
    const { body } = await world.events(`?limit=500&after=${cursor}`);
    assert.ok(JSON.stringify(body).length < 4_500_000);
    if (body.events.length === 0) break;
    seen.push(...body.events.map(({ id }) => id));
    cursor = body.next;
  }
  assert.deepEqual(seen.toSorted(), ids.toSorted());
});

test('a cursor never passes a transaction that is still open', async () => {
  const from = await world.end();
  const abort = await world.partnership.leaveOpen(await world.partnership.entry(3, {}));
  const behind = await world.partnership.entry(3, {});
  const beside = await world.partnership.entry(4, {});
  await world.partnership.write([behind, beside], { settled: false });
  const idsOf = ({ events }: Page) => events.map(({ id }) => id);
  const { body: open } = await world.events(`?after=${from}&wait=10`);
  assert.deepEqual(idsOf(open), [beside.headers.ce_id]);
  const { body: still } = await world.events(`?after=${open.next}&wait=1`);
  assert.deepEqual(idsOf(still), []);
  await abort();
  const { body: settled } = await world.events(`?after=${still.next}&wait=10`);
  assert.deepEqual(idsOf(settled), [behind.headers.ce_id]);
  const all = idsOf(await world.readAll(from));
  assert.deepEqual(all.toSorted(), [behind.headers.ce_id, beside.headers.ce_id].toSorted());
});

test('a filter hands over only what it names, and its cursor passes the rest', async () => {
  const from = await world.end();
  const subject = 'about-this-person-only';
  const entries = [
    await world.partnership.entry(0, { subject }),
    await world.partnership.entry(0, {}),
    await world.partnership.entry(1, { type: 'uk.causeway.nhs.patient-discharge.recorded.v1' }),
    await world.partnership.entry(3, { subject }),
  ];
  await world.partnership.write(entries);
  const bySubject = await world.readAll(from, 1, `&subject=${subject}`);
  assert.deepEqual(
    bySubject.events.map((event) => event.subject),
    [subject, subject],
  );
  assert.equal(bySubject.next, await world.end());
  const byType = await world.readAll(from, 100, '&type=uk.causeway.police.missing-person.reported.v1');
  assert.deepEqual([byType.events, byType.next], [[], await world.end()]);
});

test('a long poll is answered when an event arrives', async () => {
  const from = await world.end();
  const waiting = world.events(`?after=${from}&wait=20`);
  const another = world.events(`?after=${from}&wait=20&limit=1`);
  const entry = await world.partnership.entry(4, {});
  await world.partnership.write([entry]);
  const begun = performance.now();
  for (const { body } of await Promise.all([waiting, another])) {
    assert.deepEqual(
      body.events.map(({ id }) => id),
      [entry.headers.ce_id],
    );
  }
  assert.ok(performance.now() - begun < 8_000);
});

test('a long poll without an event ends after its wait with a cursor past aborted records', async () => {
  const from = await world.end();
  await world.partnership.write([await world.partnership.entry(0, {})], { aborted: true });
  const begun = performance.now();
  const { status, body } = await world.events(`?after=${from}&wait=1`);
  const seconds = (performance.now() - begun) / 1000;
  assert.deepEqual([status, body.events], [200, []]);
  assert.notEqual(body.next, from);
  assert.ok(seconds >= 0.9 && seconds < 8, `${seconds} s`);
});

test('a cursor goes on at another instance and after a change of key', async () => {
  const from = await world.end();
  await world.partnership.write([await world.partnership.entry(0, {}), await world.partnership.entry(5, {})]);
  const first = await world.events(`?after=${from}&limit=1`);
  const other = await world.start({ CURSOR_KEY: `the key that comes after it,${KEY}` });
  try {
    const second = await world.events(`?after=${first.body.next}&wait=5`, other.url);
    assert.equal(second.body.events.length, 1);
    assert.notEqual(second.body.events[0]?.id, first.body.events[0]?.id);
  } finally {
    await other.service.stop();
  }
});

test('a record that cannot be read is passed and holds up nothing', async () => {
  const from = await world.end();
  const good = await world.partnership.entry(0, {});
  const { ce_id, ...headless } = good.headers;
  const broken = [
    { ...good, headers: headless },
    { ...good, value: null },
    { ...good, value: Buffer.from('no wire format') },
    { ...good, value: Buffer.concat([(good.value as Buffer).subarray(0, 5), Buffer.from([99])]) },
  ];
  await world.partnership.write([...broken, good]);
  const { events: seen } = await world.readAll(from);
  assert.deepEqual(
    seen.map(({ id }) => id),
    [ce_id],
  );
});

test('an event is left out while its agreement is suspended and narrowed under a narrower version', async () => {
  const other = await createPartnership();
  const bearer = await world.issuer.token(other.recipient);
  try {
    await other.load(1);
    await other.status(1, 'active');
    const entry = await other.entry(0, {}, { person: { name: 'Alda', sex: 'female' }, ward: 'Ward 4' });
    await other.write([entry]);
    const whole = await eventually(
      () => world.get('/v1/events?wait=5', bearer),
      ({ status }) => status !== 503,
    );
    assert.equal(whole.status, 200, JSON.stringify(whole.body));
    assert.equal(whole.body.events.length, 1);

    await other.status(1, 'suspended');
    const withheld = await eventually(
      () => world.get('/v1/events', bearer),
      ({ status, body }) => status === 200 && body.events.length === 0,
    );
    assert.notEqual(withheld.body.next, undefined);

    await other.load(2, { leaves: ['person.name'], generalise: { 'person.name': 'initials' } });
    await other.status(2, 'active');
    const narrowed = await eventually(
      () => world.get('/v1/events', bearer),
      ({ status, body }) => status === 200 && body.events.length === 1,
    );
    assert.deepEqual(narrowed.body.events[0]?.data, { person: { name: 'A' } });
    assert.equal(narrowed.body.events[0]?.agreement, `${other.agreement}/2`);
  } finally {
    await other.close();
  }
});

test('a cursor that the log has left behind is answered 410 with one that works', async () => {
  const cursors = createCursors([KEY]);
  const from = await world.end();
  const positions = cursors.read(from, world.partnership.recipient) ?? [];
  const beyond = positions.map((offset, partition) => (partition === 2 ? offset + 1_000 : offset));
  const answer = await world.events(`?after=${cursors.issue(world.partnership.recipient, beyond)}`);
  assert.equal(problemOf(answer), '410 events-missed');
  const { events: seen } = await world.readAll(String(answer.body.oldest));
  assert.ok(seen.length > 0 && seen.every(({ position }) => position.startsWith('2-')));
});

test('stopping answers those who wait with their cursor', async () => {
  const other = await world.start();
  const from = await world.end();
  const waiting = world.events(`?after=${from}&wait=30`, other.url);
  await eventually(
    () => fetch(`${other.service.adminUrl}/ready`),
    ({ status }) => status === 200,
  );
  const begun = performance.now();
  const ending = await other.service.stop();
  const { status, body } = await waiting;
  assert.deepEqual([status, body.events, body.next, ending.unreleased], [200, [], from, []]);
  assert.ok(performance.now() - begun < 8_000);
});
