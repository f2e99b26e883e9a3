import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ERROR_CODES } from '@causeway/runtime/errors';
import { LOG_EVENTS } from '@causeway/runtime/telemetry/log-events';
import { repository } from '../common/paths.ts';
import { isCurrent } from './log-events-page.ts';

const events = Object.keys(LOG_EVENTS);
const PARTS = new Set(events.map((event) => event.split('.')[0]));
/** Topics look like events. */
const TOPICS = new Set(['ledger.console']);
const read = (path: string) => readFileSync(join(repository, path), 'utf8');

test('the page of log events is that of the code', () => {
  assert.ok(isCurrent(), 'run `npm run generate`');
});

test('events follow the one scheme, and they and error codes are in alphabetical order', () => {
  for (const event of events) assert.match(event, /^[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*$/);
  assert.deepEqual(events, events.toSorted());
  assert.deepEqual(ERROR_CODES, ERROR_CODES.toSorted());
  for (const code of ERROR_CODES) assert.match(code, /^[a-z]+(-[a-z]+)*$/);
});

test('every event of the list is logged by some code', () => {
  const sources = globSync('services/**/src/**/*.ts', {
    cwd: repository,
    exclude: (name) => name === 'node_modules',
  }).filter((path) => !/node_modules|\.test\.ts$|log-events\.ts$/.test(path));
  const logged = new Set(
    sources.flatMap((path) => [...read(path).matchAll(/event: '([a-z_.]+)'/g)].map(([, event]) => event)),
  );
  assert.deepEqual(
    events.filter((event) => !logged.has(event)),
    [],
  );
});

test('every event that the operating guide names exists', () => {
  const named = globSync('docs/operating/*.md', { cwd: repository }).flatMap((path) =>
    [...read(path).matchAll(/`([a-z_]+\.[a-z_]+)`/g)].flatMap(([, event = '']) =>
      PARTS.has(event.split('.')[0]) && !TOPICS.has(event) ? [event] : [],
    ),
  );
  assert.ok(named.length >= 10);
  assert.deepEqual(
    named.filter((event) => !(event in LOG_EVENTS)),
    [],
  );
});
