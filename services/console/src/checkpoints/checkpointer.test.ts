import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { CHECKPOINTS_TOPIC, topicsOf } from '@causeway/runtime/bus/topics';
import { openCheckpoint, splitNotes } from '@causeway/runtime/ledger/checkpoint';
import {
  encodeLedgerRecord,
  GENESIS,
  headAfter,
  type LedgerRecord,
} from '@causeway/runtime/ledger/ledger-record';
import { createNoteSigner, noteVerifier } from '@causeway/runtime/ledger/signed-note';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { createMetrics } from '@causeway/runtime/telemetry/metrics';
import { createTestBus, type TestBus } from '@causeway/testing/bus';
import { type Checkpointer, startCheckpointer } from './checkpointer.ts';

const signer = createNoteSigner('test', randomBytes(32).toString('base64url'));
const verifiers = [noteVerifier(signer.verifierKey)];
let bus: TestBus;
let directory = '';
before(async () => {
  bus = await createTestBus(1);
  directory = mkdtempSync(join(tmpdir(), 'causeway-checkpoints-'));
});
after(async () => {
  await bus.close();
  rmSync(directory, { recursive: true, force: true });
});

const start = (folder = directory): Checkpointer & { metrics: ReturnType<typeof createMetrics> } => {
  const metrics = createMetrics('console');
  const organisations = { all: () => bus.organisations.map((id) => ({ id })) };
  const log = createLogger('test', 'silent');
  const parts = { kafka: bus.kafka, signer, organisations, directory: folder, log, metrics, everyMs: 100 };
  return { ...startCheckpointer(parts), metrics };
};

/** A writer of one chain, as the exchange would write it. */
const chain = () => {
  const [id = ''] = bus.organisations;
  let head = GENESIS;
  let sequence = 0;
  return {
    head: () => head.toString('base64url'),
    append: async (count: number, change: Partial<LedgerRecord> = {}) => {
      for (let index = 0; index < count; index += 1) {
        const record = {
          sequence,
          previous: head.toString('base64url'),
          position: { topic: topicsOf(id).outbox, partition: 0, offset: sequence },
          decidedAt: '2026-10-05T13:20:00.000Z',
          agreementsOffset: 0,
          kind: 'dead-letter',
          reason: 'undecodable',
          valueDigest: '',
          ...change,
        } as LedgerRecord;
        const value = encodeLedgerRecord(record);
        await bus.producer.send([{ topic: topicsOf(id).ledger, partition: 0, value }]);
        head = headAfter(head, value);
        sequence += 1;
      }
    },
  };
};

const until = async <T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> => {
  for (const deadline = Date.now() + 15_000; Date.now() < deadline; await delay(20)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error(`not in time: ${what}`);
};

const headIn = (note: string | undefined) => {
  const opened = note ? openCheckpoint(note, verifiers) : undefined;
  const name = `${topicsOf(bus.organisations[0] ?? '').ledger}/0`;
  return opened && !('problem' in opened) ? opened.heads.find((head) => head.name === name) : undefined;
};

test('every ledger is checked and signed as far as it is whole, inside the cluster and outside of it', async () => {
  const written = chain();
  await written.append(3);
  const first = start();
  const three = await until('three records', () => headIn(first.latest()));
  assert.deepEqual([three.records, three.head], [3, written.head()]);
  await written.append(2);
  await until('five records', () => (headIn(first.latest())?.records === 5 ? true : undefined));
  await first.close();
  const files = readdirSync(directory).filter((name) => name.endsWith('.notes'));
  const kept = files.flatMap((name) => splitNotes(readFileSync(join(directory, name), 'utf8')));
  const sent = (await bus.records(CHECKPOINTS_TOPIC)).map(({ value }) => String(value));
  const mine = sent.filter((note) => !('problem' in openCheckpoint(note, verifiers)));
  assert.ok(mine.length >= 2);
  assert.deepEqual(kept, mine);
  assert.equal(readFileSync(join(directory, 'verifier.txt'), 'utf8').trim(), signer.verifierKey);

  // Another instance goes on from what the first one signed, and keeps a copy of its own.
  const elsewhere = join(directory, 'elsewhere');
  const good = written.head();
  await written.append(1, { previous: 'something else' });
  const second = start(elsewhere);
  await until('the fault', async () =>
    /ledger_problems_total\{[^}]*\} 1/.test(await second.metrics.text()) ? true : undefined,
  );
  const later = second.latest();
  await until('a later note', () => (second.latest() === later ? undefined : true));
  await second.close();
  assert.deepEqual([headIn(second.latest())?.records, headIn(second.latest())?.head], [5, good]);
  assert.ok(readdirSync(elsewhere).includes('verifier.txt'));
});
