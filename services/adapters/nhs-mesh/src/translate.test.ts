import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { exampleAdult, exampleChild } from '@causeway/schemas/identifiers/example-people';
import fc from 'fast-check';
import type { NotificationOutcome } from './notification.ts';
import { fixtureMessages, notification } from './simulator.ts';
import { mnsSignal, type NemsMessage, nemsMessage } from './synthetic.ts';
import { translate } from './translate.ts';

const NOW = new Date('2026-11-01T12:00:00Z');
const contact = { organisation: 'Westshire NHS Trust', telephone: '01632 960010' };
const allTranslated = (raw: Buffer | string): NotificationOutcome[] =>
  translate(Buffer.from(raw), { contact, now: NOW });
const translated = (raw: Buffer | string): NotificationOutcome => {
  const [outcome, ...more] = allTranslated(raw);
  assert.ok(outcome && more.length === 0);
  return outcome;
};

const person = exampleAdult(3_000);
const base: NemsMessage = {
  event: 'pds-change-of-address-1',
  id: 'a1b2c3d4-0000-4000-8000-000000000001',
  person,
  changedAt: '2026-05-04T09:30:15.250+01:00',
  address: person.address,
};
const nems = (more: Partial<NemsMessage> = {}): string => nemsMessage({ ...base, ...more }).toString('utf8');

const factOf = (outcome: NotificationOutcome) => {
  assert.ok(outcome.kind === 'facts', `not facts: ${'reason' in outcome ? outcome.reason : outcome.kind}`);
  const [fact] = outcome.facts;
  assert.ok(fact !== undefined);
  return fact;
};
const reasonOf = (outcome: NotificationOutcome): string =>
  'reason' in outcome ? outcome.reason : outcome.kind;

describe('samples', () => {
  const fixtures = new URL('../fixtures/', import.meta.url);
  for (const { name, raw } of fixtureMessages(['mns', 'nems', 'synthetic'])) {
    it(`${name} has its approved translation`, () => {
      const approved = new URL(`${name.replace(/\.(xml|json)$/, '')}.approved.json`, fixtures);
      const outcome = translated(raw);
      if (outcome.kind === 'facts') assert.ok(outcome.said.content.length > 0);
      const seen = JSON.parse(
        JSON.stringify(outcome, (key, value) => (key === 'content' ? undefined : value)),
      );
      assert.deepEqual(seen, JSON.parse(readFileSync(approved, 'utf8')));
    });
  }

  it('are those that were published, byte for byte', () => {
    const sums = readFileSync(new URL('SHA256SUMS', fixtures), 'utf8').trim().split('\n');
    for (const [sum, name = ''] of sums.map((line) => line.split('  ')))
      assert.equal(
        createHash('sha256')
          .update(readFileSync(new URL(name, fixtures)))
          .digest('hex'),
        sum,
        name,
      );
    assert.equal(sums.length, fixtureMessages().length);
  });

  it('in XML and in JSON are the same event, with the same id', () => {
    const [json, xml] = [
      'synthetic/change-of-address-in-json.json',
      'nems/PDS-Change-Of-Address-ems-example.xml',
    ].map((name) => translated(readFileSync(new URL(name, fixtures))));
    assert.deepEqual(json, xml);
  });
});

it('every notification of the simulated services can be read, and all kinds of them occur', () => {
  const types = Array.from({ length: 60 }, (_, n) => {
    const { body, workflow } = notification(n, '2026-05-04T09:30:15Z');
    assert.notEqual(workflow, 'UNHEARD_OF');
    return factOf(translated(body)).type;
  });
  assert.deepEqual([...new Set(types)].map((type) => type.split('.')[3]).sort(), [
    ...['birth', 'change-of-address', 'death', 'demographics', 'identity'],
  ]);
});

