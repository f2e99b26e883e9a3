import { test } from 'node:test';
import { surviveChaos } from '../support/chaos.ts';

test('while instances are killed, stopped and continued, join, and the broker dies twice, each of 20,000 events is decided once, in order, in whole chains', () =>
  surviveChaos(
    20_000,
    ['kill', 'kill', 'kill', 'kill', 'zombie', 'zombie', 'zombie', 'join', 'join', 'broker', 'broker'],
    180,
  ));
