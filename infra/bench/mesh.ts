import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { exampleAdult } from '@causeway/schemas/identifiers/example-people';
import { createSender } from '../../services/adapters/nhs-mesh/src/sender.ts';
import { nemsMessage } from '../../services/adapters/nhs-mesh/src/synthetic.ts';
import { startQuickMailbox } from '../../services/adapters/nhs-mesh/src/testing/quick-mailbox.ts';
import { freePorts } from '../common/ports.ts';
import { agreementsOf } from '../common/settings.ts';
import { type System, startSystem } from '../dev/system.ts';
import { perSecond, print } from './report.ts';
import { cpuMs, residentMb } from './world.ts';

const WORKFLOW = 'DEATHNOTIFICATION_1';
const IN_SANDBOX = 1_000;
const DAY = 50_000;
const SLICE_S = 10;
const LOOK_MS = 20;

type MeshOptions = { seconds: number; rate: number };

/** The n-th notification, of another person each; a type that an agreement of the example partnership names. */
const notification = (n: number): Buffer =>
  nemsMessage({
    event: 'pds-death-notification-1',
    id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
    person: exampleAdult(n),
    changedAt: new Date(Date.UTC(2026, 4, 1) + n * 10).toISOString(),
    death: { status: '1', at: '2026-05-01' },
    address: exampleAdult(n).address,
  });

/** The national mailbox: what the sandbox can do, a steady rate, and a day's messages at once. */
export const benchMesh = async (options: MeshOptions): Promise<void> => {
  await withAdapter({}, async (system) => {
    const sender = createSender(system.endpoints['nhs-mesh']?.url ?? '');
    const sent = performance.now();
    const numbers = Array.from({ length: IN_SANDBOX }, (_, n) => n);
    const lanes = [0, 1, 2, 3].map((lane) => numbers.filter((n) => n % 4 === lane));
    await Promise.all(
      lanes.map(async (lane) => {
        for (const n of lane) await sender.send({ body: notification(n), workflow: WORKFLOW });
      }),
    );
    while ((await sender.waiting()) > 0) await delay(LOOK_MS);
    const took = performance.now() - sent;
    print(
      `sandbox: ${IN_SANDBOX} messages put in and taken out at one time: ${perSecond(IN_SANDBOX, took)}/s`,
    );
  });
  const mailbox = await startQuickMailbox(notification, WORKFLOW);
  await withAdapter({ NHS_MESH_URL: mailbox.url, NHS_MESH_POLL_MS: '200' }, async (system) => {
    const pid = system.processes()['nhs-mesh'];
    const emptied = async () => {
      while (mailbox.waiting() > 0) await delay(LOOK_MS);
    };
    for (let second = 0; second < options.seconds; second += 1) {
      const due = performance.now() + 1_000;
      mailbox.put(options.rate);
      await delay(Math.max(0, due - performance.now()));
      if (second % SLICE_S === SLICE_S - 1)
        print(
          `${second + 1} s at ${options.rate}/s: ${mailbox.waiting()} wait, ${residentMb(pid)} MB resident, load average ${loadavg()[0]?.toFixed(1)}`,
        );
    }
    await emptied();
    const [began, before] = [performance.now(), cpuMs(pid)];
    mailbox.put(DAY);
    while (mailbox.waiting() > 0) {
      await delay(Math.min(SLICE_S * 1_000, 5_000));
      print(`  ${mailbox.waiting()} of ${DAY} wait, ${residentMb(pid)} MB resident`);
    }
    const took = performance.now() - began;
    print(
      `nhs-mesh: ${DAY} messages in ${(took / 1_000).toFixed(0)} s, ${perSecond(DAY, took)}/s, ${Math.round(((cpuMs(pid) - before) * 1e3) / DAY)} µs of processor each, load average ${loadavg()[0]?.toFixed(1)}`,
    );
  });
  await mailbox.close();
};

const withAdapter = async (
  environment: Record<string, string>,
  work: (system: System) => Promise<void>,
): Promise<void> => {
  const home = mkdtempSync(join(tmpdir(), 'causeway-bench-'));
  const system = await startSystem({
    home,
    environment: { PATH: process.env.PATH, ...environment },
    ports: freePorts(),
    simulators: false,
    agreementsDir: agreementsOf({}),
    services: ['nhs-mesh'],
    say: (line) => print(`· ${line}`),
    onFailed: (error) => {
      throw error;
    },
  });
  try {
    await work(system);
  } finally {
    await system.stop();
    rmSync(home, { recursive: true, force: true });
  }
};
