import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  domesticAbuse,
  missingChild,
  type SyntheticDocument,
  vulnerableAdult,
} from '../../services/adapters/police-records/src/synthetic.ts';
import { freePorts } from '../common/ports.ts';
import { agreementsOf } from '../common/settings.ts';
import { clientSecretName, systemClient } from '../dev/oidc-provider/oidc.ts';
import { type System, startSystem } from '../dev/system.ts';
import { percentile, perSecond, print, spread } from './report.ts';
import { connectionsOf, cpuMs, residentMb } from './world.ts';

const FORCE = 'westshire-police';
const SYSTEM = 'rms';
const WARM_MS = 5_000;
const SOCKETS = 32;
const SLICE_MS = 10_000;

type PoliceOptions = { seconds: number; rate: number };

/** Incidents at a steady rate to the door of a force: from the moment when each is due until its 202. */
export const benchPolice = async ({ seconds, rate }: PoliceOptions): Promise<void> => {
  const home = mkdtempSync(join(tmpdir(), 'causeway-bench-'));
  const system = await startSystem({
    home,
    environment: {},
    ports: freePorts(),
    simulators: false,
    agreementsDir: agreementsOf({}),
    services: ['police-records'],
    say: () => {},
    onFailed: (error) => {
      throw error;
    },
  });
  try {
    const pid = system.processes()['police-records'] ?? 0;
    const send = await createSender(system);
    await load(send, rate, WARM_MS);
    const all: number[] = [];
    const before = cpuMs(pid);
    for (let slice = 1; slice * SLICE_MS <= seconds * 1_000; slice += 1) {
      const { samples, took } = await load(send, rate, SLICE_MS);
      all.push(...samples);
      print(
        `${slice * 10} s: ${perSecond(samples.length, took)} incidents/s to 202, ${spread(samples)}, ${residentMb(pid)} MB resident, load average ${loadavg()[0]?.toFixed(1)}`,
      );
    }
    const cpu = ((cpuMs(pid) - before) * 1e3) / all.length;
    print(
      `police-records: ${all.length} incidents, ${spread(all)}, longest ${percentile(all, 1).toFixed(0)} ms, ${Math.round(cpu)} µs of processor each`,
    );
  } finally {
    await system.stop();
    rmSync(home, { recursive: true, force: true });
  }
};

type Send = (document: SyntheticDocument) => Promise<void>;

const createSender = async (system: System): Promise<Send> => {
  const { OIDC_ISSUER } = connectionsOf(system);
  const client = systemClient(FORCE, SYSTEM);
  const secret = system.parts.secrets.get(clientSecretName(client));
  const basic = Buffer.from(`${encodeURIComponent(client)}:${encodeURIComponent(secret)}`).toString('base64');
  const answer = await fetch(`${OIDC_ISSUER}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${basic}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  const { access_token } = (await answer.json()) as { access_token: string };
  const url = `${system.endpoints['police-records']?.url}/v1/incidents`;
  const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS });
  return (document) =>
    new Promise((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${access_token}`,
        'content-type': 'application/vnd.api+json',
        'idempotency-key': document.data.id,
      };
      const sent = request(url, { method: 'POST', agent, headers }, (response) => {
        response.resume().on('end', () => {
          if (response.statusCode === 202) resolve();
          else reject(new Error(`an incident was answered ${response.statusCode}`));
        });
      });
      sent.on('error', reject).end(JSON.stringify(document));
    });
};

let number = 0;

const nextDocument = (): SyntheticDocument => {
  number += 1;
  const story = { reference: `B-${number}`, at: '2026-11-09T19:00:00+00:00', who: number % 100 };
  if (number % 3 === 0) return domesticAbuse(story);
  return number % 3 === 1 ? missingChild(story) : vulnerableAdult(story, 'amber');
};

/** Each is sent when it is due, whether or not those before it have been answered. */
const load = async (send: Send, rate: number, ms: number) => {
  const samples: number[] = [];
  const sending: Promise<void>[] = [];
  const began = performance.now();
  for (let sent = 0; (sent * 1_000) / rate < ms; sent += 1) {
    const due = began + (sent * 1_000) / rate;
    const early = due - performance.now();
    if (early > 0) await delay(early);
    sending.push(send(nextDocument()).then(() => void samples.push(performance.now() - due)));
  }
  await Promise.all(sending);
  return { samples, took: performance.now() - began };
};
