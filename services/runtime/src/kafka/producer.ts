import { setTimeout as delay } from 'node:timers/promises';
import { untilDeadline } from '../async/retry.ts';
import { withTimeout } from '../async/timeout.ts';
import { isPermanent, PermanentError, RetryableError } from '../errors.ts';
import type { Logger } from '../telemetry/log.ts';
import {
  type AppendResult,
  append,
  cutBySize,
  type PartitionRecords,
  type Sequences,
  toEncoded,
} from './append.ts';
import type { BrokerClient, KafkaRecord, Position, ProducerIdentity } from './broker-client.ts';
import { type EncodedRecord, recordSize } from './protocol/record-batch-encoder.ts';

export type ProducerOptions = {
  /** How long one `send` may take from the first attempt to its rejection, milliseconds. */
  deliveryTimeoutMs: number;
  /** Largest batch for one partition, bytes: a broker applies a topic's limit to the batch. */
  maxBatchBytes: number;
  maxRecordBytes: number;
  /** Bytes waiting to be sent above which `send` rejects at once. */
  maxPendingBytes: number;
};

export type Producer = {
  /**
   * Resolves with the position of each record once all in-sync replicas have all of them.
   * Records of one call to one partition are appended in their order, and calls in the order they were made.
   *
   * @throws RetryableError when that is not known before the delivery time-out: the records may or may not be
   * there, and a caller that sends them again must expect both.
   * @throws PermanentError `too-large`, `not-authorised`
   */
  send(records: readonly KafkaRecord[]): Promise<Position[]>;
  close(): Promise<void>;
};

type Entry = {
  topic: string;
  partition: number | undefined;
  key: string | Buffer | null;
  record: EncodedRecord;
  size: number;
};
type Pending = {
  entries: Entry[];
  bytes: number;
  resolve(positions: Position[]): void;
  reject(error: Error): void;
};

const DEFAULTS: ProducerOptions = {
  deliveryTimeoutMs: 20_000,
  maxBatchBytes: 480_000,
  maxRecordBytes: 1_900_000,
  maxPendingBytes: 64 * 1024 * 1024,
};
/** Reports the result of one record: its position, or the error. */
type Settle = (entry: Entry, result: Position | Error) => void;

const PLACE_PAUSE_MS = 100;
const MAX_REQUEST_BYTES = 4 * 1024 * 1024;
const MAX_REQUEST_RECORDS = 5_000;

/**
 * An idempotent producer that gathers whatever is waiting into one request and has one request in flight.
 *
 * The client's own producer loses records here: after a rejected send it gives the next one the same sequence
 * numbers, and a broker that has the first one takes the second for a repeat. So a producer identity is never used again
 * after a rejected send, and no second request is on its way while the fate of the first is open.
 */
