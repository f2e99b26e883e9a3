import { setTimeout as delay } from 'node:timers/promises';
import { PermanentError, RetryableError } from '../errors.ts';
import {
  type Appended,
  type BrokerClient,
  type KafkaRecord,
  type ProducerIdentity,
  TRANSIENT,
} from './broker-client.ts';
import {
  type BatchRecord,
  type EncodedRecord,
  encodeRecord,
  encodeRecordBatch,
} from './protocol/record-batch-encoder.ts';

const RETRY_DELAY_MS = 50;
const NO_HEADERS: BatchRecord['headers'] = [];
const headerNames = new Map<string, Buffer>();

const nameBytes = (name: string): Buffer => {
  const known = headerNames.get(name);
  if (known) return known;
  const bytes = Buffer.from(name);
  // Names are a small closed set; the limit only guards against one that is not.
  if (headerNames.size < 1_000) headerNames.set(name, bytes);
  return bytes;
};

/** Turns a record into bytes once, before sizes are counted and batches are cut. */
export const toEncoded = ({ key, value, headers }: Pick<KafkaRecord, 'key' | 'value' | 'headers'>) =>
  encodeRecord({
    key: typeof key === 'string' ? Buffer.from(key) : (key ?? null),
    value,
    headers: headers ? headerPairs(headers) : NO_HEADERS,
  });

/** Headers as a batch has them; the bytes of a name are made once. */
export const headerPairs = (headers: Record<string, string | Buffer>): BatchRecord['headers'] =>
  Object.entries(headers).map(([name, text]) => [
    nameBytes(name),
    typeof text === 'string' ? Buffer.from(text) : text,
  ]);

/** Next sequence number per partition, as the broker expects it of one producer identity. */
export type Sequences = Map<string, number>;

export type PartitionRecords = { topic: string; partition: number; records: EncodedRecord[] };
export type AppendResult = PartitionRecords & { baseOffset: number; error: Error | null };

type AppendOptions = {
  transactionalId: string | null;
  deadline: number;
  /** Hears of each partition as soon as it is settled. */
  onResult?: (result: AppendResult) => void;
};

const failureOf = (appended: Appended): Error =>
  /PRODUCER_EPOCH|FENCED|PRODUCER_ID_MAPPING/.test(appended.error ?? '')
    ? new RetryableError('fenced', 'Another writer has taken over')
    : /AUTHORIZATION_FAILED$/.test(appended.error ?? '')
      ? new PermanentError(
          'not-authorised',
          `Kafka refused a write to ${appended.topic}: this principal may not write there`,
        )
      : /TOO_LARGE$/.test(appended.error ?? '')
        ? new PermanentError(
            'too-large',
            `Kafka refused a write to ${appended.topic}: larger than the topic allows`,
          )
        : new RetryableError(
            'append-failed',
            `Kafka answered ${appended.error} to a write to ${appended.topic}`,
          );

/**
 * Appends one batch per partition and retries what failed for a passing reason, with the same bytes and so the
 * same sequence numbers, until `deadline` (milliseconds since 1970). A batch that did arrive the first time is
 * recognised by the broker and answered with its first offset.
 *
 * Never rejects: each partition has its own result. After any error the identity must not be used again,
 * because whether its last batch arrived is not known.
 */
export const append = async (
  session: BrokerClient,
  identity: ProducerIdentity,
  sequences: Sequences,
  groups: readonly PartitionRecords[],
  { transactionalId, deadline, onResult }: AppendOptions,
): Promise<AppendResult[]> => {
  const timestamp = Date.now();
  const open = new Map(
    groups.map((group) => {
      const id = `${group.topic}/${group.partition}`;
      const firstSequence = sequences.get(id) ?? 0;
      sequences.set(id, (firstSequence + group.records.length) % 0x8000_0000);
      const bytes = encodeRecordBatch(group.records, {
        timestamp,
        producerId: identity.producerId,
        producerEpoch: identity.epoch,
        firstSequence,
        transactional: transactionalId !== null,
      });
      return [id, { group, batch: { topic: group.topic, partition: group.partition, bytes } }] as const;
    }),
  );
  const results: AppendResult[] = [];
  const settle = (id: string, baseOffset: number, error: Error | null) => {
    const entry = open.get(id);
    if (!entry || !open.delete(id)) return;
    const result = { ...entry.group, baseOffset, error };
    results.push(result);
    onResult?.(result);
  };
  while (open.size > 0) {
    let last: Error | null = null;
    try {
      const batches = [...open.values()].map(({ batch }) => batch);
      for (const appended of await session.produce(batches, transactionalId, deadline - Date.now())) {
        const id = `${appended.topic}/${appended.partition}`;
        if (appended.error === null || appended.error === 'DUPLICATE_SEQUENCE_NUMBER')
          settle(id, appended.baseOffset, null);
        else if (TRANSIENT.has(appended.error)) last = failureOf(appended);
        else settle(id, -1, failureOf(appended));
      }
    } catch (error) {
      last = error as Error;
      if (error instanceof PermanentError) for (const id of open.keys()) settle(id, -1, error);
    }
    if (open.size === 0) break;
    if (Date.now() + RETRY_DELAY_MS >= deadline) {
      const error = last ?? new RetryableError('append-failed', 'Kafka did not answer for every partition');
      for (const id of open.keys()) settle(id, -1, error);
      break;
    }
    await delay(RETRY_DELAY_MS);
  }
  return results;
};

/** Cuts records into runs of at most `maxBytes` (a run has at least one record), keeping their order. */
export const cutBySize = <T>(items: readonly T[], maxBytes: number, sizeOf: (item: T) => number): T[][] => {
  const runs: T[][] = [];
  let room = 0;
  for (const item of items) {
    const size = sizeOf(item);
    const run = runs.at(-1);
    if (run && size <= room) {
      run.push(item);
      room -= size;
    } else {
      runs.push([item]);
      room = maxBytes - size;
    }
  }
  return runs;
};
