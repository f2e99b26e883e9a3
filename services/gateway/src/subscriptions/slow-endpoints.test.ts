import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventId } from '@causeway/runtime/event';
import { testToken } from '@causeway/runtime/test-bus';
import { agreementYaml, type BusWorld, startBusWorld } from '../testing/bus-world.ts';
import { ADMISSION, type Arriving, arrive } from '../testing/inbox.ts';
import { type Receiver, startReceiver } from '../testing/receiver.ts';

const EVENTS = 200;
let world: BusWorld;
let trust: string;
let councils: string[];
let agreement: string;

before(async () => {
  world = await startBusWorld(3);
  [trust = '', ...councils] = world.bus.organisations;
  const release = { [ADMISSION]: { fields: ['visitId'] } };
  agreement = await world.bus.activate(agreementYaml(`slow-${trust}`, trust, councils, release));
});

after(() => world.close());

const subscribe = async (organisation: string, answer?: Receiver['answer']): Promise<Receiver> => {
  const receiver = await startReceiver(answer);
  const json = { 'content-type': 'application/json' };
  const made = await world.ask(organisation, 'POST', '/v1/subscriptions', { endpoint: receiver.url }, json);
  assert.equal(made.status, 201);
  return receiver;
};

/** The same events for each organisation, of as many people; gives what each receiver took for them, milliseconds. */
const deliver = async (name: string, to: readonly Receiver[]): Promise<number[]> => {
  const events = Array.from({ length: EVENTS }, (_, index): Arriving => {
    const id = eventId([name, trust], Buffer.from(String(index)), 0);
    return { id, subject: testToken(id), source: `/${trust}/adt`, agreement: [agreement] };
  });
  const taken = to.map((receiver) => receiver.taken.length);
  await Promise.all(councils.map((council) => arrive(world.bus, council, events)));
  const begun = performance.now();
  await Promise.all(to.map((receiver, index) => receiver.until((taken[index] ?? 0) + EVENTS)));
  return to.flatMap((receiver, index) => receiver.taken.slice(taken[index]).map(({ at }) => at - begun));
};

test('endpoints that never answer, or answer a byte a second, cost others nothing, of their own organisation or another', async (t) => {
  const [one = '', other = ''] = councils;
  const healthy = [await subscribe(one), await subscribe(other)];
  await deliver('warm', healthy);
  const alone = await deliver('alone', healthy);
  const trickles = new Set<NodeJS.Timeout>();
  const silent = await subscribe(one, () => undefined);
  const trickling = await subscribe(one, (_request, response) => {
    response.writeHead(200, { 'content-length': '1000' });
    trickles.add(setInterval(() => response.write('a'), 1_000));
    return undefined;
  });
  await deliver('warm again', healthy);
  const beside = await deliver('beside', healthy);
  const spread = (samples: readonly number[]) => {
    const sorted = samples.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.floor(sorted.length * share)]?.toFixed(0);
    return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
  };
  t.diagnostic(`${EVENTS} events to each of two healthy endpoints, alone: ${spread(alone)}`);
  t.diagnostic(`beside one that never answers and one that trickles: ${spread(beside)}`);
  assert.ok(silent.asked.length > 0 && trickling.asked.length > 0, 'the slow ones were called meanwhile');
  assert.deepEqual([silent.taken.length, trickling.taken.length], [0, 0]);
  // Far less than the 15 s that each of the slow ones holds a call: nobody stood behind them.
  assert.ok(Math.max(...beside) < Math.max(4 * Math.max(...alone), 5_000));
  for (const timer of trickles) clearInterval(timer);
  await Promise.all([...healthy, silent, trickling].map((receiver) => receiver.close()));
});
