import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isPlaceholder, validNhsNumber } from './identifiers.ts';

describe('NHS numbers', () => {
  // From the range that is never issued, published test patients, and numbers made of one digit.
  const valid = [
    '9912003888',
    '9000000009',
    '9000000025',
    '9434765919',
    '9730676240',
    '4010232137',
    '9999999999',
  ];
  const invalid = ['9333333333', '1234567890', '943476591', '94347659190', '943476591X', ''];

  it('accepts numbers whose check digit is right, however they are spaced', () => {
    for (const number of valid) assert.equal(validNhsNumber(number), number);
    assert.equal(validNhsNumber('943 476 5919'), '9434765919');
    assert.equal(validNhsNumber('943-476-5919'), '9434765919');
  });

  it('refuses everything else', () => {
    for (const number of invalid) assert.equal(validNhsNumber(number), undefined);
  });

  it('knows the numbers that stand for no number', () => {
    assert.deepEqual(['9999999999', '9434765919'].map(isPlaceholder), [true, false]);
  });
});
