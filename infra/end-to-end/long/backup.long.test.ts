import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { exampleAdult } from '@causeway/schemas/identifiers/example-people';
import { createEngine } from '../../../services/adapters/nhs-trust/src/simulator/simulator.ts';
import { stayMessage } from '../../../services/adapters/nhs-trust/src/simulator/synthetic.ts';
import { type Causeway, startCauseway } from '../support/causeway.ts';
import { postgresTools } from '../support/postgres-tools.ts';

const COUNCIL = 'westshire-council';
const DATABASES = ['causeway', 'registry'];
const STAYS = 40;
const PATIENTS = 10;
const PATIENCE_MS = 90_000;

const home = mkdtempSync(join(tmpdir(), 'causeway-backup-'));
const at = (name: string) => join(home, name);
let causeway: Causeway;
let lead: Record<string, string>;

const start = async () => {
  causeway = await startCauseway({ home });
  const { output } = await causeway.command('dev/token.ts', '--role', 'information-governance');
  lead = { authorization: `Bearer ${output.trim()}`, 'content-type': 'application/json' };
};

before(start);
after(async () => {
  await causeway?.stop();
  rmSync(home, { recursive: true, force: true });
});

test('projections that were thrown away are rebuilt from Kafka and give the same answers', async () => {
  await send(0, STAYS);
  await untilReceived(STAYS);
  const answers = await settledAnswers(STAYS);
  const { code, output } = await causeway.command('operator/rebuild.ts', 'all');
  assert.equal(code, 0, output);
  causeway.kill('console');
  assert.deepEqual(await settledAnswers(STAYS), answers);
});

test('with the dumps of yesterday’s PostgreSQL everything goes on: partners keep their subscriptions, nothing is released twice, and the answers catch up with Kafka', async () => {
  const subscription = await subscribe();
  const { DATABASE_URL } = causeway.system.parts.connections;
  const tools = await postgresTools(DATABASE_URL);
  // While everything runs, as it is done every hour.
  for (const database of DATABASES)
    await tools('pg_dump', '-Fc', '-d', database, '-f', at(`${database}.dump`));
  await send(STAYS, 2 * STAYS);
  await untilReceived(2 * STAYS);
  const answers = await settledAnswers(2 * STAYS);

  for (const part of causeway.system.parts.supervisor.parts())
    if (part.name !== 'postgres') await part.stop();
  for (const database of DATABASES)
    await tools(
      'pg_restore',
      ...['--clean', '--if-exists', '--create', '--exit-on-error'],
      ...['-d', 'postgres', at(`${database}.dump`)],
    );
  await causeway.stop();
  await start();
  // The adapter has forgotten today; the exchange knows the repeats.
  await send(0, 2 * STAYS);
  await send(2 * STAYS, 2 * STAYS + 1);
  await untilReceived(2 * STAYS + 1);
  assert.deepEqual(
    (await settledAnswers(2 * STAYS + 1)).filter(({ eventId }) =>
      answers.some((one) => one.eventId === eventId),
    ),
    answers,
  );
  assert.equal(await subscriptionStatus(subscription), 'active');
  const path = at('export.ndjson');
  for (const args of [['verify'], ['export', path], ['verify', path]]) {
    const { code, output } = await causeway.command('operator/ledger.ts', ...args);
    assert.equal(code, 0, output);
  }
});

const send = async (from: number, to: number) => {
  const engine = createEngine({ ...causeway.mllp, answerMs: 12_000, againMs: 200 });
  for (let stay = from; stay < to; stay += 1) {
    const when = new Date(Date.UTC(2026, 8, 1, 0, stay));
    const raw = stayMessage({
      trigger: 'A01',
      stay,
      patient: stay % PATIENTS,
      controlId: `B${stay}`,
      at: when,
    });
    assert.equal((await engine.send(raw)).code, 'AA');
  }
  engine.close();
};

const untilReceived = async (count: number) => {
  for (const deadline = Date.now() + PATIENCE_MS; ; await delay(200)) {
    const events = await causeway.allEvents(COUNCIL);
    assert.ok(events.length <= count, `${events.length} events came where ${count} are due`);
    if (events.length === count) return;
    assert.ok(Date.now() < deadline, `${events.length} of ${count} events came`);
  }
};

type Answer = { eventId: string; recipients: unknown };

/** What is known of every patient's disclosures, once all of them are. */
const settledAnswers = async (count: number): Promise<Answer[]> => {
  for (const deadline = Date.now() + PATIENCE_MS; ; await delay(500)) {
    const answers = (
      await Promise.all(Array.from({ length: PATIENTS }, (_, patient) => search(patient)))
    ).flat();
    if (answers.length === count) return answers;
    assert.ok(Date.now() < deadline, `${answers.length} of ${count} disclosures are known`);
  }
};

const search = async (patient: number): Promise<Answer[]> => {
  const { nhsNumber: value } = exampleAdult(patient);
  const body = JSON.stringify({ scheme: 'nhs', value, reason: 'a test of backup and restore' });
  const asked = { method: 'POST', headers: lead, body };
  const answer = await fetch(`${causeway.console}/api/disclosures/search`, asked).catch(() => null);
  if (!answer?.ok) return [];
  const { disclosures, current } = (await answer.json()) as { disclosures: Answer[]; current: boolean };
  return current ? disclosures : [];
};

const asCouncil = async () => ({
  authorization: `Bearer ${await causeway.token(COUNCIL)}`,
  'content-type': 'application/json',
});

const subscribe = async (): Promise<string> => {
  const answer = await fetch(`${causeway.gateway}/v1/subscriptions`, {
    method: 'POST',
    headers: await asCouncil(),
    body: JSON.stringify({ endpoint: 'http://127.0.0.1:9/' }),
  });
  assert.equal(answer.status, 201);
  return ((await answer.json()) as { id: string }).id;
};

const subscriptionStatus = async (id: string) => {
  const answer = await fetch(`${causeway.gateway}/v1/subscriptions/${id}`, { headers: await asCouncil() });
  return ((await answer.json()) as { status?: string }).status;
};
