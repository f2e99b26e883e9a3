import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { stringify } from 'yaml';
import { connectTo } from '../common/connections.ts';
import { freePorts } from '../common/ports.ts';
import { type System, startAnother, startSystem } from '../dev/system.ts';
import { createLoad } from './load.ts';
import { perSecond } from './report.ts';
import type { Cell, Measured } from './scale.ts';
import { cpuMs, residentMb, writeAgreement } from './world.ts';

/** Measures one cell of the benchmark of scale: its argument is the cell, its output the figures, both in JSON. */
const RELEASES = 300_000;
const MOST_EVENTS = 20_000;
const WARM_UP = 2_000;
const PER_SEND = 500;
const PATIENCE_MS = 120_000;
/** The first event of a source for a recipient waits for the registry to take its view, one view after the other. */
const PATIENCE_MS_A_VIEW = 1_000;

const measure = async (cell: Cell): Promise<Measured> => {
  const home = mkdtempSync(join(tmpdir(), 'causeway-scale-'));
  const sources = writePartnership(home, cell);
  const environment = { CAUSEWAY_LANES: String(cell.lanes) };
  const began = performance.now();
  const system = await startSystem({
    home,
    environment,
    ports: freePorts(),
    simulators: false,
    agreementsDir: join(home, 'agreements'),
    organisationsDir: join(home, 'organisations'),
    services: ['exchange'],
    say: () => {},
    onFailed: (error) => {
      throw error;
    },
  });
  try {
    const admins = [system.endpoints.exchange?.admin ?? ''];
    if (cell.instances > 1)
      admins.push((await startAnother(system, 'exchange', { home, environment })).admin);
    const startMs = performance.now() - began;
    const events = eventsOf(cell);
    const kafka = connectTo(system.parts.connections, 'scale', createLogger('scale', 'silent'));
    const [load, producer] = [await createLoad({ system }), kafka.producer()];
    let number = 0;
    const next = () => load.record(sources[number++ % sources.length] ?? '');
    const send = (count: number) => producer.send(Array.from({ length: count }, next));
    const views = sources.length * cell.recipients;
    const patience = PATIENCE_MS + views * PATIENCE_MS_A_VIEW;
    await drain(system, admins, send, Math.min(WARM_UP, events), patience);
    const stored = eachKind((kind) => logBytes(home, kind));
    const { ms, cpu } = await drain(system, admins, send, events, PATIENCE_MS);
    await kafka.close();
    return {
      eventsPerSecond: perSecond(events, ms),
      cpuMicros: (cpu * 1_000) / events,
      exchangeMb: exchangesOf(system).map((pid) => residentMb(pid) ?? Number.NaN),
      brokerMb: residentMb(system.processes().kafka),
      startMs,
      bytesAnEvent: eachKind((kind) => (logBytes(home, kind) - stored[kind]) / events),
    };
  } finally {
    await system.stop();
    rmSync(home, { recursive: true, force: true });
  }
};

const eventsOf = ({ recipients }: Cell): number =>
  Math.min(MOST_EVENTS, Math.floor(RELEASES / recipients / PER_SEND) * PER_SEND);

const exchangesOf = (system: System): number[] =>
  Object.entries(system.processes()).flatMap(([name, pid]) => (name.startsWith('exchange') ? [pid] : []));

type Drained = { ms: number; cpu: number };

/** Events gather in all outboxes while the exchange stands still; then how long until it has committed all of them. */
const drain = async (
  system: System,
  admins: readonly string[],
  send: (count: number) => Promise<unknown>,
  events: number,
  patienceMs: number,
): Promise<Drained> => {
  const pids = exchangesOf(system);
  const before = await decided(admins);
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  for (let sent = 0; sent < events; sent += PER_SEND) await send(Math.min(PER_SEND, events - sent));
  const cpu = total(pids);
  const began = performance.now();
  for (const pid of pids) process.kill(pid, 'SIGCONT');
  for (let done = 0; done < events; done = (await decided(admins)) - before) {
    if (performance.now() - began > patienceMs) throw new Error(`${done} of ${events} decided in time`);
    await delay(25);
  }
  const ms = performance.now() - began;
  const used = total(pids) - cpu;
  return { ms, cpu: used };
};

/** As the exchanges count them, once they are committed. */
const decided = async (admins: readonly string[]): Promise<number> => {
  const texts = await Promise.all(admins.map(async (admin) => (await fetch(`${admin}/metrics`)).text()));
  const counts = texts
    .flatMap((text) => [...text.matchAll(/^causeway_records_decided_total\{[^}]*\} (\d+)/gm)])
    .map(([, count]) => Number(count));
  return counts.reduce((sum, count) => sum + count, 0);
};

const eachKind = (measured: (kind: 'outbox' | 'inbox' | 'ledger') => number) => ({
  outbox: measured('outbox'),
  inbox: measured('inbox'),
  ledger: measured('ledger'),
});

/** Of the broker's log segments for topics of one kind. */
const logBytes = (home: string, kind: string): number =>
  readdirSync(join(home, 'kafka', 'data'), { recursive: true, withFileTypes: true })
    .filter(
      (entry) =>
        entry.isFile() && entry.name.endsWith('.log') && basename(entry.parentPath).startsWith(`${kind}.`),
    )
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);

const total = (pids: readonly number[]): number => pids.reduce((sum, pid) => sum + cpuMs(pid), 0);

const writePartnership = (home: string, { organisations, recipients, agreements }: Cell): string[] => {
  const ids = Array.from(
    { length: organisations },
    (_, index) => `org-${String(index + 1).padStart(3, '0')}`,
  );
  const [organisationsDir, agreementsDir] = [join(home, 'organisations'), join(home, 'agreements')];
  for (const directory of [organisationsDir, agreementsDir]) mkdirSync(directory);
  for (const id of ids)
    writeFileSync(
      join(organisationsDir, `${id}.yaml`),
      stringify({ id, name: id, kind: 'other', handlingAccepted: [], dutyContacts: [] }),
    );
  const sources = ids.slice(0, Math.min(organisations, agreements));
  const each = Math.min(recipients, Math.floor(agreements / sources.length));
  for (const [index, source] of sources.entries()) {
    const to = Array.from({ length: recipients }, (_, step) => ids[(index + step + 1) % organisations] ?? '');
    for (let number = 0; number < each; number += 1)
      writeAgreement(
        agreementsDir,
        source,
        to.filter((_, position) => position % each === number),
        {},
        `from-${source}-${number + 1}`,
      );
  }
  return sources;
};

const [argument = ''] = process.argv.slice(2);
process.stdout.write(JSON.stringify(await measure(JSON.parse(argument) as Cell)));
process.exit();
