import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import fc from 'fast-check';
import { header, parseMessage, segment, text } from '../hl7/parser.ts';
import { controlIdOf, escaped, isVeryRestricted, type MdmSettings, mdmMessage, type Notice } from './mdm.ts';

const settings: MdmSettings = {
  recordApplication: 'EPR',
  worklistApplication: 'SAFEGUARDING',
  facility: 'TRUST',
  documentType: 'CN',
  processingId: 'T',
  authority: 'TRUST',
};

const entry = loadCatalogue().find(({ type }) => type === 'uk.causeway.police.missing-person.reported.v1');
assert.ok(entry);

const notice = (data: unknown = entry.example.data): Notice => ({
  event: {
    id: 'abcdefghijklmnopqrstuv',
    source: '/a-police-force/records',
    type: entry.type,
    time: '2026-10-05T14:20:00+01:00',
    handling: ['do-not-tell-subject'],
  },
  title: entry.title,
  schema: entry.schema,
  data,
  veryRestricted: true,
  at: new Date('2026-10-05T13:21:00Z'),
});

const read = (message: Buffer) => {
  const parsed = parseMessage(message);
  assert.ok(parsed.kind === 'message');
  const of = parsed.message;
  const lines = of.segments.filter(({ name }) => name === 'OBX').map((obx) => text(of, obx, 5) ?? '');
  return {
    of,
    lines,
    value: (name: string, field: number) => text(of, segment(of, name), field),
    msh: header(of),
  };
};

const withIdentifiers = (identifiers: Record<string, string>) => ({
  ...entry.example.data,
  person: { ...(entry.example.data.person as object), identifiers },
});

test('what belongs to a certain hospital number goes to the record', () => {
  const data = withIdentifiers({
    hospitalNumber: 'H0001',
    nhsNumber: '9990000018',
    nhsNumberStatus: 'verified',
  });
  const { of, msh, value, lines } = read(mdmMessage(notice(data), settings));
  assert.equal(text(of, msh, 5), 'EPR');
  assert.equal(value('PID', 3), 'H0001');
  assert.ok(!lines.some((line) => line.includes('POSSIBLE MATCH')));
});

test('without a certain hospital number it goes to the worklist, without any number to file it under', () => {
  for (const identifiers of [
    {},
    { nhsNumber: '9990000018', nhsNumberStatus: 'verified' },
    { hospitalNumber: 'H0001' },
    { hospitalNumber: 'H0001', nhsNumber: '9990000018', nhsNumberStatus: 'no_match' },
  ]) {
    const { of, msh, value, lines } = read(mdmMessage(notice(withIdentifiers(identifiers)), settings));
    assert.equal(text(of, msh, 5), 'SAFEGUARDING');
    assert.equal(value('PID', 3), undefined);
    assert.match(lines[0] ?? '', /^POSSIBLE MATCH: CONFIRM/);
  }
});

test('who was matched by name and date of birth only is a possible match, whatever numbers came along', () => {
  const numbers = { hospitalNumber: 'H0001', nhsNumber: '9990000018', nhsNumberStatus: 'verified' };
  const one = notice(withIdentifiers(numbers));
  const { of, msh, value } = read(
    mdmMessage({ ...one, event: { ...one.event, match: 'possible' } }, settings),
  );
  assert.equal(text(of, msh, 5), 'SAFEGUARDING');
  assert.equal(value('PID', 3), undefined);
});

test('a document names its event, its confidentiality, and what it corrects', () => {
  const one = notice();
  const { value, of, msh } = read(mdmMessage(one, settings));
  assert.equal(text(of, msh, 10), controlIdOf(one.event.id));
  assert.equal(value('TXA', 12), one.event.id);
  assert.equal(value('TXA', 18), 'V');
  const corrected = {
    ...one,
    veryRestricted: false,
    event: { ...one.event, corrects: 'the-event-before-this1' },
  };
  const again = read(mdmMessage(corrected, settings));
  assert.equal(again.value('TXA', 18), 'R');
  assert.equal(again.value('TXA', 13), 'the-event-before-this1');
});

test('police and child-protection content is kept from a patient portal, by its type or by its purpose', () => {
  assert.ok(isVeryRestricted('uk.causeway.police.missing-person.reported.v1', []));
  assert.ok(isVeryRestricted('uk.causeway.council.child-protection-plan.begun.v1', []));
  assert.ok(isVeryRestricted('uk.causeway.housing.something.noted.v1', ['domestic-abuse']));
  assert.ok(!isVeryRestricted('uk.causeway.nhs.discharge.planned.v1', ['hospital-discharge']));
});

test('control ids are 20 characters, the same for one event and different for others', () => {
  const ids = Array.from({ length: 2_000 }, (_, index) => controlIdOf(`event-${index}`));
  assert.ok(ids.every((id) => /^CW[0-9A-V]{18}$/.test(id)));
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(controlIdOf('event-1'), ids[1]);
});

test('every event of the catalogue becomes a readable document', () => {
  for (const { type, title, schema, example } of loadCatalogue()) {
    const one = { ...notice(example.data), title, schema };
    const { lines } = read(mdmMessage({ ...one, event: { ...one.event, type } }, settings));
    assert.ok(lines.includes(title), type);
    assert.ok(lines.length > 5, type);
    assert.ok(
      !lines.some((line) => /\[object|undefined|\bnull\b/.test(line)),
      `${type}: ${lines.join('\n')}`,
    );
  }
});

test('whatever text the event holds, the message has its segments and the text comes out as it went in', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }), (description) => {
      const { of, lines } = read(mdmMessage(notice({ ...entry.example.data, description }), settings));
      assert.ok(of.segments.every(({ name }) => ['MSH', 'EVN', 'PID', 'PV1', 'TXA', 'OBX'].includes(name)));
      const shown = lines.join('\n').replaceAll(/\s/g, '');
      const meant = description.toWellFormed().replaceAll(/\p{Cc}|\s/gu, '');
      assert.ok(shown.includes(meant));
      assert.doesNotMatch(escaped(description), /[|^~&\p{Cc}]/u);
    }),
    { numRuns: 100 },
  );
});
