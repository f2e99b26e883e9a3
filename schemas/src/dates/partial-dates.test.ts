import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { isFullDate, parseDayMonthYear, parseIsoDate } from './partial-dates.ts';

test('DD/MM/YYYY is read as a day, with the day first', () => {
  assert.deepEqual(parseDayMonthYear('03/04/2014'), { value: '2014-04-03', precision: 'day' });
  assert.deepEqual(parseDayMonthYear(' 3/4/2014 '), { value: '2014-04-03', precision: 'day' });
  for (const text of [
    '',
    '03/04/14',
    '31/02/2014',
    '29/02/2023',
    '04/13/2014',
    '2014-04-03',
    '03.04.2014',
    '3/4',
  ]) {
    assert.equal(parseDayMonthYear(text), undefined, text);
  }
});

test('a date of which only the year or the month is known stays as it is', () => {
  assert.deepEqual(parseIsoDate('2014'), { value: '2014', precision: 'year' });
  assert.deepEqual(parseIsoDate('2014-02'), { value: '2014-02', precision: 'month' });
  assert.deepEqual(parseIsoDate('2024-02-29'), { value: '2024-02-29', precision: 'day' });
  for (const text of ['', '14', '2014-13', '2014-02-29', '2014-2-3', '20140203', '1799-01-01']) {
    assert.equal(parseIsoDate(text), undefined, text);
  }
});

test('both ways of writing a day agree', () => {
  const day = fc.date({ min: new Date('1800-01-01'), max: new Date('2099-12-31'), noInvalidDate: true });
  fc.assert(
    fc.property(day, (date) => {
      const iso = date.toISOString().slice(0, 10);
      const british = iso.split('-').reverse().join('/');
      assert.deepEqual(parseDayMonthYear(british), parseIsoDate(iso));
      assert.ok(isFullDate(iso));
    }),
  );
});
