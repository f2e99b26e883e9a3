import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { createTestWorld, type TestWorld, until } from '@causeway/testing/delivery-world';
import { WEBHOOK_SCHEDULE } from './retry-policy.ts';
import type { Attempt, DeliveryOutcome } from './subscription.ts';

let world: TestWorld;

beforeEach(async () => {
  world = await createTestWorld();
});

afterEach(async () => {
  await world.close();
});

/** A receiver that keeps what it was given and answers as it is told. */
const receiver = (
  answer: (attempt: Attempt) => DeliveryOutcome | Promise<DeliveryOutcome> = () => ({ outcome: 'delivered' }),
) => {
  const attempts: { id: string; at: number; number: number }[] = [];
  const delivered: string[] = [];
  return {
    attempts,
    delivered,
    deliver: async (attempt: Attempt) => {
      attempts.push({ id: attempt.event.id, at: world.clock.now(), number: attempt.number });
      const outcome = await answer(attempt);
      if (outcome.outcome === 'delivered') delivered.push(attempt.event.id);
      return outcome;
    },
  };
};

/** How many events are written down as parked. */
const parkedIn = async ({ database }: TestWorld): Promise<number> => {
  const [row] = await database
    .query<{ count: number }>('select count(*)::int as count from delivery_parked')
    .catch(() => []);
  return row?.count ?? 0;
};

test('events are delivered in their order and each attempt is on record', async () => {
  const to = receiver();
  const ids = [1, 2, 3].map(() => world.arrive({ person: 'ann' }));
  world.start(to);
  await until(() => to.delivered.length === 3, 'three deliveries');
  assert.deepEqual(to.delivered, ids);
  await until(() => world.deliveries().length === 3, 'three records');
  assert.deepEqual(
    world.deliveries().map(({ outcome, event, attempt }) => [outcome, event, attempt]),
    ids.map((id) => ['delivered', id, 1]),
  );
});

test('a failing event holds up its own subject and nobody else', async () => {
  let mended = false;
  const first = world.arrive({ person: 'ann' });
  const second = world.arrive({ person: 'ann' });
  const other = world.arrive({ person: 'bob' });
  const to = receiver(({ event }) =>
    event.id === first && !mended ? { outcome: 'retry', code: 'busy' } : { outcome: 'delivered' },
  );
  world.start(to);
  await until(() => to.delivered.includes(other), 'the other subject goes on');
  assert.ok(!to.delivered.includes(second));
  mended = true;
  await until(() => to.delivered.length === 3, 'everything arrives');
  assert.deepEqual(
    to.delivered.filter((id) => id !== other),
    [first, second],
  );
});

test('an immediate event passes a routine one of the same subject that waits, but not what it corrects', async () => {
  const routine = world.arrive({ person: 'ann' });
  const to = receiver(({ event }) =>
    event.id === routine ? { outcome: 'retry', code: 'busy', afterMs: 3_600_000 } : { outcome: 'delivered' },
  );
  world.start({
    ...to,
    schedule: { pauses: [3_600_000], onwards: 3_600_000, giveUpAfterMs: 1e12, jitter: 0 },
  });
  await until(() => to.attempts.length > 0, 'the first try');
  const urgent = world.arrive({ person: 'ann', priority: 'immediate' });
  const correction = world.arrive({ person: 'ann', priority: 'immediate', corrects: routine });
  await until(() => to.delivered.length > 0, 'the immediate one arrives');
  assert.deepEqual(to.delivered, [urgent]);
  await until(() => to.attempts.filter(({ id }) => id === routine).length > 3, 'the routine one is tried on');
  assert.ok(!to.delivered.includes(correction));
});

