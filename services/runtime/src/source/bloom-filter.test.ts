import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventId } from '../bus/envelope.ts';
import { createIdFilter } from './bloom-filter.ts';

const idOf = (index: number): string => eventId(['test', String(index)], Buffer.alloc(0), 0);

test('a filter forgets nothing that was added and seldom takes another id for one of them', () => {
  const filter = createIdFilter();
  for (let index = 0; index < 20_000; index += 1) filter.add(idOf(index));
  for (let index = 0; index < 20_000; index += 1) assert.ok(filter.mayHave(idOf(index)));
  let mistaken = 0;
  for (let index = 20_000; index < 40_000; index += 1) if (filter.mayHave(idOf(index))) mistaken += 1;
  assert.ok(mistaken < 200);
  assert.equal(filter.full(), false);
});
