import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { createTokeniser } from '@causeway/runtime/bus/pseudonyms';
import { parseInterest } from '@causeway/runtime/reference-data/interests';
import { EXAMPLE_ADULTS, testNhsNumber } from '@causeway/schemas/identifiers/example-people';
import { repository } from '../common/paths.ts';
import { CannotStart, interestsDirectory } from '../common/settings.ts';
import { exampleInterestRecords, readExampleInterests } from './interests.ts';

const KEY = 'a partnership key of this test';
const now = new Date('2026-11-24T12:00:00Z');
const shipped = readExampleInterests(interestsDirectory);

it('the council knows every tenth patient of the simulated hospital', () => {
  const known = shipped.flatMap(({ groups }) => groups.flatMap(({ nhsNumbers }) => nhsNumbers));
  const patients = Array.from({ length: EXAMPLE_ADULTS }, (_, number) => number).filter(
    (number) => number % 10 === 1,
  );
  assert.deepEqual(known, patients.map(testNhsNumber));
});

it('the council knows the patient of the message that the README sends by hand', () => {
  const message = readFileSync(join(repository, 'docs', 'examples', 'admission.hl7'), 'utf8');
  const number = /~(\d{10})\^\^\^NHS/.exec(message)?.[1] ?? '';
  const token = createTokeniser(Buffer.from(KEY)).nhs(number);
  const records = exampleInterestRecords(shipped, ['westshire-council'], KEY, now);
  const interests = records.map(({ value }) => parseInterest(value as Buffer, now.getTime()));
  assert.equal(interests.filter(({ tokens }) => tokens.includes(token)).length, 1);
});

it('an interest holds pseudonyms only, and nothing of an organisation that is not there', () => {
  const records = exampleInterestRecords(shipped, ['westshire-council'], KEY, now);
  for (const { key, value } of records) assert.doesNotMatch(`${key} ${value}`, /999\d{7}/);
  assert.deepEqual(exampleInterestRecords(shipped, ['westshire-police'], KEY, now), []);
});

it('a file that is not as it must be is refused by its name', () => {
  const folder = mkdtempSync(join(tmpdir(), 'causeway-interests-'));
  try {
    cpSync(interestsDirectory, folder, { recursive: true });
    writeFileSync(join(folder, 'westshire-police.yaml'), '- reason: open-referral\n');
    assert.throws(
      () => readExampleInterests(folder),
      (error: unknown) =>
        error instanceof CannotStart && /westshire-police\.yaml: a list/.test(error.message),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
