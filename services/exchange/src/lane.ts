import { setTimeout as delay } from 'node:timers/promises';
import type { Codec } from '@causeway/runtime/avro/codec';
import { EXCHANGE_GROUP, laneWriter, topicsOf } from '@causeway/runtime/bus/topics';
import { isStill } from '@causeway/runtime/disclosure/policy-snapshot';
import { errorCode, RetryableError } from '@causeway/runtime/errors';
import type { FetchedPartition, Position } from '@causeway/runtime/kafka/broker-client';
import type { Kafka } from '@causeway/runtime/kafka/connect';
import type { WriterRecord } from '@causeway/runtime/kafka/transactional-producer';
import { encodeLedgerRecord, headAfter, type LedgerRecord } from '@causeway/runtime/ledger/ledger-record';
import { type Agreements, FRESH_MS } from '@causeway/runtime/reference-data/agreements';
import type { Organisations } from '@causeway/runtime/reference-data/organisations';
import type { TopicFollower } from '@causeway/runtime/reference-data/topic-follower';
import type { Logger } from '@causeway/runtime/telemetry/log';
import type { Metrics } from '@causeway/runtime/telemetry/metrics';
import { isTracing, startSpan } from '@causeway/runtime/telemetry/tracing';
import { decideRecord, type Verdict } from './decide-record.ts';
import { type PartitionState, RECENT_IDS, recoverPartition } from './recover.ts';
import type { Ruling } from './rules.ts';
import { settleLane } from './settle.ts';
import { createTally, type Tally } from './tally.ts';
import type { Views } from './views.ts';

export type LaneParts = {
  kafka: Kafka;
  codec: Codec;
  views: Views;
  rules: () => Ruling;
  agreements: Agreements;
  organisations: Organisations;
  people: Pick<TopicFollower, 'freshAt' | 'freshWithin' | 'revision'>;
  log: Logger;
  metrics: Metrics;
};

export type LaneStatus = { open: boolean; stopped: { organisation: string; reason: string }[] };
export type Lane = { status(): LaneStatus; close(): Promise<void> };

const FETCH_WAIT_MS = 100;
const FETCH_BYTES = 1_048_576;
const PARTITION_BYTES = 262_144;
const MAX_INPUT_RECORDS = 500;
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;
/** Views that are new are asked of the registry one after the other: what is decided does not wait for all of them. */
const MAX_DRAFT_MS = 500;
const HOLD_PAUSE_MS = 250;
const COMMIT_EVERY_MS = 500;
const RESTART_MS = 200;
const MAX_RESTART_MS = 2_000;
/** Somebody else has the lane: by then the group has told this instance so, or it has the lane again. */
const FENCED_PAUSE_MS = 3_000;

/** Partition `lane` of every outbox, worked by one instance at a time. Runs until it is closed, through every failure. */
export const startLane = (lane: number, parts: LaneParts): Lane => {
  const { log, metrics } = parts;
  const closing = new AbortController();
  const pace: Pace = { records: MAX_INPUT_RECORDS };
  let session: LaneSession | null = null;

  const run = async () => {
    let pause = RESTART_MS;
    while (!closing.signal.aborted) {
      try {
        session = await openSession(lane, parts, pace);
        pause = RESTART_MS;
        while (!closing.signal.aborted) await session.step();
      } catch (error) {
        const code = errorCode(error);
        if (!closing.signal.aborted) {
          log.warn({ lane, code }, 'The lane stops and starts again from its ledger');
          log.debug({ lane, err: error }, 'What stopped the lane');
          metrics.restarts.inc({ component: 'lane' });
          await delay(code === 'fenced' ? FENCED_PAUSE_MS : pause, null, { signal: closing.signal }).catch(
            () => {},
          );
          pause = Math.min(pause * 2, MAX_RESTART_MS);
        }
      } finally {
        await session?.close();
        session = null;
      }
    }
  };
  const running = run();

  return {
    status: () => ({ open: session !== null, stopped: session?.stopped() ?? [] }),
    close: async () => {
      closing.abort();
      await running;
    },
  };
};

type LaneSession = {
  /** Takes what is waiting, decides it, and writes it in one transaction. */
  step(): Promise<void>;
  stopped(): LaneStatus['stopped'];
  close(): Promise<void>;
};

