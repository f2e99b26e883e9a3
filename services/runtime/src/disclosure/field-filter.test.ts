import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filterFields } from './field-filter.ts';

test('narrowing keeps the granted leaves in blocks and lists and nothing else', () => {
  const data = {
    person: { name: 'A', sex: null, address: { postcode: 'WE4 5TS', lines: ['1', '2'] } },
    children: [
      { name: 'B', school: 'S' },
      { name: null, school: 'T' },
    ],
    codes: ['x', 'y'],
    ward: 'W',
  };
  const leaves = ['person.sex', 'person.address.postcode', 'children[].name', 'codes', 'absent.leaf'];
  const narrowed = filterFields(data, { leaves, generalise: { 'person.address.postcode': 'outcode' } });
  assert.deepEqual(narrowed, {
    person: { sex: null, address: { postcode: 'WE4' } },
    children: [{ name: 'B' }, { name: null }],
    codes: ['x', 'y'],
  });
});
