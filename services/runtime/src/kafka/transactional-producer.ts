import { untilDeadline } from '../async/retry.ts';
import { RetryableError } from '../errors.ts';
import { append, cutBySize, type PartitionRecords, type Sequences, toEncoded } from './append.ts';
import type { BrokerClient, OpenRecords, PlacedRecord, TopicPartition } from './broker-client.ts';
import { type EncodedRecord, recordSize } from './protocol/record-batch-encoder.ts';

/** For records that several topics get: encoded once, and changed where they differ. */
export { encodeRecord, valueOffset } from './protocol/record-batch-encoder.ts';

/** A record as others have it, or one that is encoded already because several topics get the same. */
export type TransactionalRecord = PlacedRecord | (TopicPartition & { encoded: EncodedRecord });

export type TransactionalProducer = {
  /**
   * Appends all records in one transaction: readers of committed records see all of them or none.
   * `beforeCommit` runs when everything is appended and nothing is visible yet; if it throws, the transaction is
   * aborted and its error is thrown on, and the writer stays usable.
   *
   * @throws RetryableError, or an error with the code `fenced` or `connection-lost`, after any other failure. Whether the
   * transaction was committed is then not known and the writer is of no more use: open a new one, let it `settle`
   * that, and read what is there.
   */
  write(records: readonly TransactionalRecord[], beforeCommit?: () => void): Promise<void>;
  /**
   * Ends what earlier writers of this id have left open in the partitions, although Kafka says that all of it is ended: a broker
   * that restarts can forget the markers (docs/decisions/0036). To be called before anything is read or written, with
   * every partition that this id writes to and that exists.
   * @param isCommitted asked only where something is open: whether it is to be committed, or taken back
   * @returns what was open
   *
   * @throws RetryableError when it cannot be ended now
   */
  settle(
    partitions: readonly TopicPartition[],
    isCommitted: (open: readonly OpenRecords[]) => boolean | Promise<boolean>,
  ): Promise<OpenRecords[]>;
  close(): Promise<void>;
};

export type TransactionalProducerOptions = {
  /**
   * `write` resolves only when readers of committed records can read what was written. Otherwise it resolves when that is certain, as long
   * as no broker forgets it, which the next `write` or `settle` finds out.
   */
  visible?: boolean;
};

const TRANSACTION_TIMEOUT_MS = 10_000;
const OPEN_DEADLINE_MS = 30_000;
const OPEN_ATTEMPT_MS = 10_000;
const WRITE_DEADLINE_MS = 8_000;
const MAX_BATCH_BYTES = 900_000;
/** A transaction right behind another meets CONCURRENT_TRANSACTIONS for a moment: asking often costs little. */
const COORDINATOR_PAUSE_MS = 2;
/** Markers are written within milliseconds of the answer to a commit, by a broker that is well. */
const ENDED_DEADLINE_MS = 3_000;
const ENDED_PAUSE_MS = 10;

/**
 * A transactional writer over the wire protocol: the client's own producer starts lazily (so it fences late) and
 * cannot be used again after a failed commit. Opening it fences every earlier writer of the same id, after
 * their open transaction was committed or aborted; so what a reader of committed records finds from then on is final.
 *
 * @throws RetryableError when the transaction coordinator cannot be reached within 30 s
 */
