import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EXAMPLE_ADULTS, EXAMPLE_CHILDREN, exampleAdult, exampleChild } from './example-people.ts';
import { checkNhsNumber } from './nhs-number.ts';
import { checkPncId } from './police.ts';
import { checkUpn } from './upn.ts';

const adults = Array.from({ length: EXAMPLE_ADULTS }, (_, n) => exampleAdult(n));
const children = Array.from({ length: EXAMPLE_CHILDREN }, (_, n) => exampleChild(n));

test('every example person has valid identifiers and no two share one', () => {
  const people = [...adults, ...children];
  for (const key of ['nhsNumber', 'hospitalNumber', 'councilId', 'policeId'] as const)
    assert.equal(new Set(people.map((person) => person[key])).size, people.length, key);
  assert.ok(people.every(({ nhsNumber }) => checkNhsNumber(nhsNumber).valid));
  assert.ok(adults.every(({ pncId }) => checkPncId(pncId).valid));
  assert.ok(children.every(({ upn }) => checkUpn(upn).valid));
  assert.equal(new Set(children.map(({ upn }) => upn)).size, children.length);
});

test('no two example people share both name and date of birth', () => {
  const names = [...adults, ...children].map(
    ({ familyName, givenName, dateOfBirth }) => `${familyName} ${givenName} ${dateOfBirth}`,
  );
  assert.equal(new Set(names).size, names.length);
});
