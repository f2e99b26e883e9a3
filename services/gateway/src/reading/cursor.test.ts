import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createCursors } from './cursor.ts';

const KEY = 'a key that is long enough';
const offsets = fc.array(fc.maxSafeNat(), { maxLength: 12 });
const organisation = fc.stringMatching(/^[a-z][a-z0-9-]{1,30}$/);

test('a cursor comes back as the offsets it was issued for', () => {
  const cursors = createCursors([KEY]);
  fc.assert(
    fc.property(organisation, offsets, (id, positions) => {
      assert.deepEqual(cursors.read(cursors.issue(id, positions), id), positions);
    }),
  );
});

test('a cursor of one organisation is worth nothing to another', () => {
  const cursors = createCursors([KEY]);
  fc.assert(
    fc.property(organisation, organisation, offsets, (owner, other, positions) => {
      fc.pre(owner !== other);
      assert.equal(cursors.read(cursors.issue(owner, positions), other), undefined);
    }),
  );
});

test('a cursor in which one bit was changed is refused', () => {
  const cursors = createCursors([KEY]);
  fc.assert(
    fc.property(organisation, offsets, fc.nat(), (id, positions, at) => {
      const bytes = Buffer.from(cursors.issue(id, positions), 'base64url');
      const bit = at % (bytes.length * 8);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.equal(cursors.read(bytes.toString('base64url'), id), undefined);
    }),
  );
});

test('a cursor has one spelling only', () => {
  const cursors = createCursors([KEY]);
  const cursor = cursors.issue('a-council', [1, 2, 3]);
  for (const other of [
    `${cursor}=`,
    `${cursor} `,
    ` ${cursor}`,
    `${cursor}A`,
    cursor.slice(0, -1),
    `${cursor}\n`,
  ]) {
    assert.equal(cursors.read(other, 'a-council'), undefined);
  }
});

test('what is not a cursor at all is refused without an error', () => {
  const cursors = createCursors([KEY]);
  fc.assert(
    fc.property(
      fc.string({ maxLength: 5000, unit: 'binary' }),
      (text) => cursors.read(text, 'a-council') === undefined,
    ),
  );
  for (const text of ['', '0', 'AQA', 'A'.repeat(100_000)])
    assert.equal(cursors.read(text, 'a-council'), undefined);
});

test('a cursor signed with an unknown key is refused', () => {
  const cursor = createCursors(['another key altogether']).issue('a-council', [4]);
  assert.equal(createCursors([KEY]).read(cursor, 'a-council'), undefined);
});

test('after a change of key old cursors are read and new ones signed with the new key', () => {
  const old = createCursors([KEY]);
  const rotated = createCursors(['the key of next year', KEY]);
  assert.deepEqual(rotated.read(old.issue('a-council', [7, 0]), 'a-council'), [7, 0]);
  assert.equal(old.read(rotated.issue('a-council', [7, 0]), 'a-council'), undefined);
});

test('an offset that is not a whole number from 0 is never written into a cursor', () => {
  const cursors = createCursors([KEY]);
  for (const offset of [-1, 0.5, Number.NaN, 2 ** 53])
    assert.throws(() => cursors.issue('a-council', [offset]), RangeError);
});
