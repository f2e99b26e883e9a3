import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { topology } from '@causeway/runtime/bus/acls';
import { topicsOf } from '@causeway/runtime/bus/topics';
import { perSecond, print, spread } from '../../bench/report.ts';
import { type Cluster, startCluster } from '../../dev/cluster.ts';
import { untilDecided } from './chaos.ts';
import { commandOn } from './command.ts';
import { assertExact } from './exactness.ts';
import { type Exchanges, type Instance, ORGANISATIONS, startExchanges } from './exchanges.ts';
import { type Arrived, type Partners, startPartners } from './partners.ts';

const BROKERS = 3;
const REPLICATION = { replicationFactor: BROKERS, minInSyncReplicas: BROKERS - 1 };
const SENDERS_PER_ORGANISATION = 30;
/** Longer than the cluster waits for a broker's sign of life, so that others take over what it led. */
const AWAY_MS = 10_000;
const ARRIVE_MS = 120_000;

type World = { cluster: Cluster; exchanges: Exchanges; workers: Instance[]; gateways: Instance[] };
type Phase = { name: string; share: number; disturb(world: World): Promise<void> };

/**
 * What happens while events flow, and for which share of the time at least. A phase lasts until its disturbance is over. A broker cut off from
 * the network is played by SIGSTOP: its connections stay and nothing answers on them, and when it goes on it takes itself for the leader of
 * before until it is told otherwise. Other than behind a cut cable it does not run on by itself meanwhile.
 */
const PHASES: Phase[] = [
  { name: 'undisturbed', share: 0.2, disturb: async () => {} },
  {
    name: 'the leader killed with SIGKILL',
    share: 0.2,
    disturb: async ({ cluster }) => cluster.kill(await leader(cluster), AWAY_MS),
  },
  {
    name: 'every broker restarted, one after the other',
    share: 0.25,
    disturb: async ({ cluster }) => {
      for (let broker = 1; broker <= BROKERS; broker += 1) await cluster.restart(broker);
    },
  },
  {
    name: 'the leader cut off from everybody',
    share: 0.15,
    disturb: async ({ cluster }) => {
      const pid = cluster.processes().get(await leader(cluster));
      if (pid === undefined) throw new Error('the leader does not run');
      process.kill(pid, 'SIGSTOP');
      await delay(AWAY_MS);
      process.kill(pid, 'SIGCONT');
    },
  },
  {
    name: 'an exchange and a gateway killed with SIGKILL',
    share: 0.1,
    disturb: async ({ workers, gateways }) => {
      for (const one of [workers[0], gateways[0]]) one?.signal('SIGKILL');
    },
  },
  { name: 'undisturbed again', share: 0.1, disturb: async () => {} },
];

/** A broker is added as `docs/operating/upgrade.md` says, and is then needed: one of the first three restarts. */
const GROWTH: Phase[] = [
  { name: 'three brokers', share: 0.3, disturb: async () => {} },
  {
    name: 'a fourth broker starts and is given its share',
    share: 0.3,
    disturb: async ({ cluster }) => {
      await cluster.grow();
      const { topics } = topology(ORGANISATIONS, REPLICATION);
      await cluster.spread(topics.map(({ topic }) => topic));
    },
  },
  { name: 'the first broker restarted', share: 0.3, disturb: ({ cluster }) => cluster.restart(1) },
];

const leader = (cluster: Cluster) => cluster.leaderOf(topicsOf(ORGANISATIONS[0] ?? '').outbox);

type Flow = { seconds: number; eventsPerSecond: number };

/**
 * Three brokers with replication 3 and two in-sync replicas at least, two exchanges and two gateways. Three organisations publish at a steady rate
 * in all, and each reads what the two others release to it, page by page from either gateway by turns. Whatever happens to the brokers: every
 * event that was acknowledged is decided once and arrives once, in the order of its subject, and the ledgers are whole.
 */
export const surviveCluster = (load: Flow): Promise<void> => survive(PHASES, load);

/** The same while a broker is added. */
export const growCluster = (load: Flow): Promise<void> => survive(GROWTH, load);

const survive = async (phases: readonly Phase[], load: Flow): Promise<void> => {
  const home = mkdtempSync(join(tmpdir(), 'causeway-cluster-'));
  const failures: Error[] = [];
  const cluster = await startCluster(
    home,
    BROKERS,
    () => {},
    (error) => failures.push(error),
  );
  try {
    const environment = {
      ...cluster.connections,
      KAFKA_REPLICATION_FACTOR: String(REPLICATION.replicationFactor),
      KAFKA_MIN_INSYNC_REPLICAS: String(REPLICATION.minInSyncReplicas),
    };
    const exchanges = await startExchanges({ environment, services: ['console'] });
    try {
      const workers = [await exchanges.join(), await exchanges.join()];
      const gateways = [await exchanges.join('gateway'), await exchanges.join('gateway')];
      await flow({ cluster, exchanges, workers, gateways }, phases, load);
      if (failures[0]) throw failures[0];
    } finally {
      await exchanges.stop();
    }
  } finally {
    await cluster.stop();
    rmSync(home, { recursive: true, force: true });
  }
};

