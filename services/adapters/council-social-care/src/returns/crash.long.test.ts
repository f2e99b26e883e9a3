import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { spawnAdapter } from '@causeway/testing/adapter-process';
import type { Receipt } from './receipt.ts';
import { fixture, prepareCouncil } from './testing.ts';

it('says everything of a return, and nothing under two ids, however often it is killed while it reads', {
  timeout: 280_000,
}, async () => {
  await using council = await prepareCouncil();
  for (const file of ['header.csv', 'episodes.csv', 'missing.csv']) {
    const path = join(council.folder, file);
    await writeFile(`${path}.part`, fixture(file));
    await rename(`${path}.part`, path);
  }
  const receipts = ['header.csv', 'episodes.csv', 'missing.csv'].map((file) =>
    join(council.folder, `${file}.receipt.json`),
  );
  let kills = 0;
  for (; !receipts.every(existsSync); kills += 1) {
    const adapter = spawnAdapter(new URL('../..', import.meta.url), council.environment);
    const until = performance.now() + 2_000 + Math.random() * 2_000 + 300 * kills;
    while (performance.now() < until && !receipts.every(existsSync)) await delay(20);
    await adapter.kill();
  }
  const published = await council.news();
  // What was on its way at a kill can be in the outbox twice: the same id and the same bytes, which the exchange decides once.
  const saidOf = new Map(published.map(({ event, data }) => [event.id, JSON.stringify(data)]));
  assert.equal(saidOf.size, 5_050 + 3_637 + 2 * 43);
  assert.ok(published.every(({ event, data }) => saidOf.get(event.id) === JSON.stringify(data)));
  const rows = receipts.map((path) => JSON.parse(readFileSync(path, 'utf8')) as Receipt);
  assert.deepEqual(
    rows.map(({ remembered, published, unchanged, refused }) => [
      remembered,
      published,
      unchanged,
      refused.length,
    ]),
    [
      [2_675, 0, 0, 0],
      [0, 5_050, 0, 0],
      [0, 43, 0, 0],
    ],
  );
});