export const openTransactionalProducer = async (
  session: BrokerClient,
  transactionalId: string,
  { visible = false }: TransactionalProducerOptions = {},
): Promise<TransactionalProducer> => {
  const identity = await untilDeadline(Date.now() + OPEN_DEADLINE_MS, 20, () =>
    session.initProducer(transactionalId, TRANSACTION_TIMEOUT_MS, OPEN_ATTEMPT_MS),
  ).catch(async (error) => {
    await session.close();
    throw error;
  });
  const sequences: Sequences = new Map();
  let broken = false;
  /** Where the last transaction wrote, and how many connections had been lost when it was seen to be going well. */
  let last: readonly TopicPartition[] = [];
  let lost = session.lostConnections();

  const coordinate = (deadline: number, run: (remainingMs: number) => Promise<void>, mayRepeat = true) =>
    untilDeadline(deadline, COORDINATOR_PAUSE_MS, async (remainingMs) => {
      try {
        await run(remainingMs);
      } catch (error) {
        const { code } = error as { code?: string };
        if (code && FENCED.has(code)) throw new ProducerFencedError('fenced', transactionalId, error);
        if (!mayRepeat && session.lostConnections() !== lost)
          throw new ProducerFencedError('connection-lost', transactionalId, error);
        throw error;
      }
    });

  const add = (partitions: readonly TopicPartition[], deadline: number) =>
    // Repeated on another connection it could begin a transaction in front of a broker that has forgotten the last one.
    coordinate(deadline, (ms) => session.addPartitions(transactionalId, identity, partitions, ms), false);

  const end = (commit: boolean, deadline: number) =>
    coordinate(deadline, (ms) => session.endTransaction(transactionalId, identity, commit, ms));

  /** Waits until no record of this writer is open there. */
  const untilEnded = (partitions: readonly TopicPartition[]) =>
    untilDeadline(Date.now() + ENDED_DEADLINE_MS, ENDED_PAUSE_MS, async () => {
      const open = await session.openRecords(identity.producerId, partitions, ENDED_DEADLINE_MS);
      if (open.length > 0)
        throw new RetryableError('left-open', `Kafka has not ended a transaction of ${transactionalId}`);
    });

  /** A broker that was away may have forgotten the end of the last transaction, so it is looked at. */
  const trustOrLook = async (partitions: readonly TopicPartition[], always = false) => {
    const now = session.lostConnections();
    if (always || now !== lost) await untilEnded(partitions);
    lost = now;
  };

  const appendRounds = async (records: readonly TransactionalRecord[], deadline: number) => {
    const rounds = roundsOf(records);
    last = (rounds[0] ?? []).map(({ topic, partition }) => ({ topic, partition }));
    await add(last, deadline);
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
      broken = true;
      await trustOrLook(last);
      const deadline = Date.now() + WRITE_DEADLINE_MS;
      await appendRounds(records, deadline);
      let refusal: unknown = null;
      try {
        beforeCommit?.();
      } catch (error) {
        refusal = error;
      }
      await end(refusal === null, deadline);
      await trustOrLook(last, visible);
      broken = false;
      if (refusal !== null) throw refusal;
    },
    settle: async (partitions, isCommitted) => {
      const deadline = Date.now() + WRITE_DEADLINE_MS;
      const open = await untilDeadline(deadline, ENDED_PAUSE_MS, (ms) =>
        session.openRecords(identity.producerId, partitions, ms),
      );
      if (open.length === 0) return [];
      const commit = await isCommitted(open);
      lost = session.lostConnections();
      await add(open, deadline);
      await end(commit, deadline);
      await untilEnded(open);
      return open;
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
class ProducerFencedError extends Error {
  readonly code: 'fenced' | 'connection-lost';

  constructor(code: ProducerFencedError['code'], transactionalId: string, cause: unknown) {
    super(
      code === 'fenced'
        ? `Another writer has taken over ${transactionalId}`
        : `A connection was lost while a transaction of ${transactionalId} began`,
      { cause },
    );
    this.code = code;
  }
}

const roundsOf = (records: readonly TransactionalRecord[]): PartitionRecords[][] => {
  const cut = [...groupsOf(records).values()].map((group) =>
    cutBySize(group.records, MAX_BATCH_BYTES, recordSize).map((run) => ({ ...group, records: run })),
  );
  const rounds = Math.max(...cut.map((runs) => runs.length));
  return Array.from({ length: rounds }, (_, round) => cut.flatMap((runs) => runs[round] ?? []));
};

const groupsOf = (records: readonly TransactionalRecord[]): Map<string, PartitionRecords> => {
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