/** By a clock that nobody sets: with one that is put back by an hour a record would wait for an hour. */
const steady = () => performance.now();

type Hold = { since: number; until: number };

/**
 * How many records are decided at one time: half as many after a transaction that failed, twice as many after one that did not. One that is too large for
 * a slow broker to write in time would otherwise be tried again, as large, for ever.
 */
type Pace = { records: number };

const openSession = async (lane: number, parts: LaneParts, pace: Pace): Promise<LaneSession> => {
  const { kafka, organisations, metrics, log } = parts;
  const admin = await kafka.admin();
  const reader = kafka.reader();
  // Fences whoever worked the lane before: only what is read of the ledger after this is final.
  const writer = await kafka.writer(laneWriter(lane)).catch(async (error) => {
    await Promise.allSettled([reader.close(), admin.close()]);
    throw error;
  });
  const states = new Map<string, PartitionState>();
  const holds = new Map<string, Hold>();
  const retryAt = new Map<string, number>();
  const committed = new Map<string, number>();
  let lastCommit = 0;
  /** One at a time: an earlier one that is tried again must not come after a later one. */
  let showing = false;
  const close = async () => {
    await Promise.allSettled([writer.close(), reader.close(), admin.close()]);
  };

  /** An organisation that is new to this lane, at the start or while it runs. */
  const admit = async (id: string) => {
    const shown = await admin.committedOffsets(EXCHANGE_GROUP, topicsOf(id).outbox);
    const state = await recoverPartition(reader, id, lane, shown.get(lane));
    states.set(id, state);
    if (state.stopped)
      log.error(
        { lane, organisation: id, reason: state.stopped },
        'This partition waits for an operator: its outbox and its ledger do not belong together',
      );
  };

  /** Topics of a new organisation can be known before their leaders are: then it is admitted a moment later. */
  const admitAll = async () => {
    const fresh = organisations
      .all()
      .filter(({ id }) => !states.has(id) && (retryAt.get(id) ?? 0) <= steady());
    await Promise.all(
      fresh.map(({ id }) =>
        admit(id).catch((error) => {
          retryAt.set(id, steady() + HOLD_PAUSE_MS);
          log.debug(
            { lane, organisation: id, code: errorCode(error) },
            'An organisation cannot be admitted yet',
          );
        }),
      ),
    );
  };

  const positions = (): Position[] => {
    const now = steady();
    return [...states.values()]
      .filter(({ organisation, stopped }) => !stopped && (holds.get(organisation)?.until ?? 0) <= now)
      .map(({ organisation, next, gapUntil }) => ({
        topic: topicsOf(organisation).outbox,
        partition: lane,
        offset: gapUntil ?? next,
      }));
  };

  const step = async () => {
    await admitAll();
    const asked = positions();
    if (asked.length === 0) return void (await delay(FETCH_WAIT_MS));
    const fetched = await reader.fetch(asked, {
      maxWaitMs: FETCH_WAIT_MS,
      maxBytes: FETCH_BYTES,
      partitionMaxBytes: PARTITION_BYTES,
    });
    const lost = fetched.find(({ outOfRange }) => outOfRange);
    if (lost)
      throw new RetryableError(
        'out-of-range',
        `The position in ${lost.topic} is not in the log: reading the ledger again`,
      );
    const ruling = parts.rules();
    const until = steady() + MAX_DRAFT_MS;
    const batch: Batch = { lane, parts, ruling, most: pace.records, until, bytes: 0, records: 0 };
    const drafts: Draft[] = [];
    for (const partition of shuffled(fetched)) {
      const state = states.get(partition.topic.slice('outbox.'.length));
      if (state && (partition.records.length > 0 || partition.next > state.next || state.gapUntil !== null))
        drafts.push(await draftPartition(batch, state, partition, holds));
    }
    if (await commit(drafts, ruling)) for (const draft of drafts) apply(draft);
    showPositions();
  };

  const commit = async (drafts: readonly Draft[], ruling: Ruling): Promise<boolean> => {
    const output = drafts.flatMap(({ output }) => output);
    if (output.length === 0) return true;
    const began = performance.now();
    const finish = (outcome: 'committed' | 'aborted') =>
      metrics.transactionDuration.observe({ outcome }, (performance.now() - began) / 1_000);
    try {
      await writer.write(output, () => assertCurrent(parts, ruling));
      finish('committed');
      pace.records = Math.min(2 * pace.records, MAX_INPUT_RECORDS);
      return true;
    } catch (error) {
      finish('aborted');
      pace.records = Math.max(Math.floor(pace.records / 2), 1);
      if (!(error instanceof StaleRulingError)) throw error;
      await delay(20);
      return false;
    }
  };

  const apply = (draft: Draft) => {
    const { state, recent } = draft;
    for (const [id, digest] of recent) {
      state.recent.delete(id);
      state.recent.set(id, digest);
    }
    for (const id of state.recent.keys()) {
      if (state.recent.size <= RECENT_IDS) break;
      state.recent.delete(id);
    }
    Object.assign(state, { next: draft.next, sequence: draft.sequence, head: draft.head, gapUntil: null });
    draft.tally.count(metrics);
    for (const { traceparent: parent, startTime, released, ...attributes } of draft.traced)
      startSpan('decide', {
        kind: 'internal',
        parent,
        startTime,
        attributes: { organisation: state.organisation, lane, ...attributes },
      }).end({ released });
  };

  /** For standard tools and the console; a failure costs nothing, because no position is ever read from there. */
  const showPositions = () => {
    if (showing || Date.now() - lastCommit < COMMIT_EVERY_MS) return;
    // Nothing is shown before the first ledger record: a committed offset beside an empty ledger means a lost one.
    const moved = [...states.values()].filter(
      ({ organisation, next, sequence }) => sequence > 0 && committed.get(organisation) !== next,
    );
    if (moved.length === 0) return;
    lastCommit = Date.now();
    const shown = moved.map(({ organisation, next }) => ({
      topic: topicsOf(organisation).outbox,
      partition: lane,
      offset: next,
    }));
    const positions = moved.map(({ organisation, next }) => [organisation, next] as const);
    showing = true;
    kafka
      .commitOffsets(EXCHANGE_GROUP, shown)
      .then(() => {
        for (const [organisation, next] of positions) committed.set(organisation, next);
      })
      .catch((error) => {
        log.debug({ lane, code: errorCode(error) }, 'Positions could not be shown to standard tools');
      })
      .finally(() => {
        showing = false;
      });
  };

  const settle = async () => {
    const topics = await admin.listTopics();
    return settleLane(writer, reader, lane, {
      organisations: organisations.all().map(({ id }) => id),
      topics,
    });
  };
  const settled = await settle().catch(async (error) => {
    await close();
    throw error;
  });
  if (settled !== 'nothing-open')
    log.warn({ lane, settled }, 'Kafka had forgotten to end the last transaction of this lane');
  await admitAll();
  return {
    step,
    stopped: () =>
      [...states.values()].flatMap(({ organisation, stopped }) =>
        stopped ? [{ organisation, reason: stopped }] : [],
      ),
    close,
  };
};

