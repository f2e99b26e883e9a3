import assert from 'node:assert/strict';
import test from 'node:test';
import { couldHaveMet, implies, meetsWhere } from './conditions.ts';

test('without conditions everything is let through', () => {
  assert.equal(meetsWhere({}, { anything: 1 }), true);
});

test('every condition must be met by one of its values', () => {
  const where = { personCategory: ['child', 'unborn'], fromCare: [true] };
  assert.equal(meetsWhere(where, { personCategory: 'child', fromCare: true }), true);
  assert.equal(meetsWhere(where, { personCategory: 'child', fromCare: false }), false);
  assert.equal(meetsWhere(where, { personCategory: 'adult', fromCare: true }), false);
});

test('unknown, null and absent never meet a condition, even one that names them', () => {
  const where = { risk: ['high', 'UNKNOWN'] };
  for (const data of [{ risk: 'UNKNOWN' }, { risk: null }, {}, null, { risk: { level: 'high' } }]) {
    assert.equal(meetsWhere(where, data), false);
  }
  assert.equal(meetsWhere({ toString: ['x'] }, {}), false);
});

test('a condition reaches into blocks, and into a list where one element is enough', () => {
  const where = { 'children[].care.looked': [true] };
  assert.equal(meetsWhere(where, { children: [{ care: null }, { care: { looked: true } }] }), true);
  assert.equal(meetsWhere(where, { children: [{ care: { looked: false } }] }), false);
  assert.equal(meetsWhere(where, { children: [] }), false);
});

test('what a correction does not say can have met a condition, and what it says counts', () => {
  const where = { method: ['elective'], 'children[].fromCare': [true] };
  const yes = [
    {},
    null,
    { method: null },
    { method: 'UNKNOWN' },
    { method: 'elective' },
    { method: 'elective', children: [] },
    { children: [{ fromCare: false }, { fromCare: null }] },
  ];
  for (const data of yes) assert.equal(couldHaveMet(where, data), true, JSON.stringify(data));
  for (const data of [{ method: 'maternity' }, { children: [{ fromCare: false }] }])
    assert.equal(couldHaveMet(where, data), false, JSON.stringify(data));
});

test('a condition implies another that asks for no more', () => {
  const elective = { method: ['elective'] };
  assert.equal(implies(elective, {}), true);
  assert.equal(implies(elective, { method: ['elective', 'emergency'] }), true);
  assert.equal(implies({ method: ['elective', 'emergency'] }, elective), false);
  assert.equal(implies({}, elective), false);
  assert.equal(implies({ ...elective, risk: ['high'] }, elective), true);
  assert.equal(implies({}, { toString: ['x'] }), false);
});
