import { setTimeout as delay } from 'node:timers/promises';
import type { Producer } from '@causeway/runtime/kafka/producer';
import type { Load } from './load.ts';
import { print } from './report.ts';
import { residentMb, SOURCES, type World } from './world.ts';

const RATE = 500;
const TICK_MS = 100;
const MINUTE_MS = 60_000;

/** Resident memory of the exchange, each minute of a steady stream of events to ten recipients. */
export const steady = async (world: World, load: Load, producer: Producer, minutes: number) => {
  const began = performance.now();
  const until = began + minutes * MINUTE_MS;
  let next = began + MINUTE_MS;
  for (let due = began; performance.now() < until; due += TICK_MS) {
    await producer.send(Array.from({ length: (RATE * TICK_MS) / 1_000 }, () => load.record(SOURCES[10])));
    if (performance.now() >= next) {
      const minute = Math.round((next - began) / MINUTE_MS);
      print(`minute ${minute} at ${RATE} events/s: ${residentMb(world.system.processes().exchange)} MB`);
      next += MINUTE_MS;
    }
    await delay(Math.max(due + TICK_MS - performance.now(), 0));
  }
};
