import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createEngine } from '../../services/adapters/nhs-trust/src/simulator/simulator.ts';
import { stayMessage } from '../../services/adapters/nhs-trust/src/simulator/synthetic.ts';
import { type Causeway, type CloudEvent, startCauseway } from './support/causeway.ts';

const COUNCIL = 'westshire-council';
/** The long run sends more: see `long/crash.long.test.ts`. */
const MESSAGES = Number(process.env.CRASH_MESSAGES ?? 1_500);
const PATIENTS = 250;
const CONNECTIONS = 10;
const PARTS = ['exchange', 'gateway', 'nhs-trust', 'registry', 'postgres', 'kafka'];
const FIRST_ADMISSION = Date.UTC(2026, 0, 1);
const MINUTE_MS = 60_000;
/** Slow enough that messages flow before, while and after every part is killed. */
const PACE_MS = 300_000 / MESSAGES;
const QUIET_MS = 90_000;

let causeway: Causeway;

before(async () => {
  causeway = await startCauseway({ hospitalOnly: true });
});

after(async () => {
  await causeway?.stop();
});

/** Every patient is admitted again and again, a minute later each time, so that order can be read off the data. */
const messageOf = (number: number): Buffer =>
  stayMessage({
    trigger: 'A01',
    stay: number % PATIENTS,
    controlId: `CRASH${number}`,
    at: new Date(FIRST_ADMISSION + Math.floor(number / PATIENTS) * MINUTE_MS),
  });

/** A hospital that sends in order for each patient and gives nothing up before it is acknowledged. */
const sendEverything = async (killing: Promise<unknown>) => {
  let paced = true;
  killing.finally(() => {
    paced = false;
  });
  const codes = await Promise.all(
    Array.from({ length: CONNECTIONS }, async (_, connection) => {
      const engine = createEngine({ ...causeway.mllp, answerMs: 12_000, againMs: 200 });
      const own = [];
      for (let number = connection; number < MESSAGES; number += CONNECTIONS) {
        own.push((await engine.send(messageOf(number))).code);
        if (paced) await delay(PACE_MS);
      }
      engine.close();
      return own;
    }),
  );
  return codes.flat();
};

/** A council that reads on from its last cursor until it has everything, or nothing new comes for a long time. */
const readEverything = async () => {
  const events: CloudEvent[] = [];
  let next = '';
  let last = Date.now();
  while (events.length < MESSAGES && Date.now() - last < QUIET_MS) {
    const query = `limit=500&wait=2${next ? `&after=${encodeURIComponent(next)}` : ''}`;
    const page = await causeway.events(COUNCIL, query);
    if (page.events.length > 0) last = Date.now();
    events.push(...page.events);
    next = page.next;
  }
  return events;
};

/** Ends every part, in an order and at moments that nobody chose. */
const killEverything = async () => {
  const order = PARTS.map((part) => ({ part, rank: Math.random() })).sort((a, b) => a.rank - b.rank);
  for (const { part } of order) {
    await delay(1_000 + Math.random() * 3_000);
    causeway.kill(part);
  }
  return order.map(({ part }) => part);
};

test('while every part is killed at random, every message arrives once, in order for its patient, and the ledger is whole', async () => {
  const killing = killEverything();
  const reading = readEverything();
  const codes = await sendEverything(killing);
  assert.deepEqual([...new Set(codes)], ['AA']);
  const events = await reading;
  const killed = await killing;
  process.stdout.write(`killed, in this order: ${killed.join(', ')}\n`);
  const positions = new Map<string, string[]>();
  for (const { id, position } of events) positions.set(id, [...(positions.get(id) ?? []), position]);
  const twice = [...positions].filter(([, at]) => at.length > 1);
  assert.deepEqual(twice, [], 'an event arrived twice');
  assert.equal(events.length, MESSAGES);
  const latest = new Map<string, string>();
  for (const { subject, data } of events) {
    const admittedAt = String(data.admittedAt);
    assert.ok((latest.get(subject) ?? '') < admittedAt, 'two events of one patient changed places');
    latest.set(subject, admittedAt);
  }
  assert.equal(latest.size, PATIENTS);
  const again = await causeway.allEvents(COUNCIL);
  assert.equal(again.length, MESSAGES, 'reading from the start finds the same');
  const { code, output } = await causeway.command('operator/ledger.ts', 'verify');
  assert.equal(code, 0, output);
  assert.match(output, /: every chain whole$/m);
  const counts = [...output.matchAll(/^ledger\.westshire-nhs-trust\/\d+: (\d+) records/gm)];
  assert.equal(
    counts.reduce((total, [, records]) => total + Number(records), 0),
    MESSAGES,
  );
});
