import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { createTokeniser } from '@causeway/runtime/bus/pseudonyms';
import type { Fact } from '@causeway/runtime/source/fact';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { misfits } from '@causeway/schemas/testing/conforms';
import { createDocumentReader, type Fault } from './read-document.ts';
import { type Translated, translate } from './translate.ts';

const FIXTURES = new URL('../fixtures/', import.meta.url);
const read = createDocumentReader('99');
const settings = {
  organisation: 'westshire-police',
  tokeniser: createTokeniser(Buffer.from('the key of this test and no other')),
  contact: { organisation: 'Westshire Police', team: 'Hub desk', telephone: '01632 960030' },
};
const schemas = new Map(loadCatalogue().map(({ type, schema }) => [type, schema]));

type Sent = { data: { attributes: Record<string, unknown> }; included: { attributes: object }[] };

const fixture = (name: string): Sent => JSON.parse(readFileSync(new URL(`${name}.json`, FIXTURES), 'utf8'));

const translated = (sent: unknown): Translated => {
  const reading = read(Buffer.from(JSON.stringify(sent)));
  if (reading.kind === 'faulty') return { kind: 'faulty', faults: reading.faults };
  assert.ok(reading.kind === 'document');
  return translate(reading.document, settings);
};

const factOf = (sent: unknown): Fact => {
  const outcome = translated(sent);
  assert.ok(outcome.kind === 'facts', JSON.stringify(outcome));
  assert.equal(outcome.facts.length, 1);
  return outcome.facts[0] as Fact;
};

const categoryIn = ({ data }: Fact): unknown => 'personCategory' in data && data.personCategory;

const faultsOf = (sent: unknown): Fault[] => {
  const outcome = translated(sent);
  return outcome.kind === 'faulty' ? outcome.faults : [];
};

/** The fixture with other attributes; undefined takes one away. */
const withAttributes = (name: string, attributes: Record<string, unknown>): Sent => {
  const sent = fixture(name);
  Object.assign(sent.data.attributes, attributes);
  return sent;
};
const withSharing = (name: string, more: Record<string, unknown>): Sent => {
  const sent = fixture(name);
  sent.data.attributes.sharing = { ...(sent.data.attributes.sharing as object), ...more };
  return sent;
};

describe('the translation', () => {
  for (const file of readdirSync(FIXTURES).filter((name) => /^[a-z-]+\.json$/.test(name))) {
    const name = file.slice(0, -'.json'.length);
    it(`of ${name} is the approved one, and fits its event type`, () => {
      const outcome = translated(fixture(name));
      const approved = readFileSync(new URL(`${name}.approved.json`, FIXTURES), 'utf8');
      assert.deepEqual(JSON.parse(JSON.stringify(outcome)), JSON.parse(approved));
      if (outcome.kind !== 'facts') return;
      for (const { type, data } of outcome.facts) {
        const schema = schemas.get(type);
        assert.ok(schema);
        assert.deepEqual(misfits(schema, data), []);
      }
    });
  }

  it('covers every event type of the police', () => {
    const types = readdirSync(FIXTURES)
      .filter((name) => name.endsWith('.approved.json'))
      .map((name) => JSON.parse(readFileSync(new URL(name, FIXTURES), 'utf8')))
      .flatMap(({ facts = [] }) => facts.map(({ type }: Fact) => type));
    const wanted = [...schemas.keys()].filter((type) => type.startsWith('uk.causeway.police.'));
    assert.deepEqual([...new Set(types)].sort(), wanted.sort());
  });

  it('joins a cancellation to what it cancels, by case and person', () => {
    for (const [of, by] of [
      ['missing-child-reported', 'cancelled-missing-report'],
      ['missing-child-located', 'cancelled-missing-location'],
      ['vulnerable-adult-without-agreement', 'cancelled-vulnerability-report'],
      ['domestic-abuse-three-children', 'cancelled-domestic-abuse'],
      ['police-protection', 'cancelled-police-protection'],
      ['mental-health-detention', 'cancelled-mental-health-detention'],
    ] as const) {
      const { remember, correlationId } = factOf(fixture(of));
      const voiding = factOf(fixture(by));
      assert.deepEqual(voiding.voids, remember);
      assert.equal(voiding.correlationId, correlationId);
    }
  });
});

