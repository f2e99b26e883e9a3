import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contactsAt } from './contacts.ts';

const contact = (hours: 'in-hours' | 'out-of-hours' | 'always') => ({
  hours,
  name: hours,
  telephone: '01632 960010',
});
const desk = [contact('in-hours'), contact('out-of-hours')];
const first = (time: string) => contactsAt(desk, Date.parse(time))[0]?.name;

test('whoever answers now comes first, by the clock of the United Kingdom', () => {
  assert.equal(first('2026-10-05T07:30:00Z'), 'in-hours', 'half past eight in British summer time');
  assert.equal(first('2026-10-05T06:59:00Z'), 'out-of-hours');
  assert.equal(first('2026-11-24T17:59:00Z'), 'in-hours', 'winter');
  assert.equal(first('2026-11-24T18:00:00Z'), 'out-of-hours');
  assert.equal(first('2026-11-28T12:00:00Z'), 'out-of-hours', 'a Saturday');
});

test('both numbers are shown, and a desk that is always there answers now', () => {
  const shown = contactsAt([...desk, contact('always')], Date.parse('2026-11-24T03:00:00Z'));
  assert.deepEqual(
    shown.map(({ name, now }) => [name, now]),
    [
      ['out-of-hours', true],
      ['always', true],
      ['in-hours', false],
    ],
  );
});