describe('people', () => {
  it('are matched by a number only where the message and its routing agree on it', () => {
    const routed = nems().replace(person.nhsNumber, exampleAdult(3_001).nhsNumber);
    const fact = factOf(translated(routed));
    assert.deepEqual(fact.verified, {});
    assert.ok('person' in fact.data);
    assert.equal(fact.data.person.identifiers.nhsNumberStatus, 'needs_resolving');
    assert.deepEqual(fact.subject, [{ scheme: 'nhs-number', id: person.nhsNumber }]);
  });

  it('are matched by a number only where it was verified', () => {
    const untraced = nems().replace('<code value="01"/>', '<code value="02"/>');
    assert.deepEqual(factOf(translated(untraced)).verified, {});
    assert.deepEqual(factOf(translated(nems())).verified, { nhs: person.nhsNumber });
  });

  it('keep their address to themselves where the record is sensitive or restricted', () => {
    for (const security of ['R', 'S', 'V', 'REDACTED']) {
      const outcome = translated(nems({ security, practice: 'F84034' }));
      const fact = factOf(outcome);
      assert.ok('person' in fact.data);
      assert.deepEqual([fact.data.person.address, fact.data.person.generalPractice], [null, null]);
      assert.ok(outcome.kind === 'facts');
      assert.ok(!JSON.stringify(outcome.facts).includes(person.address.postcode));
      assert.deepEqual(
        outcome.marks.map(({ shielded }) => shielded),
        [true],
      );
    }
    const outcome = translated(nems({ security: 'U' }));
    assert.ok(outcome.kind === 'facts');
    assert.deepEqual(
      outcome.marks.map(({ shielded }) => shielded),
      [false],
    );
  });

  it('are protected also by a message that cannot be translated', () => {
    const outcome = translated(nems({ security: 'R', changedAt: 'then', toldAt: 'now' }));
    assert.ok(outcome.kind === 'undecodable');
    assert.equal(outcome.reason, 'no-event-time');
    assert.deepEqual(
      outcome.marks?.map(({ shielded, own }) => [shielded, own.id]),
      [[true, person.nhsNumber]],
    );
    // Without a time nobody can tell whether it was lifted before or after.
    const lifted = translated(nems({ security: 'U', changedAt: 'then', toldAt: 'now' }));
    assert.deepEqual(lifted.kind === 'undecodable' && lifted.marks, []);
  });

  it('who are born are the children, and their mothers are told beside them', () => {
    const child = { ...exampleChild(3), dateOfBirth: '2026-05-03' };
    const fact = factOf(
      translated(nems({ event: 'pds-birth-notification-1', person: child, mother: person })),
    );
    assert.ok(fact.type === 'uk.causeway.nhs.birth.notified.v1');
    assert.deepEqual(fact.verified, { nhs: child.nhsNumber });
    assert.equal(fact.data.mother?.identifiers.nhsNumber, person.nhsNumber);
    assert.deepEqual(fact.others?.[0]?.verified, { nhs: person.nhsNumber });
    assert.deepEqual([fact.data.personCategory, fact.data.outcome], ['child', 'live']);
  });
});

describe('deaths', () => {
  const status = (code: '1' | '2' | 'U', deathAt?: string) => {
    const death = { status: code, ...(deathAt !== undefined && { at: deathAt }) };
    const fact = factOf(translated(nems({ event: 'pds-death-notification-1', death })));
    assert.ok(fact.type === 'uk.causeway.nhs.death.notified.v1');
    return [fact.data.status, fact.data.dateOfDeath?.value ?? null];
  };

  it('are informal, formal or taken back, with the date as far as it is known', () => {
    assert.deepEqual(status('1', '2026-05'), ['informal', '2026-05']);
    assert.deepEqual(status('2', '2026-05-03T23:10:00+01:00'), ['formal', '2026-05-03']);
    assert.deepEqual(status('U'), ['removed', null]);
    assert.deepEqual(status('2', '2031-05-03'), ['formal', null]);
  });

  it('that only a signal tells are of unknown certainty, and stand behind a bundle of the same moment', () => {
    const signal = translated(
      mnsSignal({
        event: 'pds-death-notification-2',
        id: '1',
        number: person.nhsNumber,
        at: '2026-05-04T08:30:15.250Z',
      }),
    );
    const fact = factOf(signal);
    assert.ok(fact.type === 'uk.causeway.nhs.death.notified.v1');
    assert.equal(fact.data.status, 'UNKNOWN');
    const bundle = factOf(translated(nems({ event: 'pds-death-notification-1', death: { status: '2' } })));
    assert.ok(fact.latest && bundle.latest);
    assert.deepEqual([fact.latest.visit, fact.latest.fact], [bundle.latest.visit, bundle.latest.fact]);
    assert.ok(fact.latest.order < bundle.latest.order);
  });
});