describe('sharing', () => {
  const ADULT = 'vulnerable-adult-without-agreement';

  it('of an adult who did not agree needs a reason', () => {
    const pointer = '/data/attributes/consentOverriddenBecause';
    for (const consent of ['CNST_0002', 'CNST_0003', 'CNST_0004']) {
      const [fault, ...more] = faultsOf(
        withAttributes(ADULT, { consent, consentOverriddenBecause: undefined }),
      );
      assert.equal(fault?.pointer, pointer);
      assert.match(fault?.problem ?? '', /adult who did not agree/);
      assert.deepEqual(more, []);
    }
    const unknown = {
      personCategory: 'PCAT_0004',
      consent: 'CNST_0003',
      consentOverriddenBecause: undefined,
    };
    assert.equal(faultsOf(withAttributes(ADULT, unknown))[0]?.pointer, pointer);
    assert.deepEqual(
      faultsOf(withAttributes(ADULT, { consent: 'CNST_0001', consentOverriddenBecause: undefined })),
      [],
    );
  });

  it('cannot do without agreement by calling an adult a child', () => {
    const asChild = { personCategory: 'PCAT_0001', consentOverriddenBecause: undefined };
    assert.deepEqual(
      faultsOf(withAttributes(ADULT, asChild)).map(({ pointer }) => pointer),
      ['/data/attributes/consentOverriddenBecause'],
    );
  });

  it('goes by what is known of the age, and says so', () => {
    const sent = withAttributes('missing-child-reported', { personCategory: 'PCAT_0002' });
    const outcome = translated(sent);
    assert.ok(outcome.kind === 'facts');
    assert.equal(categoryIn(outcome.facts[0] as Fact), 'child');
    assert.deepEqual(
      outcome.warnings.map(({ pointer }) => pointer),
      ['/data/attributes/personCategory'],
    );
    Object.assign(sent.included[0]?.attributes ?? {}, { under18: false });
    assert.equal(categoryIn(factOf(sent)), 'UNKNOWN');
  });

  it('under handling code C needs its conditions, under P it does not', () => {
    const report = 'missing-child-reported';
    assert.deepEqual(
      faultsOf(withSharing(report, { handlingCode: 'C' })).map(({ pointer }) => pointer),
      ['/data/attributes/sharing/handlingConditions'],
    );
    assert.deepEqual(factOf(fixture(report)).handling, []);
    const conditions = { handlingCode: 'C', handlingConditions: ['intelligence', 'ask-before-action'] };
    assert.deepEqual(factOf(withSharing(report, conditions)).handling, conditions.handlingConditions);
    assert.equal(faultsOf(withSharing(report, { handlingConditions: ['made-up'] })).length, 1);
  });

  it('above OFFICIAL-SENSITIVE is refused and not even kept', () => {
    for (const classification of ['PSCL_0003', 'PSCL_0004', 'SECRET', 'top secret']) {
      const sent = withSharing('missing-child-reported', { classification });
      const reading = read(Buffer.from(JSON.stringify(sent)));
      assert.ok(reading.kind === 'faulty');
      assert.equal(reading.keepable, false);
    }
  });

  it('tells nobody who must not be told', () => {
    assert.deepEqual(factOf(fixture('missing-adult-high-risk')).exclude, ['westshire-council']);
    assert.deepEqual(factOf(withSharing('police-protection', { mustNotBeTold: ['all'] })).exclude, ['all']);
  });

  it('does not overlook a restriction that is misspelt', () => {
    const [fault] = faultsOf(withSharing('police-protection', { mustNotBeTolled: ['westshire-council'] }));
    assert.equal(fault?.pointer, '/data/attributes/sharing');
    assert.doesNotMatch(fault?.problem ?? '', /mustNotBeTolled/);
  });
});

describe('faults', () => {
  it('are all named, by JSON pointer', () => {
    const sent = withAttributes('domestic-abuse-three-children', {
      riskGrade: 'very high',
      attendedAt: '11/11/2026 22:15',
      marac: 'no',
      forceIdentifier: '42',
      personCategory: undefined,
    });
    Object.assign(sent.included[2]?.attributes ?? {}, { gender: 'M', dateOfBirth: '1986-13' });
    assert.deepEqual(
      faultsOf(sent)
        .map(({ pointer }) => pointer)
        .sort(),
      [
        '/data/attributes/attendedAt',
        '/data/attributes/forceIdentifier',
        '/data/attributes/marac',
        '/data/attributes/personCategory',
        '/data/attributes/riskGrade',
        '/included/2/attributes/dateOfBirth',
        '/included/2/attributes/gender',
      ],
    );
  });

  it('name a day that the year does not have, and two descriptions of one person', () => {
    assert.deepEqual(faultsOf(withAttributes('police-protection', { takenAt: '2025-02-29T10:00:00Z' })), [
      { pointer: '/data/attributes/takenAt', problem: 'is a day that this year does not have' },
    ]);
    const sent = fixture('police-protection');
    sent.included.push({ ...sent.included[0], attributes: { surname: 'Otherwise' } });
    assert.deepEqual(
      faultsOf(sent).map(({ pointer }) => pointer),
      ['/included/3'],
    );
  });

  it('are none where an identifier fails its check: the report goes out without it and the answer says so', () => {
    const outcome = translated(fixture('missing-adult-high-risk'));
    assert.ok(outcome.kind === 'facts');
    assert.deepEqual(
      outcome.warnings.map(({ pointer }) => pointer),
      ['/included/0/attributes/pncId', '/included/1/attributes/nhsNumber'],
    );
    assert.deepEqual(outcome.facts[0]?.verified, { nhs: '9990000018' });
  });
});
