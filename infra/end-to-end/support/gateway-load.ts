import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { LANES, topicsOf } from '@causeway/runtime/bus/topics';
import type { Kafka } from '@causeway/runtime/kafka/connect';
import { type Cursors, createClient } from '../../../services/client/src/client.ts';
import { percentile } from '../../bench/report.ts';
import { residentMb } from '../../bench/world.ts';

/** One way by which an organisation takes its events: what came, in its order, and when. */
export type Taking = {
  organisation: string;
  way: 'pull' | 'stream' | 'webhook';
  came: { id: string; subject: string; at: number }[];
  stop(): void;
};

type Gateway = { url: string; token(): Promise<string> };
type Event = { id: string; subject?: string };

const PATIENCE_MS = 60_000;

const taking = (organisation: string, way: Taking['way'], stop: () => void) => {
  const one: Taking = { organisation, way, came: [], stop };
  const take = ({ id, subject = '' }: Event) => void one.came.push({ id, subject, at: Date.now() });
  return { one, take };
};

/** By the published client, from now on. */
export const pulling = async (organisation: string, { url, token }: Gateway): Promise<Taking> => {
  const ending = new AbortController();
  const { one, take } = taking(organisation, 'pull', () => ending.abort());
  const client = createClient({ gateway: url, token });
  let kept: string | undefined;
  const cursors: Cursors = {
    load: async () => kept,
    save: async (cursor) => {
      kept = cursor;
    },
  };
  const asked = { cursors, from: new Date(), limit: 1_000, signal: ending.signal };
  void (async () => {
    for await (const event of client.events(asked)) take(event);
  })().catch(() => undefined);
  return one;
};

export const streaming = async (organisation: string, { url, token }: Gateway): Promise<Taking> => {
  const ending = new AbortController();
  const { one, take } = taking(organisation, 'stream', () => ending.abort());
  const from = encodeURIComponent(new Date().toISOString());
  let last: string | undefined;
  const connect = async () => {
    const headers: Record<string, string> = { authorization: `Bearer ${await token()}` };
    if (last !== undefined) headers['last-event-id'] = last;
    const query = last === undefined ? `?from=${from}` : '';
    const answer = await fetch(`${url}/v1/events/stream${query}`, { headers, signal: ending.signal });
    assert.equal(answer.status, 200);
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (;;) {
      const { value, done } = (await reader?.read()) ?? { done: true };
      if (done) return;
      text += value;
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
        const data = field('data');
        if (data !== undefined && field('event') === undefined) take(JSON.parse(data));
        last = field('id') ?? last;
      }
    }
  };
  void (async () => {
    while (!ending.signal.aborted) {
      await connect().catch(() => undefined);
      await delay(100);
    }
  })();
  return one;
};

export const hooked = async (organisation: string, { url, token }: Gateway): Promise<Taking> => {
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      take(JSON.parse(Buffer.concat(parts).toString('utf8')));
      response.writeHead(204).end();
    });
  });
  server.keepAliveTimeout = 60_000;
  const { one, take } = taking(organisation, 'webhook', () => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const answer = await fetch(`${url}/v1/subscriptions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await token()}`, 'content-type': 'application/json' },
    body: JSON.stringify({ endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }),
  });
  assert.equal(answer.status, 201);
  return one;
};

/** What lies in an inbox from these positions on: ids in the order of each subject, and when each came there. */
type Lying = { ids: Set<string>; bySubject: Map<string, string[]>; at: Map<string, number> };

export const inboxFrom = async (
  kafka: Kafka,
  organisation: string,
  from: readonly { partition: number; end: number }[],
): Promise<Lying> => {
  const topic = topicsOf(organisation).inbox;
  const reader = kafka.reader();
  const lying: Lying = { ids: new Set(), bySubject: new Map(), at: new Map() };
  for (const { partition, end } of from)
    for (let offset = end; ; ) {
      const [answer] = await reader.fetch([{ topic, partition, offset }], { maxWaitMs: 10 });
      if (!answer || answer.next === offset) break;
      for (const { headers, timestamp } of answer.records) {
        const [id, subject] = [String(headers.ce_id), String(headers.ce_subject)];
        lying.ids.add(id);
        lying.at.set(id, timestamp);
        lying.bySubject.set(subject, [...(lying.bySubject.get(subject) ?? []), id]);
      }
      offset = answer.next;
    }
  await reader.close();
  return lying;
};

export const endsOf = async (kafka: Kafka, organisation: string) => {
  const reader = kafka.reader();
  const lanes = Array.from({ length: LANES }, (_, lane) => lane);
  const ends = await reader.bounds(topicsOf(organisation).inbox, lanes);
  await reader.close();
  return ends;
};

/** Waits until so many came each way, or nothing comes any more. */
export const untilTaken = async (takings: readonly Taking[], count: number): Promise<void> => {
  const total = () => takings.reduce((sum, { came }) => sum + came.length, 0);
  let [seen, moved] = [total(), Date.now()];
  while (takings.some(({ came }) => came.length < count)) {
    if (Date.now() - moved > PATIENCE_MS) return;
    await delay(200);
    const now = total();
    if (now > seen) [seen, moved] = [now, Date.now()];
  }
};

/** Every event once, and those of each subject in the order of the inbox. */
export const assertTaken = ({ organisation, way, came }: Taking, { ids, bySubject }: Lying): void => {
  const who = `${organisation} by ${way}`;
  const missing = ids.difference(new Set(came.map(({ id }) => id))).size;
  assert.equal(missing, 0, `${who}: ${missing} of ${ids.size} events never came`);
  assert.equal(came.length, ids.size, `${who}: some events came twice`);
  const got = Map.groupBy(came, ({ subject }) => subject);
  for (const [subject, wanted] of bySubject)
    assert.deepEqual(
      got.get(subject)?.map(({ id }) => id),
      wanted,
      `${who}: a subject out of order`,
    );
};

/** From when each event was there (published, or in the inbox) until it was taken, milliseconds. */
export const latency = ({ came }: Taking, since: ReadonlyMap<string, number>) => {
  const samples = came.map(({ id, at }) => at - (since.get(id) ?? Number.NaN));
  return { p50: percentile(samples, 0.5), p99: percentile(samples, 0.99) };
};

/** Resident memory of a process each few seconds until it is stopped, megabytes. */
export const memoryOf = (pid: () => number | undefined) => {
  const samples: number[] = [];
  const timer = setInterval(() => samples.push(residentMb(pid()) ?? 0), 2_000);
  return {
    stop() {
      clearInterval(timer);
      return samples;
    },
  };
};
