import { setTimeout as delay } from 'node:timers/promises';
import { topicsOf } from '@causeway/runtime/bus/topics';
import { assertExact } from './exactness.ts';
import { type Exchanges, type Instance, ORGANISATIONS, partitions, startExchanges } from './exchanges.ts';

/** Longer than the group waits for a member: its lanes are somebody else's when it goes on. */
const ZOMBIE_MS = 7_500;
const PEOPLE = 40;
const IN_FLIGHT = 20;
const SETTLE_MS = 120_000;

type Disturbance = 'kill' | 'zombie' | 'join' | 'broker';

/**
 * Two exchange instances share the events of three organisations while the named disturbances come, in an order and at
 * moments that nobody chose. Then every event must have been decided once, in order, with whole chains.
 * @param pauseMs between two events of one sender, so that events flow for as long as the disturbances do
 */
export const surviveChaos = async (events: number, disturbances: Disturbance[], pauseMs: number) => {
  const world = await startExchanges();
  try {
    const instances = [await world.join(), await world.join()];
    let calm = false;
    const sending = sendAll(world, events, () => (calm ? 0 : pauseMs));
    const order = await disturb(world, instances, disturbances);
    calm = true;
    process.stdout.write(`disturbed, in this order: ${order.join(', ')}\n`);
    await sending;
    const began = performance.now();
    const perOrganisation = Math.floor(events / ORGANISATIONS.length);
    for (const source of ORGANISATIONS) await untilDecided(world, source, perOrganisation);
    process.stdout.write(`settled ${Math.round(performance.now() - began)} ms after the last event\n`);
    for (const source of ORGANISATIONS) await assertExact(world, source, perOrganisation);
  } finally {
    await world.stop();
  }
};

const sendAll = async (world: Exchanges, events: number, pauseMs: () => number) => {
  const perOrganisation = Math.floor(events / ORGANISATIONS.length);
  await Promise.all(
    ORGANISATIONS.flatMap((from) =>
      Array.from({ length: IN_FLIGHT }, async (_, sender) => {
        // A sender has people of its own, so that each person's events are sent in order.
        for (let number = sender; number < perOrganisation; number += IN_FLIGHT) {
          const person = sender + IN_FLIGHT * (Math.floor(number / IN_FLIGHT) % (PEOPLE / IN_FLIGHT));
          await world.publish(from, person, number);
          if (pauseMs() > 0) await delay(pauseMs());
        }
      }),
    ),
  );
};

const disturb = async (world: Exchanges, instances: Instance[], disturbances: Disturbance[]) => {
  const order = disturbances
    .map((what) => ({ what, rank: Math.random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ what }) => what);
  const one = () => instances[Math.floor(Math.random() * instances.length)];
  for (const what of order) {
    await delay(500 + Math.random() * 1_500);
    if (what === 'kill') one()?.signal('SIGKILL');
    else if (what === 'join') instances.push(await world.join());
    else if (what === 'broker') killBroker(world);
    else {
      const zombie = one();
      zombie?.signal('SIGSTOP');
      await delay(ZOMBIE_MS);
      zombie?.signal('SIGCONT');
    }
  }
  return order;
};

const killBroker = (world: Exchanges) => {
  const pid = world.system.processes().kafka;
  if (pid !== undefined) process.kill(pid, 'SIGKILL');
};

/** Waits until as many events of a source are in its ledger. */
export const untilDecided = async (world: Exchanges, source: string, events: number) => {
  const deadline = Date.now() + SETTLE_MS;
  for (;;) {
    const decided = await countRecords(world, topicsOf(source).ledger);
    if (decided >= events) return;
    if (Date.now() > deadline) throw new Error(`${source}: ${decided} of ${events} decided in time`);
    await delay(250);
  }
};

const countRecords = async (world: Exchanges, topic: string): Promise<number> => {
  const counts = await Promise.all(
    partitions.map(async (partition) => (await world.records(topic, partition).catch(() => [])).length),
  );
  return counts.reduce((sum, count) => sum + count, 0);
};
