import { type LoopOptions, runLoop } from '../async/run-loop.ts';
import { componentOf, readDeadLetter } from '../bus/dead-letter-reader.ts';
import { deliveryRecord, type RedriveResult } from '../bus/delivery-log.ts';
import { parseRedrive, type RedriveRequest } from '../bus/redrive-request.ts';
import { topicsOf } from '../bus/topics.ts';
import { errorCode, isPermanent } from '../errors.ts';
import type { FetchedRecord } from '../kafka/broker-client.ts';
import type { Producer } from '../kafka/producer.ts';
import type { Reader } from '../kafka/reader.ts';
import type { Database } from '../postgres/database.ts';
import type { Logger } from '../telemetry/log.ts';
import { migrateDelivery } from './store.ts';

/** What came of one dead letter that was tried again. */
export type Redriven = Pick<RedriveResult, 'outcome' | 'code'>;

type RedriverParts = {
  organisation: string;
  /** Takes the dead letters whose `dl-component` is this. */
  component: string;
  reader(): Reader;
  producer: Pick<Producer, 'send'>;
  database: Pick<Database, 'query' | 'migrate'>;
  log: Logger;
  metrics: LoopOptions['metrics'];
  /** Tries one dead letter again; may be called twice for one request. @throws RetryableError while that is not possible */
  redrive(deadLetter: FetchedRecord, request: RedriveRequest): Promise<Redriven>;
};

export type Redriver = { close(): Promise<void> };

const WAIT_MS = 500;
const RETRY_MS = 1_000;
const LIMITS = { maxBytes: 1_048_576, partitionMaxBytes: 1_048_576 };

/**
 * Follows the requests of one organisation and carries out those that concern this component, in their order, through
 * outages and restarts. What came of each is a record in `deliveries.<organisation>`.
 */
export const followRedrives = (parts: RedriverParts): Redriver => {
  const { organisation, component, database, producer, log } = parts;
  const topic = topicsOf(organisation).redrive;
  const reader = parts.reader();
  const closing = new AbortController();

  const position = async (): Promise<number> => {
    await migrateDelivery(database);
    const [row] = await database.query<{ next: number }>(
      'select next from redrive_position where organisation = $1 and component = $2',
      [organisation, component],
    );
    return row?.next ?? 0;
  };

  const carryOut = async (record: FetchedRecord): Promise<void> => {
    const request = readRequest(record, log);
    if (request === undefined) return;
    const letter = await readDeadLetter(reader, organisation, request.deadLetter);
    // Somebody else's, as far as one can tell: whose it was is written in the dead letter that is gone.
    if (letter === undefined)
      return log.warn({ event: 'redrive.expired', organisation }, 'the dead letter to redrive has expired');
    if (componentOf(letter) !== component) return;
    const redriven = await attempt(letter, request);
    const { id, deadLetter } = request;
    const at = new Date().toISOString();
    const result: RedriveResult = { kind: 'redrive', request: id, deadLetter, component, ...redriven, at };
    await producer.send([deliveryRecord(organisation, result)]);
    log.info({ event: 'redrive.finished', organisation, request: id, ...redriven }, 'dead letter redriven');
  };

  const attempt = async (deadLetter: FetchedRecord, request: RedriveRequest): Promise<Redriven> => {
    try {
      return await parts.redrive(deadLetter, request);
    } catch (error) {
      if (isPermanent(error)) return { outcome: 'refused', code: error.code };
      throw error;
    }
  };

  const save = (next: number) =>
    database.query(
      `insert into redrive_position (organisation, component, next) values ($1, $2, $3)
       on conflict (organisation, component) do update set next = greatest(redrive_position.next, excluded.next)`,
      [organisation, component, next],
    );

  const read = async (from: number): Promise<number> => {
    const at = { topic, partition: 0, offset: from };
    const [part] = await reader.fetch([at], { ...LIMITS, maxWaitMs: WAIT_MS });
    if (part?.outOfRange) return (await reader.bounds(topic, [0]))[0]?.start ?? from;
    let next = from;
    for (const record of part?.records ?? []) {
      if (closing.signal.aborted) return next;
      await carryOut(record);
      next = record.offset + 1;
      await save(next);
    }
    return Math.max(next, part?.next ?? from);
  };

  let next: number | undefined;
  const running = runLoop({
    name: 'redrive',
    signal: closing.signal,
    step: async () => {
      next = await read(next ?? (await position()));
    },
    onError: () => {
      next = undefined;
    },
    retryMs: RETRY_MS,
    log,
    metrics: parts.metrics,
    fields: { organisation },
  });

  return {
    async close() {
      closing.abort();
      await running;
      await reader.close();
    },
  };
};

const readRequest = (record: FetchedRecord, log: Logger): RedriveRequest | undefined => {
  try {
    return parseRedrive(record.value);
  } catch (error) {
    log.error(
      { event: 'record.skipped', offset: record.offset, code: errorCode(error) },
      'unreadable redrive request skipped',
    );
    return undefined;
  }
};
