import { setTimeout as delay } from 'node:timers/promises';
import { LANES } from '@causeway/runtime/bus/topics';
import type { KafkaRecord } from '@causeway/runtime/kafka/broker-client';
import type { Producer } from '@causeway/runtime/kafka/producer';
import type { Reader } from '@causeway/runtime/kafka/reader';
import { perSecond } from './report.ts';
import { cpuMs, type World } from './world.ts';

export const EVENTS = 30_000;
const PER_SEND = 500;
/** A worker that stands still ends the benchmark with a word. */
const PATIENCE_MS = 300_000;
const lanes = Array.from({ length: LANES }, (_, lane) => lane);

/** Processes that take events from one topic and write one ledger record for each. */
export type Worker = { pids: number[]; input: string; ledger: string; group: string };
export type Drained = { perSecond: number; cpuMicros: number; brokerCpuMicros: number };

/**
 * Events gather in the input topic while the worker is stopped; then how long until the last of them is in the ledger. The end is
 * the broker's append time of the last ledger record, so that no commit interval or polling of ours is in the figure.
 */
export const drain = async (
  { kafka, system }: World,
  producer: Producer,
  worker: Worker,
  record: () => KafkaRecord,
  events = EVENTS,
): Promise<Drained> => {
  const reader = kafka.reader();
  const admin = await kafka.admin();
  for (const pid of worker.pids) process.kill(pid, 'SIGSTOP');
  for (let sent = 0; sent < events; sent += PER_SEND)
    await producer.send(Array.from({ length: PER_SEND }, record));
  const target = sum((await reader.bounds(worker.input, lanes)).map(({ end }) => end));
  const broker = system.processes().kafka;
  const [cpu, brokerCpu] = [sum(worker.pids.map(cpuMs)), cpuMs(broker)];
  const began = Date.now();
  for (const pid of worker.pids) process.kill(pid, 'SIGCONT');
  while (sum([...(await admin.committedOffsets(worker.group, worker.input)).values()]) < target) {
    if (Date.now() - began > PATIENCE_MS)
      throw new Error(`${worker.group} has not come to the end of ${worker.input}`);
    await delay(100);
  }
  const used = sum(worker.pids.map(cpuMs)) - cpu;
  const brokerUsed = cpuMs(broker) - brokerCpu;
  const times = await Promise.all(lanes.map((lane) => lastAppend(reader, worker.ledger, lane, began)));
  await Promise.all([reader.close(), admin.close()]);
  return {
    perSecond: perSecond(events, Math.max(...times) - began),
    cpuMicros: (used * 1_000) / events,
    brokerCpuMicros: (brokerUsed * 1_000) / events,
  };
};

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** Found by asking for offsets by time, because a peer may compress its records with a codec that nobody here reads. */
const lastAppend = async (reader: Reader, topic: string, partition: number, after: number) => {
  const [bounds] = await reader.bounds(topic, [partition]);
  const isReached = async (time: number) =>
    ((await reader.atTime(topic, [partition], time))[0]?.offset ?? 0) < (bounds?.end ?? 0);
  let [reached, missed] = [after, Date.now() + 1];
  while (missed - reached > 1) {
    const middle = Math.floor((reached + missed) / 2);
    if (await isReached(middle)) reached = middle;
    else missed = middle;
  }
  return reached;
};
