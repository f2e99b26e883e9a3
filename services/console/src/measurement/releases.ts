import type { Kafka } from '@causeway/runtime/kafka';
import type { FetchedPartition, FetchedRecord, Position } from '@causeway/runtime/kafka-session';
import { parseLedgerRecord } from '@causeway/runtime/ledger';
import type { Logger } from '@causeway/runtime/log';
import type { Reader } from '@causeway/runtime/reader';
import { LANES, topicsOf } from '@causeway/runtime/topology';
import { within } from './deadline.ts';

/** Who received the event that a ledger record is about. Records of gaps and refusals released nothing. */
export function recipientsIn(value: Buffer): string[] {
  const record = parseLedgerRecord(value);
  if (record.kind !== 'decision') return [];
  return record.decisions.filter(({ outcome }) => outcome === 'released').map(({ recipient }) => recipient);
}

export type Releases = {
  /** Releases into this organisation's inbox, seen since the console started. */
  into(organisation: string): number;
  /** Begins with organisations that it does not follow yet. */
  follow(organisations: readonly string[]): void;
  close(): Promise<void>;
};

const LANE_NUMBERS = Array.from({ length: LANES }, (_, lane) => lane);
const FETCH = { maxWaitMs: 500, maxBytes: 8_388_608, partitionMaxBytes: 1_048_576 };
const FETCH_DEADLINE_MS = 10_000;
const RETRY_MS = 1_000;

/**
 * Counts releases by following every ledger from its end. The offsets of an inbox are no count: each
 * transaction leaves a marker among the records, and an aborted one its records as well.
 */
export function followReleases(kafka: Kafka, log: Logger): Releases {
  const counts = new Map<string, number>();
  const positions = new Map<string, Position>();
  const wanted = new Set<string>();
  const stop = new AbortController();
  let reader: Reader = kafka.reader();

  const recipientsOf = (topic: string, { offset, value }: FetchedRecord): string[] => {
    try {
      return value === null ? [] : recipientsIn(value);
    } catch {
      // For the ledger's verifier to judge; counting goes on.
      log.warn({ topic, offset }, 'a ledger record cannot be read and is not counted');
      return [];
    }
  };

  const count = ({ topic, partition, records, next }: FetchedPartition) => {
    const recipients = records.flatMap((record) => recipientsOf(topic, record));
    for (const recipient of recipients) counts.set(recipient, (counts.get(recipient) ?? 0) + 1);
    positions.set(`${topic}/${partition}`, { topic, partition, offset: next });
  };

  const goToEnd = async (topic: string, lanes: number[]) => {
    for (const { partition, end } of await reader.bounds(topic, lanes)) {
      positions.set(`${topic}/${partition}`, { topic, partition, offset: end });
    }
  };

  const step = async () => {
    for (const organisation of wanted) {
      await goToEnd(topicsOf(organisation).ledger, LANE_NUMBERS);
      wanted.delete(organisation);
    }
    if (positions.size === 0) return await pause(FETCH.maxWaitMs, stop.signal);
    for (const fetched of await reader.fetch([...positions.values()], FETCH)) {
      if (fetched.outOfRange) await goToEnd(fetched.topic, [fetched.partition]);
      else count(fetched);
    }
  };

  const run = async () => {
    while (!stop.signal.aborted) {
      try {
        await within(FETCH_DEADLINE_MS, step());
      } catch (error) {
        if (stop.signal.aborted) return;
        log.warn({ err: error }, 'the ledgers cannot be followed; trying again');
        void reader.close().catch(() => undefined);
        reader = kafka.reader();
        await pause(RETRY_MS, stop.signal);
      }
    }
  };
  const running = run();

  return {
    into: (organisation) => counts.get(organisation) ?? 0,
    follow(organisations) {
      for (const organisation of organisations) {
        const followed = positions.has(`${topicsOf(organisation).ledger}/0`);
        if (!followed) wanted.add(organisation);
      }
    },
    async close() {
      stop.abort();
      await reader.close().catch(() => undefined);
      await running;
    },
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
