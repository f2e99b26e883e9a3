import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { Checked } from './checked.ts';
import { checkNhsNumber, isTestNhsNumber, nhsNumberStatusOf, verifiedNhsNumber } from './nhs-number.ts';
import { checkOdsCode } from './ods.ts';
import { checkGssCode, checkPostcode, checkUprn, isPseudoPostcode, outcodeOf } from './places.ts';
import { checkCro, checkPncId } from './police.ts';
import { checkUpn, isTemporaryUpn } from './upn.ts';
import vectors from './vectors.json' with { type: 'json' };

const value = (text: string): Checked => ({ valid: true, value: text });
const refused = (checked: Checked) => (checked.valid ? 'valid' : checked.reason);

const CHECKS = { nhsNumber: checkNhsNumber, upn: checkUpn, pnc: checkPncId, cro: checkCro };

for (const scheme of ['nhsNumber', 'upn', 'pnc', 'cro'] as const) {
  test(`every published example of the scheme ${scheme} is judged as its source says`, () => {
    const placeholders: string[] = scheme === 'nhsNumber' ? vectors.nhsNumber.placeholder : [];
    for (const text of vectors[scheme].valid) {
      if (!placeholders.includes(text)) assert.ok(CHECKS[scheme](text).valid, text);
    }
    for (const text of vectors[scheme].invalid) assert.ok(!CHECKS[scheme](text).valid, text);
    for (const text of placeholders) assert.equal(refused(CHECKS[scheme](text)), 'placeholder');
  });
}

test('one identifier has one canonical form, however it is written', () => {
  for (const text of ['9434765919', '943 476 5919', '943-476-5919', ' 943\u20134765919 ']) {
    assert.deepEqual(checkNhsNumber(text), value('9434765919'));
  }
  for (const text of ['1979/0163001B', '79/163001B', '79163001b', '19790163001B']) {
    assert.deepEqual(checkPncId(text), value('1979/0163001B'));
  }
  for (const text of ['2003/0000003Y', '033Y', '03/3Y'])
    assert.deepEqual(checkPncId(text), value('2003/0000003Y'));
  for (const text of ['065656/91H', '65656/91h']) assert.deepEqual(checkCro(text), value('065656/91H'));
  assert.deepEqual(checkCro('sf05/482703j'), value('SF05/482703J'));
  for (const text of ['B801200005001', 'b80120000 5001'])
    assert.deepEqual(checkUpn(text), value('B801200005001'));
  for (const text of ['000000199356', '199356']) assert.deepEqual(checkUprn(text), value('199356'));
  for (const text of ['we45ts', 'WE4 5TS', ' WE4  5TS'])
    assert.deepEqual(checkPostcode(text), value('WE4 5TS'));
});

test('a refusal says what is wrong', () => {
  assert.equal(refused(checkNhsNumber('  ')), 'empty');
  assert.equal(refused(checkNhsNumber('943476591')), 'format');
  assert.equal(refused(checkNhsNumber('943476591X')), 'format');
  assert.equal(refused(checkNhsNumber('9434765918')), 'check-character');
  assert.equal(refused(checkNhsNumber('0000000000')), 'placeholder');
  assert.equal(refused(checkUpn('801200005001')), 'format');
  assert.equal(refused(checkPncId('1979/0000000Z')), 'placeholder');
  assert.equal(refused(checkPncId('1979/0163001A')), 'check-character');
  assert.equal(refused(checkUprn('0000')), 'placeholder');
  assert.equal(refused(checkUprn('1234567890123')), 'format');
});

test('a temporary UPN is valid when its letters fit, and known as temporary', () => {
  const letters = [...'ABCDEFGHJKLMNPQRTUVWXYZ'];
  const digits = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 11, maxLength: 11 });
  fc.assert(
    fc.property(digits, fc.constantFrom(...letters), (body, last) => {
      const sum = body.reduce((total, digit, at) => total + digit * (at + 2), letters.indexOf(last) * 13);
      const upn = `${letters[sum % 23]}${body.join('')}${last}`;
      assert.deepEqual(checkUpn(upn), value(upn));
      assert.ok(isTemporaryUpn(upn));
      assert.ok(!checkUpn(`${letters[(sum + 1) % 23]}${upn.slice(1)}`).valid);
    }),
  );
  assert.ok(!isTemporaryUpn('B801200005001'));
  assert.equal(refused(checkUpn('A12345678901O')), 'format');
});

