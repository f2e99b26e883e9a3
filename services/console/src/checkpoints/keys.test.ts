import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkpointText, openCheckpoint } from '@causeway/runtime/ledger/checkpoint';
import { createNoteSigner, noteVerifiers } from '@causeway/runtime/ledger/signed-note';
import { publishKeys } from './keys.ts';

const [A, B] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('base64url')) as [string, string];
const signer = (...seeds: string[]) => createNoteSigner('test', seeds);
const hour = (n: number) => new Date(Date.UTC(2026, 9, 5, n));
const note = (seeds: string[], at: Date) =>
  signer(...seeds).sign(checkpointText({ at: at.toISOString(), heads: [] }));
const opens = (text: string, keys: string) => !('problem' in openCheckpoint(text, noteVerifiers(keys)));

test('a checkpoint key changes: all notes verify with the published keys, who knows only the old key can follow, and the change is recorded', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'causeway-keys-'));
  const recorded: string[][] = [];
  const publish = (seeds: string[], at: Date) =>
    publishKeys(directory, signer(...seeds), at, async (keys) => void recorded.push(keys));
  try {
    const first = await publish([A], hour(1));
    assert.deepEqual(recorded, []);
    await publish([B, A], hour(2));
    await publish([B, A], hour(3));
    assert.equal(recorded.length, 1);
    const keys = await publish([B], hour(4));
    assert.equal(recorded.length, 2);
    assert.equal(readFileSync(join(directory, 'verifier.txt'), 'utf8'), keys);

    for (const [seeds, at] of [
      [[A], 1],
      [[B, A], 3],
      [[B], 5],
    ] as [string[], number][])
      assert.ok(opens(note(seeds, hour(at)), keys), `a note of ${at} o'clock`);
    assert.ok(opens(note([B, A], hour(3)), first), 'the old key alone, while both sign');
    assert.ok(!opens(note([A], hour(5)), keys), 'the old key after its end');
    assert.ok(!opens(note([B], hour(1)), keys), 'the new key before its beginning');

    // Taken back into use: it begins anew, and its end of before stands.
    const again = await publish([A, B], hour(6));
    assert.ok(opens(note([A], hour(7)), again) && !opens(note([A], hour(5)), again));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test('a change that cannot be recorded is not published', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'causeway-keys-'));
  try {
    const first = await publishKeys(directory, signer(A), hour(1));
    const away = () => Promise.reject(new Error('the ledger is away'));
    await assert.rejects(publishKeys(directory, signer(B), hour(2), away));
    assert.equal(readFileSync(join(directory, 'verifier.txt'), 'utf8'), first);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