/** The agreements or what protects people changed, or may have, since the batch was decided: decide it again. */
class StaleRulingError extends Error {}

const assertCurrent = ({ agreements, people }: LaneParts, ruling: Ruling) => {
  if (!agreements.freshWithin(FRESH_MS) || agreements.offset() !== ruling.agreementsOffset)
    throw new StaleRulingError();
  if (!isStill(people, ruling.peopleMark)) throw new StaleRulingError();
};

type Batch = {
  lane: number;
  parts: LaneParts;
  ruling: Ruling;
  /** So many records at most. */
  most: number;
  /** By the steady clock; what is decided by then is written. */
  until: number;
  bytes: number;
  records: number;
};

const isFull = ({ records, most, bytes, until }: Batch): boolean =>
  records >= most || bytes >= MAX_OUTPUT_BYTES || (records > 0 && steady() >= until);

/** What a partition will be once the transaction is committed. */
type Draft = {
  state: PartitionState;
  topics: ReturnType<typeof topicsOf>;
  next: number;
  sequence: number;
  head: Buffer;
  recent: Map<string, string>;
  output: WriterRecord[];
  tally: Tally;
  /** Events whose trace is told once they are committed. */
  traced: Traced[];
};

type Traced = { traceparent: string; event: string; type: string; released: number; startTime: number };

