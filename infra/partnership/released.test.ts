import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { Agreement } from '@causeway/schemas/agreements/agreement';
import { parseAgreement } from '@causeway/schemas/agreements/parse';
import { expandAgreement } from '@causeway/schemas/agreements/release';
import { leavesOf } from '@causeway/schemas/avro/schema';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { outdatedPages } from './released.ts';

const catalogue = loadCatalogue();
const folder = join(import.meta.dirname, 'agreements');
const agreements: Agreement[] = readdirSync(folder).map((file) => {
  const parsed = parseAgreement(readFileSync(join(folder, file), 'utf8'), file, catalogue);
  assert.ok('agreement' in parsed, file);
  return parsed.agreement;
});
const releaseOf = (agreement: Agreement) => Object.entries(expandAgreement(agreement, catalogue).release);

test('what every recipient gets of every example is what was approved', () => {
  assert.deepEqual(outdatedPages(), [], 'run `npm run generate` and review infra/partnership/released');
});

test('nothing about health care goes to the police', () => {
  for (const agreement of agreements.filter(({ to }) => to.includes('westshire-police'))) {
    const types = releaseOf(agreement).map(([type]) => type);
    assert.deepEqual(
      types.filter((type) => type.startsWith('uk.causeway.nhs.')),
      [],
    );
  }
});

test('maternity and births never go to the council', () => {
  const stays = agreements.filter(
    ({ from, release }) =>
      from === 'westshire-nhs-trust' && !('uk.causeway.nhs.death.notified.v1' in release),
  );
  assert.ok(stays.length >= 2);
  for (const { id, where } of stays) {
    const allowed = where.admissionMethod ?? where.careContext ?? ['maternity'];
    assert.ok(!allowed.some((value) => ['maternity', 'birth', 'newborn'].includes(String(value))), id);
  }
});

test('no organisation gets an identifier of a scheme that it has no use for', () => {
  const useless: Record<string, RegExp> = {
    'westshire-police': /nhsNumber|hospitalNumber|upn$/,
    'westshire-council': /hospitalNumber|pncId|cro$/,
    'westshire-nhs-trust': /pncId|cro$|upn$/,
  };
  for (const agreement of agreements) {
    for (const [type, { leaves }] of releaseOf(agreement)) {
      for (const recipient of agreement.to) {
        const pattern = useless[recipient] ?? /^$/;
        assert.deepEqual(
          leaves.filter((leaf) => pattern.test(leaf)),
          [],
          `${type} to ${recipient}`,
        );
      }
    }
  }
});

test('a retraction is judged by the same conditions as what it takes back', () => {
  for (const agreement of agreements) {
    for (const [type] of releaseOf(agreement)) {
      const schema = catalogue.find((known) => known.type === type)?.schema;
      assert.ok(schema);
      const paths = leavesOf(schema).map(({ path }) => path);
      for (const path of Object.keys(agreement.where)) assert.ok(paths.includes(path), `${type}: ${path}`);
    }
  }
});

test('who is alleged to have caused harm, and who told of it, is released to nobody', () => {
  for (const agreement of agreements) {
    for (const [, { leaves }] of releaseOf(agreement)) {
      assert.ok(!leaves.some((leaf) => /^(personAlleged|informant)\./.test(leaf)), agreement.id);
    }
  }
});

test('every agreement says why it needs what it releases of each type', () => {
  for (const { id, release } of agreements) {
    for (const [type, { necessity }] of Object.entries(release)) {
      assert.ok(Object.keys(necessity).length > 0, `${id} ${type}`);
    }
  }
});

test('handling codes on the examples are accepted where the agreement releases them', () => {
  for (const agreement of agreements) {
    for (const [type] of releaseOf(agreement)) {
      const handling = catalogue.find((known) => known.type === type)?.example.handling ?? [];
      for (const code of handling)
        assert.ok(agreement.marking.handling.includes(code), `${agreement.id}: ${code}`);
    }
  }
});
