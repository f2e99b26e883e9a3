import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { latestTime, PRECISION_MS } from './append-time.ts';
import { lookAtOutbox, type OutboxSource } from './outboxes.ts';

const NOW = Date.parse('2026-11-02T09:00:00Z');
const SEVEN_DAYS = 7 * 86_400_000;

test('the time is found to within its precision, whatever it was expected to be', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: -5_000, max: SEVEN_DAYS }),
      fc.option(fc.integer({ min: -60_000, max: SEVEN_DAYS }), { nil: undefined }),
      async (age, guessedAge) => {
        const truth = NOW - age;
        const guess = guessedAge === undefined ? undefined : NOW - guessedAge;
        const found = await latestTime(async (time) => time <= truth, { now: NOW, guess });
        if (truth >= NOW) assert.equal(found, NOW);
        else assert.ok(found <= truth && truth - found <= PRECISION_MS, `${truth - found} ms off`);
      },
    ),
  );
});

test('a good guess makes it a matter of a few questions', async () => {
  let questions = 0;
  const truth = NOW - 700;
  const isBefore = async (time: number) => {
    questions += 1;
    return time <= truth;
  };
  await latestTime(isBefore, { now: NOW, guess: NOW - 2_000 });
  assert.ok(questions <= 8, `${questions} questions`);
});

/** An outbox as plain lists of append times, answering as a broker answers. */
function outbox(times: number[][], committed: Map<number, number>): OutboxSource {
  return {
    committedOffsets: async () => committed,
    bounds: async (_topic, partitions) =>
      partitions.map((partition) => ({ partition, start: 0, end: times[partition]?.length ?? 0 })),
    atTime: async (topic, partitions, time) =>
      partitions.map((partition) => {
        const log = times[partition] ?? [];
        const offset = log.findIndex((at) => at >= time);
        return { topic, partition, offset: offset < 0 ? log.length : offset };
      }),
  };
}

const log = fc
  .array(fc.integer({ min: 0, max: 600_000 }), { maxLength: 20 })
  .map((ages) => ages.map((age) => NOW - age).sort((a, b) => a - b));

test('the oldest waiting record and the last event are found without reading any record', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(log, { minLength: 6, maxLength: 6 }),
      fc.infiniteStream(fc.nat(20)),
      async (times, at) => {
        const positions = times.map((partition) => Math.min(at.next().value ?? 0, partition.length));
        const source = outbox(times, new Map(positions.map((position, partition) => [partition, position])));
        const look = await lookAtOutbox(source, 'an-organisation', undefined, () => NOW);
        const waiting = times.flatMap((partition, i) => partition.slice(positions[i]));
        const all = times.flat();
        assertNear(look.oldest?.at, waiting.length === 0 ? undefined : Math.min(...waiting));
        assertNear(look.lastEventAt ?? undefined, all.length === 0 ? undefined : Math.max(...all));
      },
    ),
  );
});

test('as long as the oldest does not move the broker is not asked for its time again', async () => {
  const source = outbox([[NOW - 60_000, NOW - 50_000]], new Map([[0, 0]]));
  const first = await lookAtOutbox(source, 'an-organisation', undefined, () => NOW);
  const silent: OutboxSource = { ...source, atTime: async () => assert.fail('asked again') };
  const second = await lookAtOutbox(silent, 'an-organisation', first, () => NOW + 2_000);
  assert.deepEqual(second.oldest, first.oldest);
});

function assertNear(found: number | undefined, truth: number | undefined): void {
  if (truth === undefined) {
    assert.equal(found, undefined);
    return;
  }
  assert.ok(found !== undefined && found <= truth && truth - found <= PRECISION_MS, `${found} for ${truth}`);
}