describe('what the mailbox really brings', () => {
  const caseOf = (name: string) => readFileSync(new URL(`../fixtures/cases/${name}`, import.meta.url));
  const later = (raw: Buffer | string) =>
    translate(Buffer.from(raw), { contact, now: new Date('2026-11-30T12:00:00Z') });
  const practiceOf = (raw: string) => {
    const { data } = factOf(later(raw)[0] as NotificationOutcome);
    return 'person' in data ? data.person.generalPractice : undefined;
  };
  const n01 = caseOf('N01-0.xml').toString('utf8');
  const named = (code: string, more = '') =>
    `<generalPractitioner>${more}<identifier><system value="https://fhir.nhs.uk/Id/ods-organization-code"/><value value="${code}"/></identifier></generalPractitioner>`;
  const own = /<generalPractitioner>.*<\/generalPractitioner>/;
  const contained = (body: string) =>
    `<contained><Organization><id value="gp"/>${body}</Organization></contained>`;
  const pointer = '<generalPractitioner><reference value="#gp"/></generalPractitioner>';

  it('a practice by identifier, contained in the patient, or the current one of several', () => {
    assert.equal(practiceOf(n01), 'A81001');
    const organisation =
      '<identifier><system value="https://fhir.nhs.uk/Id/ods-organization-code"/><value value="A81002"/></identifier>';
    const inside = n01.replace(own, pointer).replace('<Patient>', `<Patient>${contained(organisation)}`);
    assert.equal(practiceOf(inside), 'A81002');
    const period = (start: string, end?: string) =>
      `<extension url="https://fhir.example/period"><valuePeriod><start value="${start}"/>${end ? `<end value="${end}"/>` : ''}</valuePeriod></extension>`;
    const several =
      named('A81003', period('2001-01-01', '2026-11-19')) +
      named('A81004', period('2026-11-20')) +
      named('A81005', period('2020-01-01'));
    assert.equal(practiceOf(n01.replace(own, several)), 'A81004');
    assert.equal(practiceOf(n01.replace(own, named('A81003', period('2001-01-01', '2026-11-19')))), null);
  });

  it('a signal of the first version, with how certain the death is', () => {
    const [outcome, ...more] = later(caseOf('N11-0.json'));
    assert.deepEqual(more, []);
    const fact = factOf(outcome as NotificationOutcome);
    assert.ok(fact.type === 'uk.causeway.nhs.death.notified.v1');
    assert.deepEqual(fact.verified, { nhs: '9990090106' });
    assert.deepEqual(
      [fact.data.status, fact.data.person.dateOfBirth?.value, fact.occurredAt, fact.sequence],
      ['formal', '1940-02-03', '2026-11-20T17:31:00.000Z', '00000000000000000016'],
    );
  });

  it('every notification of a bundle, an envelope or a batch, each with a name of its own', () => {
    const outcomes = later(caseOf('N19-0.json'));
    assert.deepEqual(
      outcomes.map((outcome) => factOf(outcome).verified),
      [{ nhs: '9995090228' }, { nhs: '9990090238' }],
    );
    const identities = outcomes.map((one) => one.kind === 'facts' && one.said.identity.join());
    assert.equal(new Set(identities).size, 2);
    const signal = JSON.parse(caseOf('N11-0.json').toString());
    const batch = JSON.stringify([signal, { ...signal, id: 'another', type: 'pds-change-of-gp-1' }]);
    assert.deepEqual(later(batch).map(reasonOf), ['facts', 'facts']);
    const inner = n01.replace(/^<\?xml[^>]*\?>/, '');
    const other = inner.replaceAll('n01-21001-1795981312', 'n01-2').replaceAll('9990210012', '9990090238');
    const envelope = `<Bundle xmlns="http://hl7.org/fhir"><entry><resource>${inner}</resource></entry><entry><resource>${other}</resource></entry></Bundle>`;
    assert.deepEqual(
      later(envelope).map((outcome) => factOf(outcome).verified),
      [{ nhs: '9990210012' }, { nhs: '9990090238' }],
    );
  });

  it('a death just after midnight in summer, on its day in the United Kingdom', () => {
    const at = (deathAt: string) => {
      const fact = factOf(
        translated(nems({ event: 'pds-death-notification-1', death: { status: '2', at: deathAt } })),
      );
      return fact.type === 'uk.causeway.nhs.death.notified.v1' ? fact.data.dateOfDeath?.value : undefined;
    };
    assert.equal(at('2026-05-02T23:10:00Z'), '2026-05-03');
    assert.equal(at('2026-05-03T00:10:00+01:00'), '2026-05-03');
    assert.equal(at('2026-01-02T23:10:00Z'), '2026-01-02');
  });
});

describe('order', () => {
  it('is that of the time of the change, whatever its offset, then of the sequence', () => {
    const orders = [
      nems({ changedAt: '2026-05-04T09:30:15+01:00' }),
      nems({ changedAt: '2026-05-04T08:30:15.001Z' }),
      nems({ changedAt: '2026-05-04T08:30:15.001Z', sequence: 9 }),
      nems({ changedAt: '2026-05-04T08:30:15.001Z', sequence: 10 }),
      nems({ changedAt: '2026-05-04T08:30:16+00:00' }),
    ].map((raw) => factOf(translated(raw)).latest?.order ?? '');
    assert.deepEqual(orders, orders.toSorted());
    assert.equal(new Set(orders).size, orders.length);
  });

  it('does not follow a clock that is ahead by more than a day', () => {
    assert.equal(reasonOf(translated(nems({ changedAt: '2026-11-02T11:00:00Z' }))), 'facts');
    assert.equal(reasonOf(translated(nems({ changedAt: '2026-11-03T11:00:00Z' }))), 'time-in-future');
  });
});

