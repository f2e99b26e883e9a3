import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { repository } from '../common/paths.ts';
import { agreementsOf } from '../common/settings.ts';
import { type Causeway, startCauseway } from './support/causeway.ts';
import { type Prometheus, startPrometheus } from './support/prometheus.ts';

/**
 * Everything as `npm start` brings it up, simulators included, and nobody does anything: what each organisation finds in its own simulated
 * system, and a Prometheus that watches. `partnership.long.test.ts` takes the simulators at their usual pace.
 */
const COUNCIL = 'westshire-council';
const TRUST = 'westshire-nhs-trust';
const POLICE = 'westshire-police';

/** Quick, so that the loops close in seconds; as they are by default in the long test. */
const PACE: Record<string, string> =
  process.env.PARTNERSHIP_PACE === 'usual'
    ? {}
    : {
        NHS_TRUST_SIMULATOR_PER_MINUTE: '300',
        POLICE_RECORDS_RMS_OFFICER_SECONDS: '2',
        COUNCIL_SOCIAL_CARE_DESK_PAUSE_MS: '500',
        COUNCIL_SOCIAL_CARE_POLL_SECONDS: '1',
        COUNCIL_SOCIAL_CARE_ANSWERS_SECONDS: '1',
      };
const WITHIN_MS = 60_000;

let causeway: Causeway;
let council: pg.Pool;
let prometheus: Prometheus;
let readyAt: number;

before(async () => {
  causeway = await startCauseway({
    simulators: true,
    environment: PACE,
    agreementsDir: agreementsOf({}),
  });
  readyAt = Date.now();
  council = new pg.Pool({ connectionString: causeway.system.parts.connections.COUNCIL_DATABASE_URL, max: 2 });
  council.on('error', () => undefined);
  const endpoints = Object.values(causeway.system.endpoints);
  prometheus = await startPrometheus(endpoints.map(({ admin }) => new URL(admin).host));
});
after(async () => {
  await prometheus?.stop();
  await council?.end();
  await causeway?.stop();
});

type Contact = { event_id: string; event_source: string; event_type: string; state: string };
type Task = { task: { from: string; title: string } };
type Update = { update: { kind: string; about: string; by: string; state: string } };
type Filed = { controlId: string; from: string; done: string };

const contacts = async (): Promise<Contact[]> =>
  (await council.query('select event_id, event_source, event_type, state from inbound_contact')).rows;

const rms = async <T>(what: string): Promise<T> => {
  const port = causeway.system.simulated['police-records'];
  const answer = await fetch(`http://127.0.0.1:${port}/${what}`);
  return (await answer.json()) as T;
};

/** The documents that the hospital's engine took. */
const filed = (): Filed[] => {
  const log = readFileSync(join(causeway.home, 'logs', 'nhs-trust-sink-simulator.log'), 'utf8');
  const lines = log.split('\n').filter((line) => line.includes('"event":"simulator.received"'));
  const documents = new Map(lines.map((line) => [JSON.parse(line).controlId, JSON.parse(line) as Filed]));
  return [...documents.values()];
};

const isFrom = (organisation: string) => (contact: Contact) =>
  contact.event_source.startsWith(`/${organisation}/`);

/** What is still to come, each in a few words; nothing once everybody has heard from everybody. */
const missing = async (): Promise<string[]> => {
  const [came, tasks, updates] = [
    await contacts(),
    await rms<Task[]>('tasks'),
    await rms<Update[]>('updates'),
  ];
  const of = (kind: string, by: string) =>
    updates.filter(({ update }) => update.kind === kind && update.by === by);
  const answered = new Set(
    of('acknowledged', COUNCIL)
      .filter(({ update }) => update.state === 'accepted')
      .map(({ update }) => update.about),
  );
  const loops = of('outcome', COUNCIL).filter(({ update }) => answered.has(update.about));
  const expected: [what: string, is: boolean][] = [
    ['a contact from the police', came.some(isFrom(POLICE))],
    [
      'an admission of an adult whom the council knows',
      came.some(({ event_type }) => /admission/.test(event_type)),
    ],
    [
      'a child known to the council in the emergency department',
      came.some(({ event_type }) => /attendance/.test(event_type)),
    ],
    ['a document from the police', filed().some(({ from }) => from === POLICE)],
    ['a document from the council', filed().some(({ from }) => from === COUNCIL)],
    ['a task from the council', tasks.some(({ task }) => task.from === COUNCIL)],
    ["the trust's word on a report of the force", of('acknowledged', TRUST).length > 0],
    ["the council's acceptance of a report of the force, and what came of the referral", loops.length > 0],
  ];
  return expected.filter(([, is]) => !is).map(([what]) => what);
};

