import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type ChainState,
  digestOf,
  emptyChain,
  encodeLedgerRecord,
  GENESIS,
  headAfter,
  type LedgerRecord,
  nextInput,
  parseLedgerRecord,
  verifyRecord,
} from './ledger-record.ts';

const LEDGER = { topic: 'ledger.trust', partition: 2 };

type Step = { kind: LedgerRecord['kind']; skipped: number };

/** A whole chain, as the exchange writes it. */
const chainOf = (steps: readonly Step[]): Buffer[] => {
  let head = GENESIS;
  let next = 0;
  return steps.map(({ kind, skipped }, sequence) => {
    const offset = next + skipped;
    const common = {
      sequence,
      previous: head.toString('base64url'),
      position: { topic: 'outbox.trust', partition: 2, offset },
      decidedAt: '2026-10-05T13:20:00.000Z',
      agreementsOffset: 4,
    };
    const valueDigest = digestOf(Buffer.from(`value ${sequence}`));
    const record: LedgerRecord =
      kind === 'gap'
        ? { ...common, kind, until: offset + 3 }
        : kind === 'dead-letter'
          ? { ...common, kind, reason: 'undecodable', valueDigest }
          : {
              ...common,
              kind,
              eventId: `event-${sequence}`,
              type: 'uk.causeway.test.a.v1',
              source: '/trust/test',
              tokens: [],
              otherTokens: [],
              classification: 'OFFICIAL',
              valueDigest,
              decisions: [
                { recipient: 'council', outcome: 'withheld', reason: 'expired', agreements: ['a/1'] },
              ],
            };
    const value = encodeLedgerRecord(record);
    head = headAfter(head, value);
    next = nextInput(record);
    return value;
  });
};

/** Index of the first bad record, or the head of a whole chain. */
const verify = (values: readonly (Buffer | null)[]): number | string => {
  let chain: ChainState = emptyChain();
  for (const [index, value] of values.entries()) {
    const result = verifyRecord(chain, value, LEDGER);
    if ('problem' in result) return index;
    chain = result.chain;
  }
  return chain.head.toString('base64url');
};

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom<LedgerRecord['kind']>('decision', 'dead-letter', 'gap'),
    skipped: fc.nat(3),
  }),
  { minLength: 2, maxLength: 12 },
);

test('a whole chain verifies, and its head is the hash over the head before and the bytes', () => {
  fc.assert(
    fc.property(steps, (given) => {
      const values = chainOf(given);
      const head = values.reduce(
        (before, value) => createHash('sha256').update(before).update(value).digest(),
        Buffer.alloc(32),
      );
      assert.equal(verify(values), head.toString('base64url'));
    }),
  );
});

test('a bit changed anywhere is found at that record or the next one, in the last record by the head', () => {
  fc.assert(
    fc.property(steps, fc.nat(), fc.nat(), (given, which, where) => {
      const values = chainOf(given);
      const whole = verify(values);
      const index = which % values.length;
      const changed = Buffer.from(values[index] ?? Buffer.alloc(0));
      const bit = where % (changed.length * 8);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const found = verify(values.with(index, changed));
      if (typeof found === 'number') assert.ok(found === index || found === index + 1);
      else {
        assert.equal(index, values.length - 1);
        assert.notEqual(found, whole);
      }
    }),
    { numRuns: 500 },
  );
});

test('a record that is dropped, repeated, moved or put in is found where it happened', () => {
  fc.assert(
    fc.property(steps, fc.nat(), fc.nat(), (given, a, b) => {
      const values = chainOf(given);
      const one = a % values.length;
      const two = b % values.length;
      if (one < values.length - 1) assert.equal(verify(values.toSpliced(one, 1)), one);
      assert.equal(verify(values.toSpliced(one + 1, 0, values[one] as Buffer)), one + 1);
      if (one !== two) {
        const swapped = values.with(one, values[two] as Buffer).with(two, values[one] as Buffer);
        assert.equal(verify(swapped), Math.min(one, two));
      }
      const foreign = chainOf([...given, { kind: 'decision', skipped: 9 }]).at(-1) as Buffer;
      assert.equal(verify(values.toSpliced(one, 0, foreign)), one);
    }),
  );
});

test('a forger who rewrites one record and its sequence is found at the next', () => {
  const values = chainOf(Array.from({ length: 5 }, (): Step => ({ kind: 'decision', skipped: 0 })));
  const record = parseLedgerRecord(values[2] as Buffer);
  const forged = encodeLedgerRecord({ ...record, decidedAt: '2026-10-05T13:20:00.001Z' });
  assert.equal(verify(values.with(2, forged)), 3);
});

test('a record that counts wrong is refused, even where its chain is whole', () => {
  const [value] = chainOf([{ kind: 'decision', skipped: 0 }]);
  const record = parseLedgerRecord(value as Buffer);
  for (const sequence of [1, -1, 0.5, Number.NaN])
    assert.ok('problem' in verifyRecord(emptyChain(), encodeLedgerRecord({ ...record, sequence }), LEDGER));
});

test('a record about another outbox, another partition or an input decided before is refused', () => {
  const [value] = chainOf([{ kind: 'decision', skipped: 4 }]);
  const record = parseLedgerRecord(value as Buffer);
  for (const position of [
    { topic: 'outbox.council', partition: 2, offset: 4 },
    { topic: 'outbox.trust', partition: 1, offset: 4 },
    { topic: 'outbox.trust', partition: 2, offset: 3 },
  ]) {
    const result = verifyRecord(
      { ...emptyChain(), next: 4 },
      encodeLedgerRecord({ ...record, position }),
      LEDGER,
    );
    assert.ok('problem' in result, JSON.stringify(position));
  }
  assert.ok('chain' in verifyRecord({ ...emptyChain(), next: 4 }, value as Buffer, LEDGER));
});

test('a value that is no ledger record is a problem and never a crash', () => {
  const base = { sequence: 0, previous: GENESIS.toString('base64url') };
  const position = { topic: 'outbox.trust', partition: 2, offset: 0 };
  for (const json of [
    null,
    5,
    'text',
    [],
    {},
    base,
    { ...base, kind: 'decision', position: null },
    { ...base, kind: 'decision', position: { ...position, offset: '0' } },
    { ...base, kind: 'decision', position: { ...position, offset: 0.5 } },
    { ...base, kind: 'other', position },
    { ...base, kind: 'gap', position },
    { ...base, kind: 'gap', position, until: 0 },
    { ...base, kind: 'gap', position, until: 'later' },
  ])
    assert.ok(
      'problem' in verifyRecord(emptyChain(), Buffer.from(JSON.stringify(json)), LEDGER),
      JSON.stringify(json),
    );
  assert.ok('problem' in verifyRecord(emptyChain(), null, LEDGER));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      assert.ok('problem' in verifyRecord(emptyChain(), Buffer.from(bytes), LEDGER));
    }),
  );
});
