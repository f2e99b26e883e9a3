import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { expandAgreement } from '@causeway/schemas/agreements/release';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { repository } from '../common/paths.ts';
import { CannotStart, organisationsDirectory } from '../common/settings.ts';
import { readAgreements, readOrganisations } from './partnership.ts';

const catalogue = loadCatalogue();
const organisations = readOrganisations(organisationsDirectory).map(({ id }) => id);
const shipped = join(repository, 'infra', 'partnership', 'agreements');

describe('the example partnership', () => {
  it('loads as it is shipped', () => {
    assert.deepEqual(organisations, ['westshire-council', 'westshire-nhs-trust', 'westshire-police']);
    assert.ok(readAgreements(shipped, catalogue, organisations).length > 0);
  });

  it('releases nothing of a hospital stay that tells a diagnosis or a home', () => {
    const agreement = readAgreements(shipped, catalogue, organisations).find(
      ({ id }) => id === 'westshire-hospital-stay',
    );
    assert.ok(agreement);
    assert.deepEqual(agreement.to, ['westshire-council']);
    for (const { leaves, generalise } of Object.values(expandAgreement(agreement, catalogue).release)) {
      const forbidden =
        /ward|site$|specialty|clinician|generalPractice|address\.lines|uprn|hospitalNumber|narrative/;
      assert.deepEqual(
        leaves.filter((leaf) => forbidden.test(leaf)),
        [],
      );
      assert.equal(generalise['person.address.postcode'], 'outcode');
    }
  });
});

describe('a folder of agreements', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'causeway-agreements-'));
    cpSync(shipped, folder, { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const file = 'westshire-hospital-stay.yaml';
  const change = (from: string, to: string) => {
    const text = readFileSync(join(folder, file), 'utf8');
    assert.ok(text.includes(from));
    writeFileSync(join(folder, file), text.replace(from, to));
  };
  const refusal = (pattern: RegExp) =>
    assert.throws(
      () => readAgreements(folder, catalogue, organisations),
      (error: unknown) => error instanceof CannotStart && pattern.test(error.message),
    );

  it('is refused with file and line where a path names no field', () => {
    change('- person.name', '- person.nickname');
    refusal(/westshire-hospital-stay\.yaml:\d+:\d+: .*person\.nickname/);
  });

  it('is refused where an agreement names an organisation that does not exist', () => {
    change('to: [westshire-council]', 'to: [westshire-council, westshire-library]');
    change(
      '  westshire-council:\n',
      '  westshire-library: { regime: uk-gdpr, article6: public-task, approvedBy: Librarian, approvedAt: 2026-06-17 }\n  westshire-council:\n',
    );
    refusal(/no organisation westshire-library/);
  });

  it('is refused where one version is written twice', () => {
    cpSync(join(folder, file), join(folder, 'again.yaml'));
    refusal(/westshire-hospital-stay\/\d+ is in again\.yaml too/);
  });

  it('is refused where it cannot be read', () => {
    rmSync(folder, { recursive: true });
    refusal(/cannot be read/);
  });
});
