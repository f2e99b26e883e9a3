import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { LANES, topicsOf } from '@causeway/runtime/bus/topics';
import { type Reader, readToEnd } from '@causeway/runtime/kafka/reader';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { connectTo } from '../common/connections.ts';
import { freePorts } from '../common/ports.ts';
import { agreementsOf } from '../common/settings.ts';
import { type System, startSystem } from '../dev/system.ts';
import { type Door, openDoors } from './doors.ts';
import { perSecond, print, spread } from './report.ts';
import { cpuMs, residentMb } from './world.ts';

type AdaptersOptions = {
  /** How long every adapter takes 100 messages a second. */
  seconds: number;
  /** Messages of a whole day, which are replayed as quickly as they are taken. */
  day: number;
};

/** Without gateway and console, which have benchmarks of their own and would share the two cores. */
const SERVICES = ['exchange', 'nhs-trust', 'police-records', 'council-social-care', 'nhs-mesh'];
/** Everything is delivered; an answer to each message would be several more of them. */
const NOBODY_ANSWERS = {
  COUNCIL_SOCIAL_CARE_DESK_BEHAVIOUR: 'silent',
  POLICE_RECORDS_RMS_OFFICER_SECONDS: '3600',
};
const PER_SECOND = 100;
const AT_ONCE = 8;
const WARM = 200;
const SAMPLE_MS = 5_000;
const SETTLE_MS = 300_000;

/** Every adapter at once behind its own door, with exchange and deliveries: what it takes, what comes of it, and its memory. */
export const benchAdapters = async ({ seconds, day }: AdaptersOptions): Promise<void> => {
  const home = mkdtempSync(join(tmpdir(), 'causeway-bench-'));
  const system = await startSystem({
    home,
    environment: NOBODY_ANSWERS,
    services: SERVICES,
    ports: freePorts(),
    simulators: false,
    agreementsDir: agreementsOf({}),
    say: () => {},
    onFailed: (error) => {
      throw error;
    },
  });
  const kafka = connectTo(system.parts.connections, 'bench', createLogger('bench', 'error'));
  const reader = kafka.reader();
  const doors = await openDoors(system);
  try {
    const numbers = new Map(doors.map((door) => [door, 0]));
    await together(doors, numbers, () => WARM, Number.POSITIVE_INFINITY);
    await settled(reader, doors, numbers);
    await steady(system, reader, doors, numbers, seconds);
    await wholeDay(reader, doors, numbers, day);
  } finally {
    await Promise.all(doors.map((door) => door.close()));
    await reader.close();
    await kafka.close();
    await system.stop();
    rmSync(home, { recursive: true, force: true });
  }
};

type Numbers = Map<Door, number>;

/** How long each thing took until it was taken, and all of them, milliseconds. */
type Taken = { samples: number[]; ms: number };

/** Every door takes its number of things, at a pace for each. */
const together = async (
  doors: readonly Door[],
  numbers: Numbers,
  howMany: (door: Door) => number,
  pace: number,
): Promise<Map<Door, Taken>> => {
  const taken = await Promise.all(
    doors.map(async (door) => {
      const [first, count] = [numbers.get(door) ?? 0, howMany(door)];
      numbers.set(door, first + count);
      const samples: number[] = [];
      const began = performance.now();
      await Promise.all(
        Array.from({ length: AT_ONCE }, async (_, index) => {
          for (let n = index; n < count; n += AT_ONCE) {
            const due = began + (n * 1_000) / pace;
            if (due > performance.now()) await delay(due - performance.now());
            const start = performance.now();
            await door.put(first + n);
            samples.push(performance.now() - start);
          }
        }),
      );
      return [door, { samples, ms: performance.now() - began }] as const;
    }),
  );
  return new Map(taken);
};

/** Distinct events of the door's type in its organisation's outbox, and how many there are of them in all. */
const published = async (reader: Reader, { organisation, type, service }: Door) => {
  const ids = new Set<string>();
  let records = 0;
  for (let partition = 0; partition < LANES; partition += 1)
    for await (const { headers } of readToEnd(
      reader,
      { topic: topicsOf(organisation).outbox, partition },
      0,
    )) {
      const isOurs = headers.ce_source?.toString('utf8') === `/${organisation}/${service}`;
      if (!isOurs || headers.ce_type?.toString('utf8') !== type) continue;
      records += 1;
      ids.add(headers.ce_id?.toString('utf8') ?? '');
    }
  return { distinct: ids.size, records };
};