export const createProducer = (
  session: BrokerClient,
  options: Partial<ProducerOptions>,
  log: Logger,
): Producer => {
  const settings = { ...DEFAULTS, ...options };
  const queue: Pending[] = [];
  const sequences: Sequences = new Map();
  let identity: ProducerIdentity | null = null;
  let pendingBytes = 0;
  let running: Promise<void> | null = null;
  let closed = false;

  /** Chooses partitions. A topic that cannot be reached now, or never, holds back its own records only. */
  const place = async (entries: readonly Entry[], deadline: number) => {
    const counts = new Map<string, number>();
    const failures = new Map<string, Error>();
    for (const topic of new Set(entries.filter((e) => e.partition === undefined).map((e) => e.topic))) {
      try {
        counts.set(topic, await session.partitionCount(topic, Math.max(deadline - Date.now(), 1)));
      } catch (error) {
        failures.set(topic, error as Error);
      }
    }
    const placed = new Map<string, Entry[]>();
    let before: Entry | undefined;
    let run: Entry[] = [];
    for (const entry of entries) {
      const { topic, key, partition } = entry;
      if (failures.has(topic)) continue;
      // Records that come together often have one key: the client's hash of it costs more than all else here.
      if (before?.topic !== topic || before.key !== key || before.partition !== partition) {
        const chosen = key ? session.partitionOfKey(key, counts.get(topic) ?? 1) : 0;
        const id = `${topic}/${partition ?? chosen}`;
        run = placed.get(id) ?? [];
        placed.set(id, run);
        before = entry;
      }
      run.push(entry);
    }
    return { placed, failures };
  };

  /** Tries again what cannot be placed, behind everything that can. */
  const deliverAll = async (entries: readonly Entry[], deadline: number, settle: Settle) => {
    let waiting = entries;
    for (;;) {
      const { placed, failures } = await place(waiting, deadline);
      await appendAll(placed, deadline, settle);
      const late = Date.now() + PLACE_PAUSE_MS >= deadline;
      const left: Entry[] = [];
      for (const entry of waiting) {
        const failure = failures.get(entry.topic);
        if (failure && (late || isPermanent(failure))) settle(entry, failure);
        else if (failure) left.push(entry);
      }
      if (left.length === 0) return;
      waiting = left;
      await delay(PLACE_PAUSE_MS);
    }
  };

  const appendAll = async (placed: ReadonlyMap<string, Entry[]>, deadline: number, settle: Settle) => {
    const runs = new Map(
      [...placed].map(([id, run]) => [id, cutBySize(run, settings.maxBatchBytes, (e) => e.size)]),
    );
    while (runs.size > 0) {
      identity ??= await untilDeadline(deadline, PLACE_PAUSE_MS, (ms) =>
        session.initProducer(null, 60_000, ms),
      );
      const round = new Map([...runs].map(([id, [first]]) => [id, first ?? []]));
      const groups = [...round].map(([id, run]): PartitionRecords => {
        const [topic = '', partition] = id.split('/');
        return { topic, partition: Number(partition), records: run.map((e) => e.record) };
      });
      const results = await append(session, identity, sequences, groups, {
        transactionalId: null,
        deadline,
        onResult: (result) => settleRun(round, result, settle),
      });
      for (const { topic, partition, error } of results) {
        const id = `${topic}/${partition}`;
        const rest = (runs.get(id) ?? []).slice(1);
        if (error) for (const entry of rest.flat()) settle(entry, error);
        if (error || rest.length === 0) runs.delete(id);
        else runs.set(id, rest);
      }
      const failed = results.find(({ error }) => error !== null);
      if (failed?.error) replaceIdentity(failed.error);
    }
  };

  const replaceIdentity = (error: Error) => {
    identity = null;
    sequences.clear();
    log.warn(
      { event: 'producer.replaced', code: (error as { code?: string }).code },
      'A send was rejected; the producer identity is replaced',
    );
  };

  const deliver = async (batch: readonly Pending[]) => {
    const { entries, settle } = settlement(batch);
    try {
      await deliverAll(entries, Date.now() + settings.deliveryTimeoutMs, settle);
    } catch (error) {
      replaceIdentity(error as Error);
      for (const entry of entries) settle(entry, error as Error);
    }
  };

  const run = async () => {
    // One turn of the event loop, so that callers of the same moment share a request.
    await new Promise(setImmediate);
    while (queue.length > 0) {
      const batch = takeBatch(queue);
      pendingBytes -= batch.reduce((sum, { bytes }) => sum + bytes, 0);
      await deliver(batch);
    }
    running = null;
  };

  return {
    send: (records) =>
      new Promise((resolve, reject) => {
        if (closed)
          return reject(
            new RetryableError('producer-closed', 'The producer is closed; the service is stopping'),
          );
        const entries = records.map((given) => {
          const { topic, partition, key = null } = given;
          const record = toEncoded(given);
          return { topic, partition, key, record, size: recordSize(record) };
        });
        const bytes = entries.reduce((sum, { size }) => sum + size, 0);
        if (entries.some(({ size }) => size > settings.maxRecordBytes))
          return reject(
            new PermanentError('too-large', `A record is larger than ${settings.maxRecordBytes} bytes`),
          );
        if (pendingBytes + bytes > settings.maxPendingBytes && queue.length > 0)
          return reject(
            new RetryableError(
              'producer-full',
              'More is waiting for Kafka than this service may hold; try again later',
            ),
          );
        pendingBytes += bytes;
        queue.push({ entries, bytes, resolve, reject });
        running ??= run();
      }),
    close: async () => {
      closed = true;
      await running;
      await session.close();
    },
  };
};

/** Takes from the queue what one request may carry: at least one call. */
const takeBatch = (queue: Pending[]): Pending[] => {
  let bytes = 0;
  let records = 0;
  let count = 0;
  for (const pending of queue) {
    if (count > 0 && (bytes + pending.bytes > MAX_REQUEST_BYTES || records >= MAX_REQUEST_RECORDS)) break;
    bytes += pending.bytes;
    records += pending.entries.length;
    count += 1;
  }
  return queue.splice(0, count);
};

/** Answers each call of a batch with its own last record, not with the slowest of the batch. */
const settlement = (batch: readonly Pending[]): { entries: Entry[]; settle: Settle } => {
  const owners = new Map(batch.flatMap((pending) => pending.entries.map((entry) => [entry, pending])));
  const outcome = new Map<Entry, Position | Error>();
  const open = new Map(batch.map((pending) => [pending, pending.entries.length]));
  const finish = ({ entries, resolve, reject }: Pending) => {
    const results = entries.map((entry) => outcome.get(entry));
    const failure = results.find((result) => result instanceof Error);
    if (failure) reject(failure);
    else resolve(results as Position[]);
  };
  for (const pending of batch) if (pending.entries.length === 0) finish(pending);
  const settle: Settle = (entry, result) => {
    const pending = owners.get(entry);
    if (!pending || outcome.has(entry)) return;
    outcome.set(entry, result);
    const left = (open.get(pending) ?? 0) - 1;
    open.set(pending, left);
    if (left === 0) finish(pending);
  };
  return { entries: [...owners.keys()], settle };
};

const settleRun = (round: ReadonlyMap<string, Entry[]>, result: AppendResult, settle: Settle) => {
  const { topic, partition, baseOffset, error } = result;
  for (const [index, entry] of (round.get(`${topic}/${partition}`) ?? []).entries())
    settle(entry, error ?? { topic, partition, offset: baseOffset + index });
};

/** A sender gives up after 10 to 30 seconds without an answer; a refusal must come before that. */
const SEND_MS = 8_000;

/**
 * Sends, and gives up waiting in time for the sender to be told. The records may arrive all the same: what is sent
 * again has the same ids and bytes behind them in the same producer, and the exchange knows it for a repeat.
 * @throws RetryableError
 */
export const sendInTime = async (
  producer: Pick<Producer, 'send'>,
  records: readonly KafkaRecord[],
  ms = SEND_MS,
): Promise<void> => {
  await withTimeout(ms, 'Kafka', producer.send(records), 'kafka-unavailable');
};
