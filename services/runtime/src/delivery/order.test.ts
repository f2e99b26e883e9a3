import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createTestWorld, TEST_TYPE, type TestWorld, until } from '@causeway/testing/delivery-world';
import fc from 'fast-check';
import { RetryableError } from '../errors.ts';
import type { Database } from '../postgres/database.ts';
import type { Delivery } from './delivery.ts';
import { type EventRef, isSameFact } from './queue.ts';
import type { DeliveryOutcome } from './subscription.ts';

/** One thing that happens, in this order, while deliveries are under way. */
type Step =
  | { kind: 'arrive'; person: number; immediate: boolean; corrects: number | null }
  | { kind: 'crash'; instance: number }
  | { kind: 'expire' }
  | { kind: 'pause'; ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record({
      kind: fc.constant('arrive' as const),
      person: fc.nat(3),
      immediate: fc.boolean(),
      corrects: fc.option(fc.nat(5), { nil: null, freq: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('crash' as const), instance: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('expire' as const) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('pause' as const), ms: fc.nat(60) }) },
);

/** A small generator of its own, so that a failure comes again with its seed. */
const dice = (seed: number) => () => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return seed / 2 ** 32;
};

type Arrived = EventRef & { index: number };

const run = async (world: TestWorld, steps: readonly Step[], seed: number): Promise<void> => {
  const random = dice(seed);
  const arrived: Arrived[] = [];
  const delivered: string[] = [];

  /** An instance whose process can die: from then on nothing of it reaches the database, the bus or the receiver. */
  const startInstance = () => {
    let dead = false;
    const alive = <T>(task: () => Promise<T>): Promise<T> =>
      dead ? Promise.reject(new RetryableError('lease-lost', 'the process is dead')) : task();
    const database: Pick<Database, 'query' | 'migrate'> = {
      query: (sql, params) => alive(() => world.database.query(sql, params)),
      migrate: (directory, table) => alive(() => world.database.migrate(directory, table)),
    };
    const deliver = async ({ event }: { event: { id: string } }): Promise<DeliveryOutcome> => {
      await delay(Math.floor(random() * 3));
      if (dead) throw new RetryableError('lease-lost', 'the process is dead');
      const chance = random();
      if (chance < 0.15) return { outcome: 'retry', code: 'busy' };
      if (chance < 0.2) return { outcome: 'retry', code: 'time-out', blame: 'receiver' };
      if (chance < 0.22) return { outcome: 'refused', code: 'no' };
      if (chance < 0.26) return { outcome: 'unreachable', code: 'not-there' };
      if (chance < 0.28) throw new TypeError('a defect');
      delivered.push(event.id);
      return { outcome: 'delivered' };
    };
    const delivery = world.start(
      { deliver, concurrency: 3, circuit: { failures: 4, pauseMs: 1_000, longestPauseMs: 4_000 } },
      { database, random, producer: { send: (records) => alive(() => world.producer.send(records)) } },
    );
    return {
      delivery,
      die: () => {
        dead = true;
      },
    };
  };

  const instances = [startInstance(), startInstance()];
  const gone: Delivery[] = [];
  const isHeld = async () =>
    (await world.database.query('select 1 from delivery_head where holder is not null').catch(() => []))
      .length > 0;
  await until(isHeld, 'the work has begun');
  for (const one of steps) {
    if (one.kind === 'pause') await delay(one.ms);
    if (one.kind === 'expire') await world.expireLeases().catch(() => undefined);
    if (one.kind === 'crash') {
      const index = one.instance % instances.length;
      instances[index]?.die();
      const dying = instances[index]?.delivery;
      if (dying !== undefined) gone.push(dying);
      instances[index] = startInstance();
      await world.expireLeases().catch(() => undefined);
    }
    if (one.kind === 'arrive') {
      const person = `person-${one.person}`;
      const priority = one.immediate ? 'immediate' : 'routine';
      const before =
        one.corrects === null ? undefined : arrived.filter((a) => a.subject === person).at(-one.corrects);
      const corrects = before?.id ?? null;
      const id = world.arrive({ person, priority, ...(corrects !== null && { corrects }) });
      arrived.push({ id, type: TEST_TYPE, subject: person, priority, corrects, index: arrived.length });
    }
  }

  const dead = () => new Set(world.deadLetters().map(({ headers }) => headers.ce_id?.toString()));
  const settled = () => arrived.every(({ id }) => delivered.includes(id) || dead().has(id));
  let looks = 0;
  await until(async () => {
    looks += 1;
    if (looks % 100 === 0) await world.expireLeases();
    // What one instance gives back the other takes now, and not within five seconds.
    if (looks % 20 === 0) for (const { delivery } of instances) delivery.refresh();
    return settled();
  }, 'every event is delivered or a dead letter');

  const left = async () =>
    (await world.database.query<{ count: number }>('select count(*)::int as count from delivery_parked'))[0]
      ?.count;
  await until(async () => (await left()) === 0, 'nothing is left parked');

  const first = new Map(arrived.map(({ id }) => [id, delivered.indexOf(id)]));
  const buried = dead();
  for (const later of arrived) {
    for (const earlier of arrived.slice(0, later.index)) {
      if (earlier.subject !== later.subject || buried.has(earlier.id) || buried.has(later.id)) continue;
      const kept = (first.get(earlier.id) ?? -1) < (first.get(later.id) ?? -1);
      const passes =
        later.priority === 'immediate' && earlier.priority !== 'immediate' && !isSameFact(earlier, later);
      assert.ok(kept || passes, `event ${later.index} arrived before event ${earlier.index}`);
    }
  }
  await Promise.all(gone.map((delivery) => delivery.close()));
};

test('whatever fails and whoever dies, each event is delivered or a dead letter, and each subject keeps its order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 80 }), fc.nat(), async (steps, seed) => {
      const world = await createTestWorld(3);
      try {
        await run(world, steps, seed);
      } finally {
        await world.close();
      }
    }),
    { numRuns: Number(process.env.ORDER_RUNS ?? 10), endOnFailure: true },
  );
});
