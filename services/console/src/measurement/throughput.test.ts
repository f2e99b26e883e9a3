import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  appended,
  history,
  type OrganisationSample,
  perSecond,
  remember,
  type Sample,
} from './throughput.ts';

const ORGANISATION = 'an-organisation';

function look(at: number, published: number, waiting = 0): Sample {
  const found: OrganisationSample = { published, released: 0, waiting, oldest: null, lastEventAt: null };
  return { at, organisations: new Map([[ORGANISATION, found]]) };
}

/** Looks at irregular times, at counters that never shrink. */
const looks = fc
  .array(fc.record({ wait: fc.integer({ min: 500, max: 40_000 }), grown: fc.nat(10_000) }), {
    minLength: 2,
    maxLength: 60,
  })
  .map((steps) => {
    let at = 1_000_000;
    let published = 0;
    return steps.map(({ wait, grown }) => {
      at += wait;
      published += grown;
      return look(at, published);
    });
  });

test('before a second look there is no rate, which is not the same as none', () => {
  assert.equal(perSecond([], [ORGANISATION], 'published', 10_000), null);
  assert.equal(perSecond([look(0, 5)], [ORGANISATION], 'published', 10_000), null);
});

test('the rate is over the window, not over all that is known', () => {
  const samples = [look(0, 0), look(10_000, 1_000), look(20_000, 1_050)];
  assert.equal(perSecond(samples, [ORGANISATION], 'published', 10_000), 5);
});

test('a rate is never negative and never above all that was ever counted in the shortest gap', () => {
  fc.assert(
    fc.property(looks, fc.integer({ min: 1_000, max: 60_000 }), (samples, windowMs) => {
      const rate = perSecond(samples, [ORGANISATION], 'published', windowMs);
      assert.ok(rate !== null && rate >= 0 && Number.isFinite(rate));
    }),
  );
});

test('the rates of the history add up to exactly what was counted', () => {
  fc.assert(
    fc.property(looks, (samples) => {
      const stepMs = 10_000;
      const until = Math.ceil((samples.at(-1)?.at ?? 0) / stepMs) * stepMs;
      const spanMs = until - Math.floor((samples[0]?.at ?? 0) / stepMs) * stepMs;
      const points = history(samples, [ORGANISATION], { until, spanMs, stepMs });
      const measured = points.reduce((sum, point) => {
        const last = samples.findLast(({ at }) => at <= point.at);
        const first =
          samples.findLast(({ at }) => at <= point.at - stepMs) ?? samples.find(({ at }) => at <= point.at);
        return sum + ((point.published ?? 0) * ((last?.at ?? 0) - (first?.at ?? 0))) / 1000;
      }, 0);
      const published = (sample: Sample | undefined) =>
        sample?.organisations.get(ORGANISATION)?.published ?? 0;
      assert.ok(Math.abs(measured - (published(samples.at(-1)) - published(samples[0]))) < 0.001);
    }),
  );
});

test('where nobody looked the history has a gap and not a nought', () => {
  const samples = [look(1_000, 0), look(5_000, 10), look(35_000, 100), look(38_000, 100)];
  const points = history(samples, [ORGANISATION], { until: 40_000, spanMs: 40_000, stepMs: 10_000 });
  assert.deepEqual(
    points.map(({ published }) => published),
    [2.5, null, null, 90 / 33],
  );
});

test('looks beyond the history are forgotten', () => {
  const samples = [look(0, 0), look(5_000, 1)].reduce<Sample[]>(
    (kept, one) => remember(kept, one, 4_000),
    [],
  );
  assert.deepEqual(
    samples.map(({ at }) => at),
    [5_000],
  );
});

test('records appended are counted per partition, and a topic made anew counts whole', () => {
  const at = (partition: number, end: number) => ({ partition, start: 0, end });
  assert.equal(appended([at(0, 10), at(1, 5)], [at(0, 12), at(1, 5)]), 2);
  assert.equal(appended([at(0, 10)], [at(0, 3)]), 3);
  assert.equal(appended([], [at(0, 3), at(1, 4)]), 7);
});