test('one wrong digit in an NHS number, a UPN or a PNC id is always found', () => {
  const originals: [string, (text: string) => Checked][] = [
    ['9434765919', checkNhsNumber],
    ['B801200005001', checkUpn],
    ['1979/0163001B', checkPncId],
  ];
  for (const [original, check] of originals) {
    const at = original.startsWith('1979') ? 2 : 1;
    for (let index = at; index < original.length; index += 1) {
      if (!/\d/.test(original.charAt(index))) continue;
      for (let digit = 0; digit <= 9; digit += 1) {
        const changed = original.slice(0, index) + digit + original.slice(index + 1);
        if (changed !== original) assert.ok(!check(changed).valid, changed);
      }
    }
  }
});

test('checking any text never throws, and what is valid is its own canonical form', () => {
  const checks = [
    checkNhsNumber,
    checkUpn,
    checkPncId,
    checkCro,
    checkUprn,
    checkOdsCode,
    checkGssCode,
    checkPostcode,
  ];
  const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[A-Z0-9/ -]{0,14}$/));
  fc.assert(
    fc.property(anyText, fc.constantFrom(...checks), (text, check) => {
      const first = check(text);
      if (first.valid) assert.deepEqual(check(first.value), first);
    }),
  );
});

test('only a traced number stands for the person', () => {
  assert.equal(verifiedNhsNumber('943 476 5919', 'verified'), '9434765919');
  for (const status of ['not_traced', 'no_match', 'UNKNOWN', null, undefined] as const) {
    assert.equal(verifiedNhsNumber('9434765919', status), undefined);
  }
  assert.equal(verifiedNhsNumber('9434765918', 'verified'), undefined);
  assert.equal(verifiedNhsNumber(null, 'verified'), undefined);
});

test('a tracing status is read in each way that feeds write it, and nothing else is one', () => {
  for (const text of ['1', '01', 'NSTS01', ' nsts01 ']) assert.equal(nhsNumberStatusOf(text), 'verified');
  assert.equal(nhsNumberStatusOf('NSTS08'), 'trace_postponed');
  for (const text of ['', '0', '09', '10', 'Y', undefined]) assert.equal(nhsNumberStatusOf(text), undefined);
});

test('numbers that are never issued are known as such', () => {
  assert.ok(isTestNhsNumber('9990123454'));
  assert.ok(!isTestNhsNumber('9434765919'));
});

test('postcodes follow the published form, and the pseudo-postcodes of the NHS are known', () => {
  for (const text of ['E1 1BB', 'EC1A 1BB', 'GIR 0AA', 'M1 1AA', 'CR2 6XH'])
    assert.deepEqual(checkPostcode(text), value(text));
  for (const text of ['Q1 1AA', 'WE4 5T', 'WE4 5CS', 'Imaginary Street'])
    assert.equal(refused(checkPostcode(text)), 'format');
  for (const text of ['ZZ99 3VZ', 'ZZ993VZ']) assert.deepEqual(checkPostcode(text), value('ZZ99 3VZ'));
  assert.ok(isPseudoPostcode('ZZ99 3VZ'));
  assert.ok(!isPseudoPostcode('WE4 5TS'));
});

test('an outcode is the outward part of a postcode, however it is written', () => {
  assert.equal(outcodeOf('WE4 5TS'), 'WE4');
  assert.equal(outcodeOf('we45ts'), 'WE4');
  assert.equal(outcodeOf(' E1  1BB '), 'E1');
  assert.equal(outcodeOf('EC1A 1BB'), 'EC1A');
  assert.equal(outcodeOf('E11BB'), 'E1');
  assert.equal(outcodeOf('GIR 0AA'), 'GIR');
});

test('what is no postcode has no outcode, and neither have pseudo-postcodes of no fixed abode', () => {
  for (const value of [
    '',
    'ZZ99 3VZ',
    'ZZ993CZ',
    'ZZ99',
    'Imaginary Street',
    'WE4 5T',
    'Q1 1AA',
    'WE4 5TS x',
  ]) {
    assert.equal(outcodeOf(value), null, value);
  }
});

test('codes of organisations and areas are checked by form only', () => {
  for (const text of ['RNJ', 'RNJ01', 'F84034', 'A1B2C', 'rnj']) assert.ok(checkOdsCode(text).valid, text);
  for (const text of ['RN', 'F840345', 'F8-40/34']) assert.ok(!checkOdsCode(text).valid, text);
  assert.equal(refused(checkOdsCode('V81999')), 'placeholder');
  assert.deepEqual(checkGssCode('e10000014'), value('E10000014'));
  for (const text of ['X10000014', 'E1000001']) assert.equal(refused(checkGssCode(text)), 'format');
});
