import {
  append,
  cutBySize,
  type PartitionRecords,
  type Sequences,
  toEncoded,
  untilDeadline,
} from './append.ts';
import { RetryableError } from './errors.ts';
import type { PlacedRecord, Session, TopicPartition } from './kafka-session.ts';
import { type EncodedRecord, recordSize } from './record-batch.ts';

/** A record as others have it, or one that is encoded already because several topics get the same. */
export type WriterRecord = PlacedRecord | (TopicPartition & { encoded: EncodedRecord });

export type Writer = {
  /**
   * Appends all records in one transaction: readers of committed records see all of them or none.
   * `beforeCommit` runs when everything is appended and nothing is visible yet; if it throws, the transaction is
   * aborted and its error is thrown on, and the writer stays usable.
   *
   * @throws RetryableError after any other failure. Whether the transaction was committed is then not known and the writer
   * is of no more use: open a new one, which settles it, and read what is there.
   */
  write(records: readonly WriterRecord[], beforeCommit?: () => void): Promise<void>;
  close(): Promise<void>;
};

const TRANSACTION_TIMEOUT_MS = 10_000;
const OPEN_DEADLINE_MS = 30_000;
const OPEN_ATTEMPT_MS = 10_000;
const WRITE_DEADLINE_MS = 8_000;
const MAX_BATCH_BYTES = 900_000;
/** A transaction right behind another meets CONCURRENT_TRANSACTIONS for a moment: asking often costs little. */
const COORDINATOR_PAUSE_MS = 2;

/**
 * A transactional writer over the wire protocol: the client's own producer starts lazily (so it fences late) and
 * cannot be used again after a failed commit. Opening it fences every earlier writer of the same id, after
 * their open transaction was committed or aborted; so what a reader of committed records finds from then on is final.
 *
 * @throws RetryableError when the transaction coordinator cannot be reached within 30 s
 */
export const openWriter = async (session: Session, transactionalId: string): Promise<Writer> => {
  const identity = await untilDeadline(Date.now() + OPEN_DEADLINE_MS, 20, () =>
    session.initProducer(transactionalId, TRANSACTION_TIMEOUT_MS, OPEN_ATTEMPT_MS),
  ).catch(async (error) => {
    await session.close();
    throw error;
  });
  const sequences: Sequences = new Map();
  let broken = false;

  const coordinate = (deadline: number, run: (remainingMs: number) => Promise<void>) =>
    untilDeadline(deadline, COORDINATOR_PAUSE_MS, async (remainingMs) => {
      try {
        await run(remainingMs);
      } catch (error) {
        const { code } = error as { code?: string };
        if (code && FENCED.has(code)) throw fenced(transactionalId, error);
        throw error;
      }
    });

  const appendRounds = async (records: readonly WriterRecord[], deadline: number) => {
    const rounds = roundsOf(records);
    const added = (rounds[0] ?? []).map(({ topic, partition }) => ({ topic, partition }));
    await coordinate(deadline, (ms) => session.addPartitions(transactionalId, identity, added, ms));
    for (const round of rounds) {
      const results = await append(session, identity, sequences, round, { transactionalId, deadline });
      const failed = results.find(({ error }) => error !== null);
      if (failed?.error) throw failed.error;
    }
  };

  return {
    write: async (records, beforeCommit) => {
      if (broken)
        throw new RetryableError(
          'writer-broken',
          'This transactional writer has failed before; open a new one',
        );
      if (records.length === 0) return;
      const deadline = Date.now() + WRITE_DEADLINE_MS;
      broken = true;
      await appendRounds(records, deadline);
      let refusal: unknown = null;
      try {
        beforeCommit?.();
      } catch (error) {
        refusal = error;
      }
      await coordinate(deadline, (ms) =>
        session.endTransaction(transactionalId, identity, refusal === null, ms),
      );
      broken = false;
      if (refusal !== null) throw refusal;
    },
    close: () => session.close(),
  };
};

const FENCED = new Set([
  'kafka-invalid-producer-epoch',
  'kafka-producer-fenced',
  'kafka-invalid-producer-id-mapping',
  'kafka-transaction-coordinator-fenced',
]);

/** Not retryable within this writer, so it must not look like a passing failure to `untilDeadline`. */
class FencedError extends Error {
  readonly code = 'fenced';
}

const fenced = (transactionalId: string, cause: unknown) =>
  new FencedError(`Another writer has taken over ${transactionalId}`, { cause });

const roundsOf = (records: readonly WriterRecord[]): PartitionRecords[][] => {
  const cut = [...groupsOf(records).values()].map((group) =>
    cutBySize(group.records, MAX_BATCH_BYTES, recordSize).map((run) => ({ ...group, records: run })),
  );
  const rounds = Math.max(...cut.map((runs) => runs.length));
  return Array.from({ length: rounds }, (_, round) => cut.flatMap((runs) => runs[round] ?? []));
};

const groupsOf = (records: readonly WriterRecord[]): Map<string, PartitionRecords> => {
  const groups = new Map<string, PartitionRecords>();
  for (const record of records) {
    const { topic, partition } = record;
    const id = `${topic}/${partition}`;
    let group = groups.get(id);
    if (!group) {
      group = { topic, partition, records: [] };
      groups.set(id, group);
    }
    group.records.push('encoded' in record ? record.encoded : toEncoded(record));
  }
  return groups;
};
