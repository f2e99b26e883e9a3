import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ChainHead, checkpointText, splitNotes } from './checkpoint.ts';
import { type ExportedRecord, type ExportReport, exportLines, verifyExport } from './export.ts';
import { digestOf, encodeLedgerRecord, GENESIS, headAfter, type LedgerRecord } from './ledger-record.ts';
import { createNoteSigner } from './signed-note.ts';

const signer = createNoteSigner('causeway', Buffer.alloc(32, 1).toString('base64url'));

/** A whole chain, as the exchange writes it, and its head after each record. */
const chainOf = (topic: string, partition: number, length: number) => {
  const heads = [GENESIS];
  const records = Array.from({ length }, (_, sequence): ExportedRecord => {
    const head = heads[sequence] as Buffer;
    const record: LedgerRecord = {
      sequence,
      previous: head.toString('base64url'),
      position: { topic: topic.replace('ledger.', 'outbox.'), partition, offset: sequence * 2 },
      decidedAt: '2026-10-05T13:20:00.000Z',
      agreementsOffset: 4,
      kind: 'dead-letter',
      reason: `reason ${sequence} with “quotes”, a \\ and a é`,
      valueDigest: digestOf(Buffer.from(String(sequence))),
    };
    const value = encodeLedgerRecord(record);
    heads.push(headAfter(head, value));
    return { topic, partition, value };
  });
  return { name: `${topic}/${partition}`, records, heads };
};
type TestChain = ReturnType<typeof chainOf>;

const headOf = ({ name, heads }: TestChain, records: number): ChainHead => ({
  name,
  records,
  next: records * 2,
  head: (heads[records] as Buffer).toString('base64url'),
});

const checkpointOf = (chains: TestChain[], records: number): string =>
  signer.sign(
    checkpointText({
      at: `2026-10-05T13:2${records % 10}:00.000Z`,
      heads: chains.map((chain) => headOf(chain, Math.min(records, chain.records.length))),
    }),
  );

const stream = async function* <T>(items: Iterable<T>) {
  yield* items;
};

const exported = async (records: ExportedRecord[], checkpoints: string[], signed = true): Promise<Buffer> => {
  const lines: string[] = [];
  const by = { verifierKey: signer.verifierKey, ...(signed ? { signer } : {}) };
  for await (const line of exportLines(stream(records), checkpoints, by)) lines.push(line);
  return Buffer.from(`${lines.join('\n')}\n`);
};

const linesOf = (file: Buffer): Buffer[] => {
  const lines: Buffer[] = [];
  for (let from = 0; from < file.length; ) {
    const end = file.indexOf(10, from);
    lines.push(file.subarray(from, end < 0 ? file.length : end));
    from = end < 0 ? file.length : end + 1;
  }
  return lines;
};
const joined = (lines: readonly Buffer[]) =>
  Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]));
const verify = (file: Buffer): Promise<ExportReport> => verifyExport(stream(linesOf(file)));

const shapes = fc.record({
  lengths: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 }),
  checkpointed: fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 3 }),
  signed: fc.boolean(),
});
type Shape = typeof shapes extends fc.Arbitrary<infer T> ? T : never;

const build = async ({ lengths, checkpointed, signed }: Shape) => {
  const chains = lengths.map((length, index) =>
    chainOf(index < 3 ? 'ledger.trust' : 'ledger.ward', index % 3, length),
  );
  const notes = checkpointed.map((records) => checkpointOf(chains, records));
  const records = chains.flatMap((chain) => chain.records);
  return { file: await exported(records, notes, signed), firstRecord: notes.length + 1, records };
};

test('an export of whole chains verifies, with or without checkpoints and signature', async () => {
  await fc.assert(
    fc.asyncProperty(shapes, async (shape) => {
      const { file, records } = await build(shape);
      const report = await verify(file);
      assert.deepEqual(report.problems, []);
      assert.equal(report.records, records.length);
      assert.equal(report.signedBy, shape.signed ? 'causeway' : null);
    }),
    { numRuns: 50 },
  );
});

test('whatever bit of an export is flipped, it is found: at that line, at the next of its chain, or at the end', async () => {
  await fc.assert(
    fc.asyncProperty(shapes, fc.nat(), async (shape, where) => {
      const { file } = await build(shape);
      const bit = where % ((file.length - 1) * 8);
      const changed = Buffer.from(file);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const line = file.subarray(0, bit >> 3).filter((byte) => byte === 10).length + 1;
      const { problems } = await verify(changed);
      assert.ok(problems.length > 0, `nothing found at bit ${bit}`);
      const last = linesOf(changed).length;
      assert.ok(
        problems.some((problem) => problem.line >= line && problem.line <= line + 1) ||
          problems.every((problem) => problem.line === last),
        JSON.stringify({ line, problems }),
      );
    }),
    { numRuns: 600 },
  );
});

