import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { AGREEMENTS_TOPIC, topicsOf } from '@causeway/runtime/bus/topics';
import type { DecisionRecord, LedgerDecision } from '@causeway/runtime/ledger/ledger-record';
import { parseLedgerRecord } from '@causeway/runtime/ledger/ledger-record';
import {
  DISCHARGE,
  type Exchanges,
  type Instance,
  ORGANISATIONS,
  partitions,
  startExchanges,
} from './support/exchanges.ts';

const EVENTS_PER_SECOND = 500;
const BEFORE_MS = 3_000;
/** Longer than the freshness that a decision needs, shorter than the group takes to give its lanes away. */
const STOPPED_MS = 3_500;
const AFTER_MS = 2_000;
const [SOURCE = '', RECIPIENT = ''] = ORGANISATIONS;
const AGREEMENT = { id: `from-${SOURCE}`, version: 1 };

let world: Exchanges;
let instances: Instance[];

before(async () => {
  world = await startExchanges();
  instances = [await world.join(), await world.join()];
});

after(() => world?.stop());

/** Publishes at a steady rate until it is told to stop; resolves with how many there were. */
const flow = async (stopped: () => boolean): Promise<number> => {
  const began = performance.now();
  const sending: Promise<string>[] = [];
  while (!stopped()) {
    const due = ((performance.now() - began) / 1_000) * EVENTS_PER_SECOND;
    while (sending.length < due) sending.push(world.publish(SOURCE, sending.length % 500, sending.length));
    await delay(5);
  }
  await Promise.all(sending);
  return sending.length;
};

const suspend = async (): Promise<number> => {
  const record = {
    kind: 'status',
    ...AGREEMENT,
    status: 'suspended',
    reason: 'test',
    by: 'test',
    at: new Date().toISOString(),
  };
  const topic = AGREEMENTS_TOPIC;
  const [position] = await world.producer.send([
    { topic, partition: 0, value: Buffer.from(JSON.stringify(record)) },
  ]);
  const stored = (await world.records(topic, 0)).find(({ offset }) => offset === position?.offset);
  return stored?.timestamp ?? Number.NaN;
};

const decisionsOf = async (): Promise<(LedgerDecision & { type: string })[]> => {
  const { ledger } = topicsOf(SOURCE);
  const records = await Promise.all(partitions.map((partition) => world.records(ledger, partition)));
  return records
    .flat()
    .map(({ value }) => parseLedgerRecord(value ?? Buffer.alloc(0)) as DecisionRecord)
    .flatMap(({ type, decisions }) =>
      decisions.filter(({ recipient }) => recipient === RECIPIENT).map((decision) => ({ ...decision, type })),
    );
};

const untilAllDecided = async (events: number) => {
  for (const deadline = Date.now() + 60_000; ; await delay(250)) {
    const decisions = await decisionsOf();
    if (decisions.length >= events) return decisions;
    if (Date.now() > deadline) throw new Error(`${decisions.length} of ${events} events decided in time`);
  }
};

test('a second after an agreement is suspended nothing more is released under it, by no instance, not by one that was stopped meanwhile, and nothing that had to wait', async () => {
  let stopping = false;
  const flowing = flow(() => stopping);
  await delay(BEFORE_MS);
  // A schema that the exchange has not met yet waits for the registry.
  await world.evolve(DISCHARGE);
  const registry = world.system.processes().registry;
  if (registry !== undefined) process.kill(registry, 'SIGSTOP');
  await world.publish(SOURCE, 1_000, 0, DISCHARGE);
  await delay(500);
  const [stopped] = instances;
  stopped?.signal('SIGSTOP');
  const suspendedAt = await suspend();
  await delay(STOPPED_MS);
  stopped?.signal('SIGCONT');
  if (registry !== undefined) process.kill(registry, 'SIGCONT');
  await delay(AFTER_MS);
  stopping = true;
  const events = (await flowing) + 1;
  const decisions = await untilAllDecided(events);

  const inbox = await Promise.all(
    partitions.map((partition) => world.records(topicsOf(RECIPIENT).inbox, partition)),
  );
  const releasedAt = inbox.flat().map(({ timestamp }) => timestamp);
  const effect = Math.max(...releasedAt.filter((time) => time >= suspendedAt), suspendedAt) - suspendedAt;
  process.stdout.write(`suspended to last release: ${effect} ms, with ${EVENTS_PER_SECOND} events/s\n`);
  assert.ok(effect < 1_000, `something was released ${effect} ms after the suspension`);
  assert.ok(releasedAt.length > 0 && releasedAt.length < events, 'some were released before, none after');
  const withheld = decisions.filter(({ outcome }) => outcome === 'withheld');
  assert.deepEqual([...new Set(withheld.map(({ reason }) => reason))], ['not-active']);
  assert.equal(decisions.find(({ type }) => type === DISCHARGE)?.outcome, 'withheld', 'the one that waited');
});