test('within a minute everybody has heard from everybody in their own systems, and a report of the police has come back as acceptance and outcome', async (t) => {
  for (let left = await missing(); left.length > 0; left = await missing()) {
    assert.ok(Date.now() - readyAt < WITHIN_MS, `still missing: ${left.join('; ')}`);
    await delay(250);
  }
  t.diagnostic(`after ${((Date.now() - readyAt) / 1_000).toFixed(0)} s`);
});

test('every service is scraped, and no alert that pages fires on a healthy system', async () => {
  const services = Object.keys(causeway.system.endpoints).length;
  await prometheus.eventually('up{job="causeway"} == 1', (found) => found.length === services);
  await prometheus.eventually('causeway_part_up == 1', (found) => found.length > 0);
  assert.deepEqual(await prometheus.query('ALERTS{alertstate="firing", severity="page"}'), []);
});

test('every chart of the dashboard is evaluated, and what always exists has a value', async () => {
  const dashboard: { panels: { targets: { expr: string }[] }[] } = JSON.parse(
    readFileSync(join(repository, 'infra', 'grafana', 'dashboards', 'causeway.json'), 'utf8'),
  );
  for (const { expr } of dashboard.panels.flatMap(({ targets }) => targets))
    assert.ok(await prometheus.query(expr), expr);
  for (const expr of [
    'process_resident_memory_bytes',
    'causeway_lag_seconds{kind="exchange"}',
    'causeway_ready',
  ])
    await prometheus.eventually(expr, (found) => found.length > 0);
});

test('once the feeds stop, the console counts as many events for each as their own systems hold', async () => {
  const feeds = causeway.system.parts.supervisor
    .parts()
    .filter(({ name }) => /(?<!sink)-simulator$/.test(name));
  assert.ok(feeds.length >= 3);
  await Promise.all(feeds.map((feed) => feed.stop()));
  const { output } = await causeway.command('dev/token.ts', '--role', 'operator');
  const headers = { authorization: `Bearer ${output.trim()}` };
  const counted = async () => {
    const answer = await fetch(`${causeway.console}/api/throughput`, { headers });
    const { organisations } = (await answer.json()) as {
      organisations: { organisation: string; released: number }[];
    };
    return Object.fromEntries(organisations.map(({ organisation, released }) => [organisation, released]));
  };
  // What is said of an organisation's own events is released to it too; council and trust have no place for it.
  const feedback = async (organisation: string) =>
    (await causeway.allEvents(organisation)).filter(({ type }) => type.startsWith('uk.causeway.exchange.'))
      .length;
  const held = async () => {
    const { tasks, updates } = await rms<{ tasks: number; updates: number }>('counts');
    return {
      [COUNCIL]: (await contacts()).length + (await feedback(COUNCIL)),
      [TRUST]: filed().length + (await feedback(TRUST)),
      [POLICE]: tasks + updates,
    };
  };
  const deadline = Date.now() + 60_000;
  for (;;) {
    const [before, own, after] = [await counted(), await held(), await counted()];
    const isQuiet = JSON.stringify(before) === JSON.stringify(after);
    if (isQuiet && Object.entries(own).every(([organisation, count]) => after[organisation] === count)) break;
    if (Date.now() > deadline) assert.deepEqual(after, own);
    await delay(500);
  }
});
