import assert from 'node:assert/strict';
import test from 'node:test';
import agreementSchema from '../../agreement.schema.json' with { type: 'json' };
import { CODE_LISTS, type CodeList } from './code-lists.ts';

const codesOf = ({ codes }: CodeList) => codes.map(({ code }) => code);

test('the published schema of an agreement and the code lists name the same codes', () => {
  const { properties } = agreementSchema;
  const knownAs = properties.audience.oneOf[1]?.properties?.knownAs.items.enum;
  assert.deepEqual(properties.purpose.enum, codesOf(CODE_LISTS.purpose));
  assert.deepEqual(properties.gateways.items.enum, codesOf(CODE_LISTS.gateways));
  assert.deepEqual(properties.confidentiality.enum, codesOf(CODE_LISTS.confidentiality));
  assert.deepEqual(properties.marking.properties.handling.items.enum, codesOf(CODE_LISTS.handling));
  assert.deepEqual(knownAs, codesOf(CODE_LISTS.interests));
});

test('every list has a source, every code once and with a title', () => {
  for (const list of Object.values<CodeList>(CODE_LISTS)) {
    assert.ok(list.source.length > 0);
    assert.equal(new Set(codesOf(list)).size, list.codes.length);
    for (const { code, title } of list.codes) {
      assert.match(code, /^[a-z0-9]+(-[a-z0-9]+)*$/);
      assert.ok(title.length > 0);
    }
  }
});

test('every legal gateway has a source and says when it came into force, or that this is not known', () => {
  for (const { source, inForceFrom } of CODE_LISTS.gateways.codes) {
    assert.ok(source.length > 0);
    if (inForceFrom !== null) assert.match(inForceFrom, /^\d{4}-\d\d-\d\d$/);
  }
});