const draftPartition = async (
  batch: Batch,
  state: PartitionState,
  fetched: FetchedPartition,
  holds: Map<string, Hold>,
): Promise<Draft> => {
  const { organisation } = state;
  const draft: Draft = {
    state,
    topics: topicsOf(organisation),
    next: state.next,
    sequence: state.sequence,
    head: state.head,
    recent: new Map(),
    output: [],
    tally: createTally(state.organisation),
    traced: [],
  };
  if (state.gapUntil !== null) recordGap(batch, draft, state.gapUntil);
  for (const record of fetched.records) {
    if (isFull(batch)) return draft;
    const held = holds.get(organisation);
    const verdict = await decideRecord({
      codec: batch.parts.codec,
      views: batch.parts.views,
      ruling: batch.ruling,
      organisation,
      lane: batch.lane,
      record,
      decidedBefore: (id) => draft.recent.get(id) ?? state.recent.get(id),
      heldFor: held ? steady() - held.since : 0,
    });
    if (verdict.kind === 'hold') {
      const since = held?.since ?? steady();
      holds.set(organisation, { since, until: steady() + HOLD_PAUSE_MS });
      if (!held)
        batch.parts.log.warn(
          { lane: batch.lane, organisation, code: verdict.code },
          'A record is held until it can be decided',
        );
      return draft;
    }
    holds.delete(organisation);
    take(batch, draft, record.offset, verdict);
    draft.next = record.offset + 1;
  }
  draft.next = fetched.next;
  return draft;
};

const recordGap = (batch: Batch, draft: Draft, until: number) => {
  const { organisation } = draft.state;
  batch.parts.log.error(
    { lane: batch.lane, organisation, until },
    'Events were deleted from the outbox before they were read',
  );
  chain(batch, draft, { ...common(batch, draft, draft.next), kind: 'gap', until });
  draft.next = until;
  draft.tally.gap();
};

const take = (batch: Batch, draft: Draft, offset: number, verdict: Exclude<Verdict, { kind: 'hold' }>) => {
  if (verdict.kind === 'duplicate') return;
  if (verdict.kind === 'dead-letter') {
    const { reason, valueDigest, letter } = verdict;
    draft.output.push(letter);
    batch.bytes += bytesOf(letter);
    chain(batch, draft, { ...common(batch, draft, offset), kind: 'dead-letter', reason, valueDigest });
    draft.tally.deadLetter(reason);
    return;
  }
  const { event, valueDigest, decisions, releases } = verdict;
  draft.output.push(...releases);
  for (const release of releases) batch.bytes += bytesOf(release);
  chain(batch, draft, {
    ...common(batch, draft, offset),
    kind: 'decision',
    eventId: event.id,
    type: event.type,
    source: event.source,
    tokens: event.tokens,
    otherTokens: event.otherTokens,
    occurredAt: event.time,
    priority: event.priority,
    actBy: event.actBy,
    inResponseTo: event.inResponseTo,
    classification: event.classification,
    valueDigest,
    decisions,
  });
  draft.recent.set(event.id, valueDigest);
  draft.tally.decided(decisions);
  if (isTracing() && event.traceparent !== undefined)
    draft.traced.push({
      traceparent: event.traceparent,
      event: event.id,
      type: event.type,
      released: decisions.filter(({ outcome }) => outcome === 'released').length,
      startTime: Date.now(),
    });
};

const bytesOf = (record: WriterRecord): number =>
  'encoded' in record ? record.encoded.body.length : (record.value?.length ?? 0);

const common = ({ lane, ruling }: Batch, draft: Draft, offset: number) => ({
  sequence: draft.sequence,
  previous: draft.head.toString('base64url'),
  position: { topic: draft.topics.outbox, partition: lane, offset },
  decidedAt: new Date().toISOString(),
  agreementsOffset: ruling.agreementsOffset,
});

const chain = (batch: Batch, draft: Draft, record: LedgerRecord) => {
  const value = encodeLedgerRecord(record);
  draft.output.push({ topic: draft.topics.ledger, partition: batch.lane, value });
  draft.head = headAfter(draft.head, value);
  draft.sequence += 1;
  batch.bytes += value.length;
  batch.records += 1;
};

/** So that a busy outbox that fills every batch cannot starve the others. */
const shuffled = <T>(items: readonly T[]): T[] =>
  items
    .map((item) => ({ item, rank: Math.random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