test('the webhook schedule is kept for 72 hours, then the event is a dead letter and its subject goes on', async () => {
  const first = world.arrive({ person: 'ann' });
  const second = world.arrive({ person: 'ann' });
  const to = receiver(({ event }) =>
    event.id === first ? { outcome: 'retry', code: 'http', status: '500' } : { outcome: 'delivered' },
  );
  world.start({ ...to, schedule: WEBHOOK_SCHEDULE }, { random: () => 0.5 });
  await until(() => to.delivered.includes(second), 'the second one arrives');
  const times = to.attempts.filter(({ id }) => id === first).map(({ at }) => at);
  const hours = (72 * 3_600_000) / 1_000;
  const pauses = times.slice(1).map((at, index) => Math.round((at - (times[index] ?? 0)) / 1_000));
  assert.deepEqual(pauses.slice(0, 9), [5, 30, 120, 600, 1_800, 3_600, 10_800, 21_600, 43_200]);
  assert.equal(Math.round(((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1_000), hours);
  const [letter] = world.deadLetters();
  assert.equal(letter?.headers['dl-reason']?.toString(), 'gave-up-http');
  assert.equal(letter?.headers.ce_id?.toString(), first);
  assert.equal(letter?.headers['dl-subscription']?.toString(), 'sink');
});

test('what was refused for good is a dead letter at once and is delivered by a redrive', async () => {
  let mended = false;
  const first = world.arrive({ person: 'ann' });
  const to = receiver(({ event }) =>
    event.id === first && !mended ? { outcome: 'refused', code: 'AR' } : { outcome: 'delivered' },
  );
  const delivery = world.start(to);
  await until(() => world.deadLetters().length === 1, 'a dead letter');
  assert.equal(to.attempts.length, 1);
  mended = true;
  const [partition, position] = (world.deadLetters()[0]?.headers['dl-origin']?.toString() ?? '')
    .split('-')
    .map(Number);
  await delivery.store.orderRedrive({
    subscription: 'sink',
    partition: partition ?? 0,
    position: position ?? 0,
    letter: 0,
    request: 'request-1',
  });
  delivery.refresh();
  await until(() => to.delivered.length === 1, 'it arrives');
  assert.deepEqual(to.delivered, [first]);
});

test('a redrive that is ordered before the dead letter is written down as one is carried out', async () => {
  let mended = false;
  world.arrive({ person: 'ann', partition: 0 });
  const to = receiver(() => (mended ? { outcome: 'delivered' } : { outcome: 'refused', code: 'AR' }));
  const ordered = Promise.withResolvers<void>();
  const database: TestWorld['database'] = {
    ...world.database,
    async query(sql, params) {
      // The database takes its time with what follows the dead letter, until the order has been seen.
      if (to.attempts.length === 1 && sql.includes('with given')) await ordered.promise;
      const rows = await world.database.query(sql, params);
      if (sql.includes('from delivery_redrive') && rows.length > 0) setTimeout(ordered.resolve, 50);
      return rows as never;
    },
  };
  const delivery = world.start(to, { database });
  await until(() => world.deadLetters().length === 1, 'a dead letter');
  mended = true;
  await delivery.store.orderRedrive({
    subscription: 'sink',
    partition: 0,
    position: 0,
    letter: 0,
    request: 'request-1',
  });
  delivery.refresh();
  await until(() => to.delivered.length === 1, 'it arrives');
});

test('what no agreement allows any more is not delivered, and nothing is while the agreements are not current', async () => {
  const to = receiver();
  world.fresh.value = false;
  world.arrive({ person: 'ann' });
  world.start(to);
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(to.attempts.length, 0);
  world.agreement.status = 'suspended';
  world.fresh.value = true;
  await until(() => world.deliveries().length === 1, 'it is withheld');
  assert.equal(to.attempts.length, 0);
  assert.deepEqual([world.deliveries()[0]?.outcome, world.deliveries()[0]?.code], ['withheld', 'not-active']);
});

test('events that the inbox keeps no longer are a gap on record, and reading goes on behind it', async () => {
  for (let index = 0; index < 5; index += 1) world.arrive({ person: 'ann', partition: 0 });
  const to = receiver(() => ({ outcome: 'unreachable', code: 'refused' }));
  const delivery = world.start(to);
  await until(() => to.attempts.length > 0, 'a first try');
  await delivery.close();
  world.retain(0, 5);
  const last = world.arrive({ person: 'ann', partition: 0 });
  const next = receiver();
  world.start(next);
  await until(() => next.delivered.length === 1, 'reading goes on');
  assert.deepEqual(next.delivered, [last]);
  const gaps = () =>
    world.sent
      .map(({ value }) => JSON.parse(value?.toString() ?? ''))
      .filter(({ kind }) => kind === 'gap')
      .map(({ from, until }) => [from, until]);
  await until(() => gaps().length > 0, 'a gap on record');
  assert.deepEqual(gaps(), [[0, 5]]);
});

test('a receiver that keeps failing is left alone, and reading stops meanwhile', async () => {
  for (let index = 0; index < 400; index += 1) world.arrive({ person: `person-${index}` });
  let down = true;
  const to = receiver(() =>
    down ? { outcome: 'retry', code: 'time-out', blame: 'receiver' } : { outcome: 'delivered' },
  );
  world.start({ ...to, circuit: { failures: 5, pauseMs: 60_000, longestPauseMs: 60_000 } });
  await until(async () => to.attempts.length > 7, 'tries with the circuit open');
  const [first] = to.attempts;
  const minutes = ((to.attempts[7]?.at ?? 0) - (first?.at ?? 0)) / 60_000;
  assert.ok(minutes >= 2, 'one try a minute');
  down = false;
  await until(() => to.delivered.length === 400, 'everything arrives after all');
});

test('with 10,000 parked events nothing more is read', async () => {
  for (let index = 0; index < 10_300; index += 1) world.arrive({ person: 'ann', partition: 0 });
  const to = receiver(() => ({ outcome: 'retry', code: 'busy' }));
  world.start({ ...to, schedule: { pauses: [], onwards: 60_000, giveUpAfterMs: 1e12, jitter: 0 } });
  await until(async () => (await parkedIn(world)) >= 10_000, 'ten thousand are parked');
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.ok((await parkedIn(world)) < 10_250, `${await parkedIn(world)} are parked`);
});

test('with 10,000 parked beyond an event that waits, a restart does not bring all to a standstill', async () => {
  const first = world.arrive({ person: 'bob', partition: 0 });
  for (let index = 0; index < 10_300; index += 1) world.arrive({ person: 'ann', partition: 0 });
  const away = receiver(({ event }) =>
    event.id === first
      ? { outcome: 'unreachable', code: 'not-there', afterMs: 3_600_000 }
      : { outcome: 'retry', code: 'busy' },
  );
  const schedule = { pauses: [], onwards: 60_000, giveUpAfterMs: 1e12, jitter: 0 };
  const before = world.start({ ...away, concurrency: 2, schedule });
  await until(async () => (await parkedIn(world)) >= 10_000, 'ten thousand are parked');
  await before.close();
  const back = receiver();
  world.start({ ...back, concurrency: 200 });
  await until(() => back.delivered.length === 10_301, 'all arrive');
});

test('a receiver that was left alone before a restart is tried again after it', async () => {
  for (let index = 0; index < 8; index += 1) world.arrive({ person: `person-${index}` });
  const down = receiver(() => ({ outcome: 'retry', code: 'time-out', blame: 'receiver' }));
  const circuit = { failures: 2, pauseMs: 60_000, longestPauseMs: 60_000 };
  const first = world.start({ ...down, circuit });
  await until(
    async () => (await first.store.circuit('sink').catch(() => ({ openUntil: null }))).openUntil !== null,
    'it is left alone',
  );
  await first.close();
  await world.database.query('delete from delivery_parked');
  const last = world.arrive({ person: 'somebody-else' });
  const up = receiver();
  world.start({ ...up, circuit });
  await until(() => up.delivered.includes(last), 'it is tried again');
});

test('an event that was parked beyond the head is delivered once after a restart, and its subject goes on', async () => {
  const held = world.arrive({ person: 'ann', partition: 0 });
  const parked = world.arrive({ person: 'bob', partition: 0 });
  const behind = world.arrive({ person: 'bob', partition: 0 });
  const first = receiver(({ event }) =>
    event.id === held
      ? { outcome: 'unreachable', code: 'not-there', afterMs: 3_600_000 }
      : { outcome: 'retry', code: 'busy', afterMs: 60_000 },
  );
  const schedule = { pauses: [], onwards: 60_000, giveUpAfterMs: 1e12, jitter: 0 };
  const before = world.start({ ...first, concurrency: 2, schedule });
  await until(async () => (await parkedIn(world)) === 2, 'both of one subject are parked');
  await before.close();
  const second = receiver();
  world.start({ ...second, concurrency: 2 });
  await until(() => second.delivered.includes(behind) && second.delivered.includes(held), 'all arrive');
  assert.deepEqual(
    second.delivered.filter((id) => id !== held),
    [parked, behind],
  );
});

test('what is parked beyond the head does not pass, after a restart, what has not been read again', async () => {
  const routine = world.arrive({ person: 'ann', partition: 0 });
  const urgent = world.arrive({ person: 'ann', partition: 0, priority: 'immediate' });
  const behind = world.arrive({ person: 'ann', partition: 0, priority: 'immediate' });
  const first = receiver(({ event }) =>
    event.id === routine
      ? { outcome: 'retry', code: 'busy', afterMs: 3_600_000 }
      : { outcome: 'unreachable', code: 'not-there', afterMs: 3_600_000 },
  );
  const schedule = { pauses: [], onwards: 3_600_000, giveUpAfterMs: 1e12, jitter: 0 };
  const before = world.start({ ...first, schedule });
  await until(
    async () => (await parkedIn(world)) > 0 && first.attempts.length > 1,
    'the routine one is parked',
  );
  const last = world.arrive({ person: 'ann', partition: 0, priority: 'immediate' });
  await until(async () => (await parkedIn(world)) === 2, 'one that came behind the others is parked too');
  await before.close();
  const second = receiver();
  world.start(second);
  await until(() => second.delivered.length === 4, 'all arrive');
  assert.deepEqual(
    second.delivered.filter((id) => id !== routine),
    [urgent, behind, last],
  );
});

test('a holder that claims a partition anew reads it from the head on, whatever it had read before', async () => {
  const ids = [1, 2, 3].map(() => world.arrive({ person: 'ann', partition: 0 }));
  let there = false;
  let isOut = false;
  const to = receiver(() =>
    there ? { outcome: 'delivered' } : { outcome: 'unreachable', code: 'not-there', afterMs: 60_000 },
  );
  const database: TestWorld['database'] = {
    ...world.database,
    async query(sql, params) {
      const rows = await world.database.query(sql, params);
      // As when the process was stopped, after it had prolonged its leases, until they ran out.
      if (isOut && sql.includes('lease_until'))
        await world.database.query(`update delivery_head set lease_until = '-infinity' where partition = 0`);
      return rows as never;
    },
  };
  const delivery = world.start(to, { database });
  await until(() => to.attempts.length > 0, 'the first is tried');
  // One that somebody else holds makes this one look for more.
  await world.database.query(
    `insert into delivery_head (subscription, partition, head, holder, lease_until) values ('sink', 9, 0, 'other', 'infinity')`,
  );
  isOut = true;
  const epoch = async () => {
    delivery.refresh();
    const [row] = await world.database.query<{ epoch: number }>(
      'select epoch from delivery_head where partition = 0',
    );
    return Number(row?.epoch);
  };
  await until(async () => (await epoch()) > 1, 'it is claimed anew');
  isOut = false;
  ids.push(world.arrive({ person: 'ann', partition: 0 }));
  const tried = to.attempts.length;
  await until(() => to.attempts.length > tried + 3, 'what was held before is given up');
  there = true;
  await until(() => to.delivered.length >= 4, 'all arrive');
  assert.deepEqual(to.delivered, ids);
});