const flow = async (
  world: World,
  planned: readonly Phase[],
  { seconds, eventsPerSecond }: Flow,
): Promise<void> => {
  const { exchanges, gateways } = world;
  const command = commandOn(exchanges.home);
  const partners = await startPartners(command, gateways);
  const sending = startSending(exchanges, eventsPerSecond);
  const phases: { name: string; from: number; to: number }[] = [];
  for (const { name, share, disturb } of planned) {
    const from = performance.now();
    await Promise.all([disturb(world), delay(share * seconds * 1_000)]);
    phases.push({ name, from, to: performance.now() });
  }
  const sent = await sending.stop();
  const all = [...sent.values()].flat();
  await partners.until(all.length * (ORGANISATIONS.length - 1), ARRIVE_MS);
  await partners.stop();
  for (const { name, from, to } of phases)
    report(
      name,
      to - from,
      all.filter(({ due }) => due >= from && due < to),
      partners,
    );
  for (const source of ORGANISATIONS) {
    const events = sent.get(source) ?? [];
    await untilDecided(exchanges, source, events.length);
    await assertExact(exchanges, source, events.length);
    for (const recipient of ORGANISATIONS.filter((id) => id !== source))
      assertArrived(partners.arrived(recipient), source, events);
  }
  const { code, output } = await command('operator/ledger.ts', 'verify');
  assert.equal(code, 0, output);
  print(`${all.length} events acknowledged; ${output.trim().split('\n').length} chains verified`);
};

/** One event of a subject, in the order in which its sender sent them. */
type Sent = { id: string; subject: number; due: number; acknowledgedMs: number };

/**
 * Each sender has a subject of its own and sends its next event when the last was acknowledged, or when it is due if that is later. Times count from
 * when an event was due, so that what waits behind a stall is in the figures.
 */
const startSending = (world: Exchanges, eventsPerSecond: number) => {
  const sent = new Map(ORGANISATIONS.map((id): [string, Sent[]] => [id, []]));
  const everyMs = (SENDERS_PER_ORGANISATION * ORGANISATIONS.length * 1_000) / eventsPerSecond;
  const began = performance.now();
  let until = Number.POSITIVE_INFINITY;
  const send = async (from: string, subject: number) => {
    const offset = (subject / SENDERS_PER_ORGANISATION) * everyMs;
    for (let turn = 0; ; turn += 1) {
      const due = began + offset + turn * everyMs;
      const early = due - performance.now();
      if (early > 0) await delay(early);
      if (due >= until) return;
      const id = await world.publish(from, subject, turn * SENDERS_PER_ORGANISATION + subject);
      sent.get(from)?.push({ id, subject, due, acknowledgedMs: performance.now() - due });
    }
  };
  const senders = ORGANISATIONS.flatMap((from) =>
    Array.from({ length: SENDERS_PER_ORGANISATION }, (_, subject) => send(from, subject)),
  );
  return {
    /** Resolves when everything that is due by now was acknowledged. */
    stop: async () => {
      until = performance.now();
      await Promise.all(senders);
      return sent;
    },
  };
};

const report = (name: string, ms: number, events: readonly Sent[], partners: Partners) => {
  const delivered = events.flatMap(({ id, due }) => partners.arrivals(id).map((at) => at - due));
  print(
    `${name}, ${Math.round(ms / 1_000)} s, ${perSecond(events.length, ms)} events/s: acknowledged ${spread(
      events.map(({ acknowledgedMs }) => acknowledgedMs),
    )}; at the partner ${spread(delivered)}`,
  );
};

/** Each event once, and those of a subject in the order in which they were sent. */
const assertArrived = (arrived: readonly Arrived[], source: string, events: readonly Sent[]) => {
  const theirs = arrived.filter((event) => event.source === `/${source}/test`);
  const bySubject = <T extends { subject: unknown; id: string }>(list: readonly T[]) =>
    [...Map.groupBy(list, ({ subject }) => subject).values()]
      .map((group) => group.map(({ id }) => id))
      .sort();
  assert.deepEqual(bySubject(theirs), bySubject(events), `what arrived from ${source}`);
};
