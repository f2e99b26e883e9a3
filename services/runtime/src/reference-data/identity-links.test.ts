import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testToken } from '@causeway/testing/bus';
import fc from 'fast-check';
import { isPermanent } from '../errors.ts';
import { createLinks, type Link, type LinkReview, linkRecord, parseLink, WIDE } from './identity-links.ts';
import { createPersonIndex, NO_LINKS } from './person-index.ts';

const link = (id: string, from: string[], to: string[], source: Link['source'] = 'asserted'): Link => ({
  kind: 'link',
  id,
  source,
  organisation: 'trust',
  tokens: from.map(testToken),
  otherTokens: to.map(testToken),
  at: '2026-10-05T09:00:00Z',
});
const review = (id: string, state: LinkReview['state']): LinkReview => ({
  kind: 'review',
  id,
  state,
  by: 'westshire-council/information-governance',
  reason: 'looked at',
  at: '2026-10-05T10:00:00Z',
});

const linksOf = (...records: (Link | LinkReview)[]) => {
  const links = createLinks();
  for (const record of records) {
    const { key, value } = linkRecord(record);
    links.apply({ key: Buffer.from(String(key)), value });
  }
  return links;
};
const reaches = (links: ReturnType<typeof linksOf>, from: string, to: string) =>
  links.expand([testToken(from)]).has(testToken(to));

test('a link holds in both directions and over several steps', () => {
  const links = linksOf(link('1', ['a'], ['b']), link('2', ['b', 'b2'], ['c']));
  for (const [from, to] of [
    ['a', 'c'],
    ['c', 'a'],
    ['a', 'b2'],
  ] as const)
    assert.ok(reaches(links, from, to));
  assert.equal(reaches(links, 'a', 'd'), false);
  assert.deepEqual([...createLinks().expand([testToken('a')])], [testToken('a')]);
});

test('a rejected link does not count, one that is confirmed again does, in whatever order the records come', () => {
  const said = link('1', ['a'], ['b']);
  assert.equal(reaches(linksOf(said, review('1', 'rejected')), 'a', 'b'), false);
  assert.equal(reaches(linksOf(review('1', 'rejected'), said), 'a', 'b'), false);
  assert.equal(reaches(linksOf(said, review('1', 'rejected'), said), 'a', 'b'), false, 'said again');
  assert.equal(reaches(linksOf(said, review('1', 'rejected'), review('1', 'confirmed')), 'a', 'b'), true);
  assert.deepEqual(
    linksOf(said, review('1', 'confirmed'))
      .all()
      .map(({ state }) => state),
    ['confirmed'],
  );
});

test('a possible match joins nobody until it is confirmed, and is no match once it is rejected', () => {
  const possible = link('1', ['a'], ['b'], 'demographic');
  assert.equal(reaches(linksOf(possible), 'a', 'b'), false);
  assert.equal(reaches(linksOf(possible, review('1', 'confirmed')), 'a', 'b'), true);

  const index = createPersonIndex<{ tokens: string[]; demographic: string }>();
  index.set('b', { tokens: [testToken('b')], demographic: testToken('name') });
  const match = (...records: (Link | LinkReview)[]) =>
    index.find(['a', 'name'].map(testToken), linksOf(...records)).map((found) => found.match);
  assert.deepEqual(match(), ['possible']);
  assert.deepEqual(match(possible), ['possible']);
  assert.deepEqual(match(possible, review('1', 'confirmed')), ['verified']);
  assert.deepEqual(match(possible, review('1', 'rejected')), []);
  const turned = link('1', ['b'], ['a'], 'demographic');
  assert.deepEqual(match(turned, review('1', 'rejected')), []);
});

test('links are followed boundedly: a chain without end reaches five steps, a crowd 64 tokens', () => {
  const chain = Array.from({ length: 20 }, (_, at) => link(`${at}`, [`p${at}`], [`p${at + 1}`]));
  const links = linksOf(...chain);
  assert.deepEqual([reaches(links, 'p0', 'p5'), reaches(links, 'p0', 'p6')], [true, false]);
  const crowd = Array.from({ length: 100 }, (_, at) => link(`${at}`, ['hub'], [`m${at}`]));
  assert.equal(linksOf(...crowd).expand([testToken('hub')]).size, 64);
  const guarded = createPersonIndex<{ tokens: string[] }>(WIDE);
  guarded.set('safeguard', { tokens: [testToken('guarded')] });
  const found = guarded.find([testToken('hub')], linksOf(...crowd, link('last', ['hub'], ['guarded'])));
  assert.equal(found.length, 1, 'a safeguard is not crowded out');
});

test('a removed entry is found no more, and without links only the tokens themselves count', () => {
  const index = createPersonIndex<{ tokens: string[] }>();
  index.set('one', { tokens: [testToken('a')] });
  index.set('one', { tokens: [testToken('b')] });
  assert.deepEqual(index.find([testToken('a')], NO_LINKS), []);
  assert.equal(index.find([testToken('b')], NO_LINKS).length, 1);
  index.delete('one');
  assert.deepEqual(index.find([testToken('b')], NO_LINKS), []);
});

test('what is no link is refused', () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
      assert.throws(() => parseLink(Buffer.from(text)), isPermanent);
    }),
  );
});