describe('what is no notification', () => {
  const bomb =
    '<!DOCTYPE b [<!ENTITY a "aaaa"><!ENTITY c "&a;&a;">]><Bundle xmlns="http://hl7.org/fhir">&c;</Bundle>';
  const reasons: [name: string, raw: Buffer | string, reason: string][] = [
    ['an empty message', '', 'not-xml-or-json'],
    ['text', 'Dear colleague', 'not-xml-or-json'],
    ['a document type', bomb, 'document-type'],
    ['an entity of nobody', nems().replace('Fictionham', '&secret;'), 'malformed-xml'],
    ['half a message', nems().slice(0, 900), 'malformed-xml'],
    ['two messages in one', nems() + nems(), 'malformed-xml'],
    ['half a signal', '{"type":"pds-', 'malformed-json'],
    ['a list', '[1]', 'not-a-notification'],
    ['an empty list', '[]', 'not-a-notification'],
    ['another character set', Buffer.from([0x3c, 0xff, 0xfe]), 'unsupported-encoding'],
    ['a declared character set', `<?xml version="1.0" encoding="UTF-16"?>${nems()}`, 'unsupported-encoding'],
    ['another language', '<html><body/></html>', 'malformed-xml'],
    ['what is too deep', '<Bundle xmlns="http://hl7.org/fhir">'.repeat(60), 'too-deep'],
    [
      'JSON that is too deep',
      `{"resourceType":"Bundle","a":${'{"a":'.repeat(60)}1${'}'.repeat(60)}}`,
      'too-deep',
    ],
    [
      'too much',
      `<Bundle xmlns="http://hl7.org/fhir">${'<a/>'.repeat(30_000)}</Bundle>`,
      'too-many-elements',
    ],
    ['another resource', '{"resourceType":"Patient"}', 'not-a-notification'],
    ['another JSON', '{"hello":"world"}', 'not-a-notification'],
    ['a bundle without an event', nems().replace(/<event>.*<\/event>/, ''), 'no-event-type'],
    ['a bundle without a patient', nems().replaceAll('Patient>', 'Group>'), 'no-patient'],
    ['a patient without a number', nems().replaceAll(/<value value="999\d*"\/>/g, ''), 'no-identifier'],
    [
      'a message that takes another back',
      nems().replace('code value="new"', 'code value="delete"'),
      'unexpected-life-cycle',
    ],
    ['an event of another kind', nems({ event: 'vaccinations-1' }), 'event-not-translated'],
    [
      'a signal of an invalid number',
      '{"type":"pds-change-of-gp-2","subject":"1234567890"}',
      'invalid-identifier',
    ],
  ];
  for (const [name, raw, reason] of reasons)
    it(`has a reason: ${name}`, () => assert.equal(reasonOf(translated(raw)), reason));

  it('never throws, and says nothing of what it held, whatever the bytes', () => {
    const [start, middle] = [nems(), nems({ event: 'pds-birth-notification-1', mother: exampleAdult(1) })];
    const damaged = fc
      .tuple(fc.constantFrom(start, middle), fc.nat(), fc.nat(60), fc.string())
      .map(([text, from, length, put]) => {
        const cut = from % text.length;
        return Buffer.from(text.slice(0, cut) + put + text.slice(cut + length));
      });
    const raw = fc.oneof(
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      fc.json().map((text) => Buffer.from(text)),
      fc.object().map((object) => Buffer.from(JSON.stringify({ resourceType: 'Bundle', ...object }))),
      damaged,
    );
    fc.assert(
      fc.property(raw, (bytes) => {
        const outcomes = allTranslated(bytes);
        assert.ok(outcomes.length > 0);
        for (const outcome of outcomes)
          if (outcome.kind === 'undecodable') assert.match(outcome.reason, /^[a-z-]+$/);
      }),
      { numRuns: 500 },
    );
  });

  it('has the same facts whatever stands between its elements', () => {
    const space = fc
      .array(fc.constantFrom(' ', '\n', '\t', '<!-- a note -->', '<?pi x?>'))
      .map((some) => some.join(''));
    const before = translated(nems());
    fc.assert(
      fc.property(fc.array(space, { minLength: 1 }), (spaces) => {
        let n = 0;
        const spread = nems().replaceAll('><', () => `>${spaces[n++ % spaces.length]}<`);
        assert.deepEqual(translated(spread), before);
      }),
      { numRuns: 50 },
    );
  });
});