/** Waits until everything that was put in is on the bus; gives for each door what is missing after that time, and what is there twice. */
const settled = async (reader: Reader, doors: readonly Door[], numbers: Numbers) => {
  const deadline = Date.now() + SETTLE_MS;
  for (;;) {
    const counts = await Promise.all(doors.map((door) => published(reader, door)));
    const all = doors.map((door, index) => ({
      door,
      missing: (numbers.get(door) ?? 0) - (counts[index]?.distinct ?? 0),
      twice: (counts[index]?.records ?? 0) - (counts[index]?.distinct ?? 0),
    }));
    if (all.every(({ missing }) => missing === 0) || Date.now() > deadline) return all;
    await delay(200);
  }
};

const steady = async (
  system: System,
  reader: Reader,
  doors: readonly Door[],
  numbers: Numbers,
  seconds: number,
): Promise<void> => {
  print(`${PER_SECOND} messages/s through each of ${doors.length} adapters at once for ${seconds} s`);
  const memory = new Map(doors.map((door) => [door, [] as number[]]));
  const look = () => {
    for (const door of doors) memory.get(door)?.push(residentMb(system.processes()[door.service]) ?? 0);
  };
  look();
  const sampling = setInterval(look, SAMPLE_MS);
  const used = processorOf(system);
  const taken = await together(doors, numbers, () => PER_SECOND * seconds, PER_SECOND);
  const end = performance.now();
  const left = await settled(reader, doors, numbers);
  const behindMs = performance.now() - end;
  clearInterval(sampling);
  look();
  for (const { door, missing, twice } of left) {
    const { samples, ms } = taken.get(door) ?? { samples: [], ms: 0 };
    print(
      `${door.service}: ${perSecond(samples.length, ms)} messages/s taken, ${spread(samples)}; ${missing} lost, ${twice} twice; ${memory.get(door)?.join(', ')} MB`,
    );
  }
  print(`processor time for one message of each: ${used(PER_SECOND * seconds)}`);
  print(`everything was on the bus ${(behindMs / 1_000).toFixed(1)} s after the last message`);
};

/** What each part and the load use from now on, shared by so many messages: with two cores it says more than a rate. */
const processorOf = (system: System): ((messages: number) => string) => {
  const now = () =>
    Object.entries({ ...system.processes(), load: process.pid }).map(([name, pid]) => {
      // The parts are children of this process.
      const { user, system: kernel } = process.cpuUsage();
      return [name, name === 'load' ? (user + kernel) / 1_000 : cpuMs(pid)] as const;
    });
  const before = new Map(now());
  return (messages) => {
    const used = now().map(([name, ms]) => [name, (ms - (before.get(name) ?? 0)) / messages] as const);
    const total = used.reduce((sum, [, ms]) => sum + ms, 0);
    const each = used.filter(([, ms]) => ms >= 0.05).sort(([, a], [, b]) => b - a);
    return `${total.toFixed(1)} ms: ${each.map(([name, ms]) => `${name} ${ms.toFixed(1)}`).join(', ')}`;
  };
};

const wholeDay = async (
  reader: Reader,
  doors: readonly Door[],
  numbers: Numbers,
  day: number,
): Promise<void> => {
  const total = doors.reduce((sum, { daily }) => sum + daily, 0);
  const share = ({ daily }: Door) => Math.round((day * daily) / total);
  const began = performance.now();
  await together(doors, numbers, share, Number.POSITIVE_INFINITY);
  const takenMs = performance.now() - began;
  const left = await settled(reader, doors, numbers);
  const onTheBusMs = performance.now() - began;
  const shares = doors.map((door) => `${share(door)} ${door.service}`).join(', ');
  const missing = left.reduce((sum, one) => sum + one.missing, 0);
  print(
    `a day of ${day} messages (${shares}): taken in ${(takenMs / 1_000).toFixed(1)} s, on the bus in ${(onTheBusMs / 1_000).toFixed(1)} s, ${missing} lost`,
  );
};
