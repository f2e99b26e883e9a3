import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { tokenOf } from '../../bench/client.ts';
import { createLoad, type Load } from '../../bench/load.ts';
import { SOURCES, startWorld, type World } from '../../bench/world.ts';
import {
  assertTaken,
  endsOf,
  hooked,
  inboxFrom,
  latency,
  memoryOf,
  pulling,
  streaming,
  type Taking,
  untilTaken,
} from '../support/gateway-load.ts';

/**
 * Two phases: events are sent at a pace, then what came is compared by id with what lies in the inboxes. On a quiet machine with two cores,
 * whole: `LOAD_SCALE=1 LOAD_LATENCY=true npm run test:long -- infra/end-to-end/long/gateway-load.long.test.ts`. By default at a tenth of the pace and a
 * third of the time, and without limits of time, which a machine that does something else as well does not keep. `LOAD_SECONDS` makes it longer.
 */
const SCALE = Number(process.env.LOAD_SCALE ?? 0.1);
const WITH_LIMITS = process.env.LOAD_LATENCY === 'true';
const SECONDS = Number(process.env.LOAD_SECONDS ?? (SCALE < 1 ? 20 : 60));
const STREAM_P99_MS = 250;
const WEBHOOK_P99_MS = 1_000;
/** What is there at the end may be that much more than after a third of the time. */
const GROWTH = 1.25;

let world: World;
let load: Load;

before(async () => {
  world = await startWorld(['exchange', 'gateway']);
  load = await createLoad(world);
});
after(() => world?.stop());

/** Publishes at a pace. Returns when each event was handed to the producer. */
const send = async (source: string, perSecond: number): Promise<Map<string, number>> => {
  const producer = world.kafka.producer();
  const began = performance.now();
  const published = new Map<string, number>();
  for (; performance.now() - began < SECONDS * 1_000; await delay(10)) {
    const due = Math.floor(((performance.now() - began) / 1_000) * perSecond) - published.size;
    const records = Array.from({ length: due }, () => load.record(source));
    for (const { headers } of records) published.set(String(headers?.ce_id), Date.now());
    if (due > 0) await producer.send(records);
  }
  await producer.close();
  return published;
};

const run = async (
  source: string,
  recipients: readonly string[],
  perSecond: number,
  say: (line: string) => void,
) => {
  const url = world.system.endpoints.gateway?.url ?? '';
  const begun = new Map(
    await Promise.all(recipients.map(async (one) => [one, await endsOf(world.kafka, one)] as const)),
  );
  const takings: Taking[] = [];
  for (const organisation of recipients) {
    const gateway = { url, token: () => tokenOf(world, organisation) };
    for (const take of [pulling, streaming, hooked]) takings.push(await take(organisation, gateway));
  }
  // Until the gateway has taken up the new subscriptions.
  await delay(5_000);
  const memory = memoryOf(() => world.system.processes().gateway);
  const published = await send(source, perSecond);
  await untilTaken(takings, published.size);
  const samples = memory.stop();
  for (const { stop } of takings) stop();
  const figures = { pull: [] as number[], stream: [] as number[], webhook: [] as number[] };
  const fromInbox = structuredClone(figures);
  for (const organisation of recipients) {
    const lying = await inboxFrom(world.kafka, organisation, begun.get(organisation) ?? []);
    assert.equal(lying.ids.size, published.size, `${organisation}: the exchange released all of it`);
    for (const taking of takings.filter((one) => one.organisation === organisation)) {
      assertTaken(taking, lying);
      figures[taking.way].push(latency(taking, published).p99);
      fromInbox[taking.way].push(latency(taking, lying.at).p99);
    }
  }
  const worst = (all: typeof figures) =>
    Object.entries(all)
      .map(([way, p99]) => `${way} ${Math.max(...p99)} ms`)
      .join(', ');
  say(`${published.size} events at ${perSecond}/s to ${recipients.length}, worst p99 of an organisation:`);
  say(`since it was published: ${worst(figures)}; since it lay in the inbox: ${worst(fromInbox)}`);
  say(`gateway, MB resident: ${samples.join(' ')}`);
  const third = Math.max(...samples.slice(0, Math.ceil(samples.length / 3)));
  const end = Math.max(...samples.slice(-3));
  if (WITH_LIMITS) assert.ok(end < third * GROWTH, `memory went from ${third} to ${end} MB`);
  return figures;
};

test('1,000 events a second for a minute to one organisation come once each, in order per subject, by pull, stream and webhook', async (t) => {
  await run(SOURCES[1], world.recipients.slice(0, 1), 1_000 * SCALE, (line) => t.diagnostic(line));
});

test('100 events a second to ten organisations come once each, in order per subject, by pull, stream and webhook, and soon', async (t) => {
  const figures = await run(SOURCES[10], world.recipients, 100 * SCALE, (line) => t.diagnostic(line));
  if (!WITH_LIMITS) return;
  assert.ok(Math.max(...figures.stream) < STREAM_P99_MS, `stream: ${figures.stream}`);
  assert.ok(Math.max(...figures.webhook) < WEBHOOK_P99_MS, `webhook: ${figures.webhook}`);
});
