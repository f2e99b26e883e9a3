import { startLoop } from '@causeway/runtime/async/run-loop';
import { withTimeout } from '@causeway/runtime/async/timeout';
import { LANES, topicsOf } from '@causeway/runtime/bus/topics';
import type { FetchedPartition, FetchedRecord, Position } from '@causeway/runtime/kafka/broker-client';
import type { Kafka } from '@causeway/runtime/kafka/connect';
import type { Reader } from '@causeway/runtime/kafka/reader';
import { parseLedgerRecord } from '@causeway/runtime/ledger/ledger-record';
import type { Logger } from '@causeway/runtime/telemetry/log';
import type { Metrics } from '@causeway/runtime/telemetry/metrics';

/** Decisions about one organisation's events for another, seen since the console started. Only the source may know of `restricted`. */
export type PairCount = {
  source: string;
  recipient: string;
  released: number;
  withheld: number;
  restricted: number;
};

/** Who gets what of the event that a ledger record is about. */
function decisionsIn(
  value: Buffer,
): { recipient: string; outcome: 'released' | 'withheld' | 'restricted' }[] {
  const record = parseLedgerRecord(value);
  if (record.kind !== 'decision') return [];
  return record.decisions.map(({ recipient, outcome, reason }) => ({
    recipient,
    outcome: reason === 'source-restricted' ? 'restricted' : outcome,
  }));
}

export type Releases = {
  /** By `<source> <recipient>`, as they stand at this moment. */
  pairs(): Map<string, PairCount>;
  /** Releases into this organisation's inbox, seen since the console started. */
  into(organisation: string): number;
  /** Begins with organisations that it does not follow yet. */
  follow(organisations: readonly string[]): void;
  close(): Promise<void>;
};

const LANE_NUMBERS = Array.from({ length: LANES }, (_, lane) => lane);
const FETCH = { maxWaitMs: 500, maxBytes: 2_097_152, partitionMaxBytes: 524_288 };
const FETCH_DEADLINE_MS = 10_000;
const RETRY_MS = 1_000;

/**
 * Counts releases by following every ledger from its end. The offsets of an inbox are no count: each
 * transaction leaves a marker among the records, and an aborted one its records as well.
 */
export function followReleases(kafka: Kafka, log: Logger, metrics?: Pick<Metrics, 'loopRestarts'>): Releases {
  const counts = new Map<string, PairCount>();
  const positions = new Map<string, Position>();
  const wanted = new Set<string>();
  let reader: Reader = kafka.reader();

  const decisionsOf = (topic: string, { offset, value }: FetchedRecord) => {
    try {
      return value === null ? [] : decisionsIn(value);
    } catch {
      // For the ledger's verifier to judge; counting goes on.
      log.warn({ event: 'record.skipped', topic, offset }, 'Unreadable ledger record not counted');
      return [];
    }
  };

  const countOf = (source: string, recipient: string): PairCount => {
    const key = `${source} ${recipient}`;
    const known = counts.get(key) ?? { source, recipient, released: 0, withheld: 0, restricted: 0 };
    counts.set(key, known);
    return known;
  };

  const count = ({ topic, partition, records, next }: FetchedPartition) => {
    const source = topic.slice('ledger.'.length);
    for (const record of records)
      for (const { recipient, outcome } of decisionsOf(topic, record))
        countOf(source, recipient)[outcome] += 1;
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
    if (positions.size === 0) return FETCH.maxWaitMs;
    for (const fetched of await reader.fetch([...positions.values()], FETCH)) {
      if (fetched.outOfRange) await goToEnd(fetched.topic, [fetched.partition]);
      else count(fetched);
    }
    return undefined;
  };

  const loop = startLoop({
    name: 'releases',
    step: () => withTimeout(FETCH_DEADLINE_MS, 'kafka', step()),
    retryMs: RETRY_MS,
    log,
    metrics,
    onError() {
      void reader.close().catch(() => undefined);
      reader = kafka.reader();
    },
  });

  return {
    pairs: () => new Map([...counts].map(([key, pair]) => [key, { ...pair }])),
    into: (organisation) =>
      [...counts.values()]
        .filter(({ recipient }) => recipient === organisation)
        .reduce((sum, { released }) => sum + released, 0),
    follow(organisations) {
      for (const organisation of organisations) {
        const followed = positions.has(`${topicsOf(organisation).ledger}/0`);
        if (!followed) wanted.add(organisation);
      }
    },
    async close() {
      const ended = loop.close();
      await reader.close().catch(() => undefined);
      await ended;
    },
  };
}
