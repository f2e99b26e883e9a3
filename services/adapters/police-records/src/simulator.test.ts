import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTokeniser } from '@causeway/runtime/bus/pseudonyms';
import { createDocumentReader } from './read-document.ts';
import { documentOfTurn } from './simulator.ts';
import { translate } from './translate.ts';

test('every document that the simulated RMS sends can be taken, without a warning', () => {
  const read = createDocumentReader('99');
  const types = new Set<string>();
  for (let turn = 0; turn < 1_000; turn += 1) {
    const document = documentOfTurn(turn, 'test', new Date('2026-11-09T19:00:00Z'));
    const reading = read(Buffer.from(JSON.stringify(document)));
    assert.ok(reading.kind === 'document', JSON.stringify(reading));
    const translated = translate(reading.document, {
      organisation: 'westshire-police',
      tokeniser: createTokeniser(Buffer.from('the key of this test and no other')),
      contact: { organisation: 'Westshire Police' },
    });
    assert.ok(translated.kind === 'facts', JSON.stringify(translated));
    assert.deepEqual(translated.warnings, []);
    for (const { type } of translated.facts) types.add(type);
  }
  assert.ok(types.size >= 6);
});
