import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createNoteSigner, noteVerifier, openNote } from './signed-note.ts';

const SEED = Buffer.alloc(32, 7).toString('base64url');
const signer = createNoteSigner('causeway.example', SEED);
const verifier = noteVerifier(signer.verifierKey);

test('a note opens with the published key, and with no other', () => {
  const note = signer.sign('first line\nsecond line\n');
  assert.deepEqual(openNote(note, [verifier]), {
    text: 'first line\nsecond line\n',
    signedBy: 'causeway.example',
  });
  const other = createNoteSigner('causeway.example', Buffer.alloc(32, 8).toString('base64url'));
  assert.ok('problem' in openNote(note, [noteVerifier(other.verifierKey)]));
  assert.ok('problem' in openNote(note, []));
});

// Key and note of the specification's reference implementation (golang.org/x/mod/sumdb/note, BSD-3-Clause, example).
test('a note and a key that others made open here', () => {
  const key = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
  const note =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
  const opened = openNote(note, [noteVerifier(key)]);
  assert.ok('text' in opened && opened.signedBy === 'PeterNeumann');
});

test('whatever bit of a note is changed, it does not open any more', () => {
  const note = Buffer.from(signer.sign('causeway ledger checkpoint\n2026-11-24T10:00:00Z\n'));
  fc.assert(
    fc.property(fc.nat(note.length * 8 - 1), (bit) => {
      const changed = Buffer.from(note);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.ok('problem' in openNote(changed.toString('utf8'), [verifier]));
    }),
    { numRuns: 500 },
  );
});

test('a key that is none, and a text that cannot be a note, are refused', () => {
  for (const key of [
    '',
    'causeway',
    `${signer.verifierKey}x`,
    signer.verifierKey.replace(/\+[0-9a-f]{8}/, '+00000000'),
  ])
    assert.throws(() => noteVerifier(key), /verifier key/);
  assert.throws(() => createNoteSigner('causeway', 'short'), /32 random bytes/);
  assert.throws(() => createNoteSigner('a b', SEED), /without spaces/);
  for (const text of ['no line break', 'a\ttab\n']) assert.throws(() => signer.sign(text), /line break/);
});
