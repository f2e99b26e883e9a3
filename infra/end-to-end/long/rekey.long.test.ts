import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { exampleAdult } from '@causeway/schemas/identifiers/example-people';
import { createEngine } from '../../../services/adapters/nhs-trust/src/simulator/simulator.ts';
import { stayMessage, type Trigger } from '../../../services/adapters/nhs-trust/src/simulator/synthetic.ts';
import { agreementsOf } from '../../common/settings.ts';
import { type Causeway, type CloudEvent, startCauseway } from '../support/causeway.ts';

const COUNCIL = 'westshire-council';
const ADMITTED = 'uk.causeway.nhs.inpatient-admission.recorded.v1';
const VOIDED = 'uk.causeway.nhs.inpatient-admission.voided.v1';
/** Somebody whom the example partnership does not know from the start. */
const PATIENT = 400_003;
const PATIENCE_MS = 30_000;
const DAY_MS = 86_400_000;

test('after a change of the partnership key who was known is still known, corrections find what they correct, and searches find both sides of the change', async () => {
  const home = mkdtempSync(join(tmpdir(), 'causeway-rekey-'));
  const secret = (name: string) => join(home, 'secrets', name);
  const start = () => startCauseway({ home, agreementsDir: agreementsOf({}) });
  let causeway = await start();
  try {
    await know(causeway, 'before');
    await admit(causeway, 'A01', 1);
    const [before] = await received(causeway, 1);
    assert.equal(before?.type, ADMITTED);

    // Drained: the council has had everything. Now all of it stops, and starts with the new key.
    await causeway.stop();
    renameSync(secret('partnership-key'), secret('partnership-key-previous'));
    causeway = await start();
    await admit(causeway, 'A11', 1);
    const [, voided] = await received(causeway, 2);
    assert.equal(voided?.type, VOIDED);
    assert.equal(voided?.data.corrects, before?.id);
    assert.notEqual(voided?.subject, before?.subject);
    await searchFinds(causeway, [before, voided]);

    // Once everybody has said anew whom he knows, the former key goes.
    await know(causeway, 'before');
    await causeway.stop();
    rmSync(secret('partnership-key-previous'));
    causeway = await start();
    await admit(causeway, 'A01', 2);
    const [, , after] = await received(causeway, 3);
    assert.equal(after?.subject, voided?.subject);
  } finally {
    await causeway.stop();
    rmSync(home, { recursive: true, force: true });
  }
});

/** The council says that it knows the patient. */
const know = async (causeway: Causeway, reference: string) => {
  const answer = await fetch(`${causeway.gateway}/v1/interests/${reference}`, {
    method: 'PUT',
    headers: {
      authorization: `Bearer ${await causeway.token(COUNCIL)}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({
      reason: 'adult-care-package',
      expires: new Date(Date.now() + 30 * DAY_MS).toISOString().slice(0, 10),
      identifiers: { nhsNumber: exampleAdult(PATIENT).nhsNumber },
    }),
  });
  assert.equal(answer.status, 200, await answer.text());
  // The exchange follows within a second.
  await delay(1_000);
};

const admit = async (causeway: Causeway, trigger: Trigger, stay: number) => {
  const engine = createEngine({ ...causeway.mllp, answerMs: 12_000, againMs: 200 });
  const at = new Date(Date.UTC(2026, 9, 1, stay));
  const raw = stayMessage({ trigger, stay, patient: PATIENT, controlId: `REKEY${trigger}${stay}`, at });
  assert.equal((await engine.send(raw)).code, 'AA');
  engine.close();
};

const received = async (causeway: Causeway, count: number): Promise<CloudEvent[]> => {
  for (const deadline = Date.now() + PATIENCE_MS; ; await delay(200)) {
    const events = await causeway.allEvents(COUNCIL);
    if (events.length >= count) return events;
    assert.ok(Date.now() < deadline, `${events.length} of ${count} events came`);
  }
};

const searchFinds = async (causeway: Causeway, events: readonly (CloudEvent | undefined)[]) => {
  const { output } = await causeway.command('dev/token.ts', '--role', 'information-governance');
  for (const deadline = Date.now() + PATIENCE_MS; ; await delay(500)) {
    const answer = await fetch(`${causeway.console}/api/disclosures/search`, {
      method: 'POST',
      headers: { authorization: `Bearer ${output.trim()}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        scheme: 'nhs',
        value: exampleAdult(PATIENT).nhsNumber,
        reason: 'a test of the change of the key',
      }),
    });
    const { disclosures = [] } = (await answer.json()) as { disclosures?: { eventId: string }[] };
    const found = disclosures.map(({ eventId }) => eventId);
    if (events.every((event) => event && found.includes(event.id))) return;
    assert.ok(Date.now() < deadline, `the search found ${found.length} events (${answer.status})`);
  }
};