test('a line that is dropped, repeated, swapped or put in, and an end that is cut off, are found where it happened', async () => {
  await fc.assert(
    fc.asyncProperty(shapes, fc.nat(), fc.nat(), async (shape, a, b) => {
      const { file, firstRecord, records } = await build(shape);
      const lines = linesOf(file);
      const one = firstRecord + (a % records.length);
      const two = firstRecord + (b % records.length);
      const changes: [string, Buffer[], number][] = [
        ['dropped', lines.toSpliced(one, 1), one],
        ['repeated', lines.toSpliced(one, 0, lines[one] as Buffer), one + 1],
        ['blank', lines.toSpliced(one, 0, Buffer.alloc(0)), one],
        ['cut off', lines.slice(0, one), one - 1],
        ['without its end', lines.slice(0, -1), lines.length - 2],
      ];
      if (one !== two)
        changes.push([
          'swapped',
          lines.with(one, lines[two] as Buffer).with(two, lines[one] as Buffer),
          Math.min(one, two),
        ]);
      for (const [what, changed, from] of changes) {
        const { problems } = await verify(joined(changed));
        assert.ok(problems.length > 0, `${what}: nothing found`);
        const [first] = problems;
        assert.ok(
          (first?.line ?? 0) >= from && ((first?.line ?? 0) <= from + 2 || first?.line === changed.length),
          JSON.stringify({ what, from, problems }),
        );
      }
      for (let note = 1; note < firstRecord; note += 1)
        assert.ok(
          (await verify(joined(lines.toSpliced(note, 1)))).problems.length > 0,
          'a checkpoint dropped',
        );
    }),
    { numRuns: 150 },
  );
});

test('a ledger that was cut off, or made anew, before it was exported is found by the checkpoint that says more', async () => {
  const chain = chainOf('ledger.trust', 0, 8);
  const notes = [checkpointOf([chain], 6)];
  const cut = await verify(await exported(chain.records.slice(0, 4), notes));
  assert.match(cut.problems[0]?.problem ?? '', /counted 6 records: 2 are missing at its end/);
  assert.equal(cut.problems[0]?.where, 'ledger.trust/0, sequence 4');
  const gone = await verify(await exported([], notes));
  assert.match(gone.problems[0]?.problem ?? '', /6 are missing/);

  // Made anew from record 3 on, whole in itself.
  let head = chain.heads[3] as Buffer;
  const forged = chain.records.slice(3).map(({ topic, partition, value }) => {
    const changed = {
      ...JSON.parse(String(value)),
      previous: head.toString('base64url'),
      reason: 'nothing happened',
    };
    const bytes = encodeLedgerRecord(changed);
    head = headAfter(head, bytes);
    return { topic, partition, value: bytes };
  });
  const anew = [...chain.records.slice(0, 3), ...forged];
  assert.deepEqual((await verify(await exported(anew, []))).problems, []);
  const found = await verify(await exported(anew, notes));
  assert.match(found.problems[0]?.problem ?? '', /recreated/);
  assert.equal(found.problems[0]?.where, 'ledger.trust/0, sequence 5');
});

test('a last record that was replaced after a checkpoint is found, although the ledger that was made anew was signed too', async () => {
  const told = chainOf('ledger.a-trust', 0, 3);
  const { records } = told;
  const before = records[2] as ExportedRecord;
  const value = Buffer.from(before.value.toString('utf8').replace('reason 2', 'reason 9'));
  const anew: TestChain = {
    ...told,
    records: [...records.slice(0, 2), { ...before, value }],
    heads: [...told.heads.slice(0, 3), headAfter(told.heads[2] as Buffer, value)],
  };
  const notes = [checkpointOf([told], 3), checkpointOf([anew], 3)];
  for (const checkpoints of [notes, notes.toReversed()])
    for (const { records } of [told, anew]) {
      const { problems, chains } = await verify(await exported(records, checkpoints));
      assert.ok(problems.length > 0);
      assert.deepEqual(chains, []);
    }
  const { problems } = await verify(await exported(anew.records, notes.toReversed()));
  assert.match(JSON.stringify(problems), /ledger\.a-trust\/0, sequence 2.*different heads after 3 records/);
});

test('a ledger whose head was deleted by retention is whole from the first checkpoint in what is left', async () => {
  const chain = chainOf('ledger.trust', 0, 8);
  const left = chain.records.slice(3);
  const report = await verify(await exported(left, [checkpointOf([chain], 5)]));
  assert.deepEqual(report.problems, []);
  assert.deepEqual(
    report.chains.map(({ first, records }) => [first, records]),
    [[3, 8]],
  );
  const without = await verify(await exported(left, [checkpointOf([chain], 2)]));
  assert.match(without.problems[0]?.problem ?? '', /no checkpoint vouches/);
  // Records that are taken from an export are no retention.
  const lines = linesOf(await exported(chain.records, [checkpointOf([chain], 5)]));
  assert.match(
    (await verify(joined(lines.toSpliced(2, 2)))).problems[0]?.problem ?? '',
    /begins with record 2, and was exported from 0/,
  );
});

test('an export that a forger signed himself is found by the key that was published', async () => {
  const forger = createNoteSigner('causeway', Buffer.alloc(32, 2).toString('base64url'));
  const lines: Buffer[] = [];
  const { records } = chainOf('ledger.trust', 0, 3);
  for await (const line of exportLines(stream(records), [], {
    verifierKey: forger.verifierKey,
    signer: forger,
  }))
    lines.push(Buffer.from(line));
  assert.deepEqual((await verifyExport(stream(lines))).problems, []);
  const { problems } = await verifyExport(stream(lines), signer.verifierKey);
  assert.match(problems[0]?.problem ?? '', /no known key has signed it/);
});

test('a file of notes is cut into the notes it was made of', () => {
  const chain = chainOf('ledger.trust', 0, 3);
  const notes = [1, 2, 3].map((records) => checkpointOf([chain], records));
  assert.deepEqual(splitNotes(notes.join('')), notes);
  assert.deepEqual(splitNotes(''), []);
});
