import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { outcodeOf } from '../identifiers/places.ts';
import { applyGeneralise, initials, month, year } from './generalisers.ts';

test('a year or a month is taken from dates, times and partial dates, never made more exact', () => {
  assert.equal(year('2014-03-09'), '2014');
  assert.equal(year('2014-03'), '2014');
  assert.equal(year('2026-10-05T14:20:00+01:00'), '2026');
  assert.equal(month('2014-03-09'), '2014-03');
  assert.equal(month('2014'), '2014');
  for (const value of ['', '14-03-09', '2014-13-01', '2014-03-32', '09/03/2014', '20140309']) {
    assert.equal(year(value), null, value);
    assert.equal(month(value), null, value);
  }
});

test('initials are the first letters of the words', () => {
  assert.equal(initials('Alda May'), 'A M');
  assert.equal(initials("o'Example-Sample"), 'O');
  assert.equal(initials('émile'), 'É');
  assert.equal(initials('  '), null);
  assert.equal(initials('123'), null);
});

const anyText = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  fc.stringMatching(/^[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}$/),
  fc.constantFrom('day', 'month', 'year', 'UNKNOWN'),
);

test('a generaliser applied twice gives what it gave once', () => {
  for (const generaliser of [outcodeOf, year, month, initials]) {
    fc.assert(
      fc.property(anyText, (text) => {
        const once = generaliser(text);
        if (once !== null) assert.equal(generaliser(once), once);
      }),
      { numRuns: 2000 },
    );
  }
});

test('the precision of a partial date follows its value', () => {
  const generalise = { 'born.value': 'year', 'born.precision': 'year' } as const;
  const data = { born: { value: '2014-03-09', precision: 'day' } };
  const general = { born: { value: '2014', precision: 'year' } };
  assert.deepEqual(applyGeneralise(data, generalise), general);
  assert.deepEqual(applyGeneralise(general, generalise), general);
  const unknown = { born: { value: '2014', precision: 'UNKNOWN' } };
  assert.deepEqual(applyGeneralise(unknown, generalise), unknown);
});

test('a value is generalised through blocks, lists and nulls, and the value given stays as it is', () => {
  const data = {
    children: [
      { home: { postcode: 'WE4 5TS' }, names: ['Alda', '?', 'May'] },
      { home: null, names: null },
    ],
    other: 'kept',
  };
  const before = structuredClone(data);
  const generalise = { 'children[].home.postcode': 'outcode', 'children[].names': 'initials' } as const;
  assert.deepEqual(applyGeneralise(data, generalise), {
    children: [
      { home: { postcode: 'WE4' }, names: ['A', 'M'] },
      { home: null, names: null },
    ],
    other: 'kept',
  });
  assert.deepEqual(data, before);
});

test('what does not parse becomes null', () => {
  assert.deepEqual(applyGeneralise({ a: 'nowhere', b: 7 }, { a: 'outcode', b: 'year' }), {
    a: null,
    b: null,
  });
});
