import { test } from 'node:test';
import { surviveChaos } from './chaos.ts';

test('while an instance is killed, another is a zombie and the broker dies, each of 3,000 events is decided once, in order, in whole chains', () =>
  surviveChaos(3_000, ['kill', 'zombie', 'broker'], 180));
