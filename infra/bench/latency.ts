import { setTimeout as delay } from 'node:timers/promises';
import { LANES, topicsOf } from '@causeway/runtime/bus/topics';
import type { Producer } from '@causeway/runtime/kafka/producer';
import type { Load } from './load.ts';
import { perSecond } from './report.ts';
import { SOURCES, type World } from './world.ts';

const SECONDS = 10;
const QUIET_MS = 10_000;
const lanes = Array.from({ length: LANES }, (_, lane) => lane);

type Latency = { samples: number[]; perSecond: number };

/** From the append to the outbox until a reader of the inbox has the event, at a steady rate, one recipient each. */
export const latencyAt = async (
  { kafka, recipients }: World,
  load: Load,
  producer: Producer,
  rate: number,
): Promise<Latency> => {
  const source = SOURCES[1];
  const inbox = topicsOf(recipients[0] ?? '').inbox;
  const { outbox } = topicsOf(source);
  const reader = kafka.reader();
  const outboxReader = kafka.reader();
  const starts = await reader.bounds(inbox, lanes);
  const outboxStarts = await outboxReader.bounds(outbox, lanes);
  const wanted = rate * SECONDS;
  const seen = new Map<string, number>();
  let last = Date.now();
  const reading = (async () => {
    let positions = starts.map(({ partition, end }) => ({ topic: inbox, partition, offset: end }));
    while (seen.size < wanted && Date.now() - last < QUIET_MS) {
      const answers = await reader.fetch(positions, { maxWaitMs: 5 });
      const now = Date.now();
      for (const { records } of answers)
        for (const { headers } of records) seen.set(String(headers.ce_id), now);
      if (answers.some(({ records }) => records.length > 0)) last = now;
      positions = answers.map(({ topic, partition, next }) => ({ topic, partition, offset: next }));
    }
  })();
  const began = performance.now();
  const sending: Promise<unknown>[] = [];
  for (let number = 0; number < wanted; number += 1) {
    const early = began + (number * 1_000) / rate - performance.now();
    if (early > 0) await delay(early);
    sending.push(producer.send([load.record(source)]));
  }
  await Promise.all(sending);
  await reading;
  const took = performance.now() - began;
  const samples: number[] = [];
  for (const { partition, end } of outboxStarts) {
    let offset = end;
    for (;;) {
      const [answer] = await outboxReader.fetch([{ topic: outbox, partition, offset }], { maxWaitMs: 10 });
      if (!answer || answer.next === offset) break;
      for (const { headers, timestamp } of answer.records) {
        const arrived = seen.get(String(headers.ce_id));
        if (arrived !== undefined) samples.push(arrived - timestamp);
      }
      offset = answer.next;
    }
  }
  await Promise.all([reader.close(), outboxReader.close()]);
  return { samples, perSecond: perSecond(samples.length, took) };
};
