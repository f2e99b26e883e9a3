import { setTimeout as delay } from 'node:timers/promises';
import type { Codec } from '@causeway/runtime/avro/codec';
import { EXCHANGE_GROUP, topicsOf } from '@causeway/runtime/bus/topics';
import { isCurrent } from '@causeway/runtime/disclosure/policy-snapshot';
import { errorCode, RetryableError } from '@causeway/runtime/errors';
import type { FetchedPartition, Position } from '@causeway/runtime/kafka/broker-client';
import type { Admin, Kafka } from '@causeway/runtime/kafka/connect';
import type { Reader } from '@causeway/runtime/kafka/reader';
import type { TransactionalProducer } from '@causeway/runtime/kafka/transactional-producer';
import { type Agreements, FRESH_MS } from '@causeway/runtime/reference-data/agreements';
import type { Organisations } from '@causeway/runtime/reference-data/organisations';
import type { TopicFollower } from '@causeway/runtime/reference-data/topic-follower';
import type { Logger } from '@causeway/runtime/telemetry/log';
import type { Metrics } from '@causeway/runtime/telemetry/metrics';
import { startSpan } from '@causeway/runtime/telemetry/tracing';
import { countBatch } from './batch-metrics.ts';
import { decideRecord } from './decide-record.ts';
import { applyDraft, type Batch, type Draft, draftBatch } from './draft.ts';
import { createHeldPartitions, HOLD_PAUSE_MS } from './held-partitions.ts';
import type { LaneNames } from './lane-names.ts';
import type { PolicyInputs } from './policy-inputs.ts';
import { type PartitionState, recoverPartition } from './recover.ts';
import { resolveHangingTransactions } from './resolve-hanging-transactions.ts';
import { createOffsetDisplay } from './show-offsets.ts';
import type { Views } from './views.ts';

export type LaneParts = {
  kafka: Kafka;
  names: LaneNames;
  codec: Codec;
  views: Views;
  policyInputs: () => PolicyInputs;
  agreements: Agreements;
  organisations: Pick<Organisations, 'all'>;
  people: Pick<TopicFollower, 'freshAt' | 'freshWithin' | 'revision'>;
  log: Logger;
  metrics: Metrics;
};

export type StoppedPartition = { organisation: string; reason: string };

export type LaneSession = {
  /** Takes what is waiting, decides it, and writes it in one transaction. */
  step(): Promise<void>;
  stopped(): StoppedPartition[];
  close(): Promise<void>;
};

/**
 * How many records are decided at one time: half as many after a transaction that failed, twice as many after one that did not. One that is too large for
 * a slow broker to write in time would otherwise be tried again, as large, without end.
 */
export type Pace = { records: number };

export const MAX_INPUT_RECORDS = 500;
const FETCH_WAIT_MS = 100;
const FETCH_LIMITS = { maxWaitMs: FETCH_WAIT_MS, maxBytes: 1_048_576, partitionMaxBytes: 262_144 };
/** Views that are new are asked of the registry one after the other: what is decided does not wait for all of them. */
const MAX_DRAFT_MS = 500;
const STALE_PAUSE_MS = 20;

/** By a clock that is never set. */
const steady = () => performance.now();

type Connections = { admin: Admin; reader: Reader; writer: TransactionalProducer; close(): Promise<void> };

const connect = async (lane: number, { kafka, names }: LaneParts): Promise<Connections> => {
  const admin = await kafka.admin();
  const reader = kafka.reader();
  // Fences the session before, on whatever instance: only what is read of the ledger after this is final.
  const writer = await kafka.writer(names.writer(lane)).catch(async (error) => {
    await Promise.allSettled([reader.close(), admin.close()]);
    throw error;
  });
  const close = async () => {
    await Promise.allSettled([writer.close(), reader.close(), admin.close()]);
  };
  return { admin, reader, writer, close };
};

/**
 * One run of a lane, until it fails. Everything that it knows it reads from the ledgers when it opens.
 * @throws RetryableError when Kafka is away, or an error with the code `fenced` or `connection-lost`
 */
export const openSession = async (lane: number, parts: LaneParts, pace: Pace): Promise<LaneSession> => {
  const { organisations, metrics, log } = parts;
  const connections = await connect(lane, parts);
  const { reader, writer, close } = connections;
  const states = new Map<string, PartitionState>();
  const admitAll = createAdmission(lane, connections, parts, states);
  const held = createHeldPartitions(lane, log, steady);
  const showOffsets = createOffsetDisplay(parts.kafka, lane, log);

  const positions = (): Position[] =>
    [...states.values()]
      .filter(({ organisation, stopped }) => !stopped && !held.isPaused(organisation))
      .map(({ organisation, next, gapUntil }) => ({
        topic: topicsOf(organisation).outbox,
        partition: lane,
        offset: gapUntil ?? next,
      }));

  const decideBy =
    (inputs: PolicyInputs): Batch['decide'] =>
    async (organisation, record, decidedBefore) => {
      const { codec, views } = parts;
      const heldFor = held.heldFor(organisation);
      const verdict = await decideRecord({
        ...{ codec, views, inputs, organisation, lane, record, decidedBefore, heldFor },
      });
      if (verdict.kind === 'hold') held.hold(organisation, verdict.code);
      else held.release(organisation);
      return verdict;
    };

  const draft = (fetched: readonly FetchedPartition[], inputs: PolicyInputs): Promise<Draft[]> => {
    const until = steady() + MAX_DRAFT_MS;
    const known = shuffled(fetched).flatMap((partition) => {
      const state = states.get(partition.topic.slice('outbox.'.length));
      return state ? [{ state, partition }] : [];
    });
    for (const { state } of known)
      if (state.gapUntil !== null)
        log.error(
          { event: 'outbox.gap', lane, organisation: state.organisation, until: state.gapUntil },
          'Events were deleted from the outbox before they were read',
        );
    const { agreementsOffset } = inputs;
    const isLate = () => steady() >= until;
    return draftBatch(
      { lane, agreementsOffset, most: pace.records, isLate, decide: decideBy(inputs) },
      known,
    );
  };

  /** Resolves with false where the batch has to be decided again. */
  const commit = async (drafts: readonly Draft[], inputs: PolicyInputs): Promise<boolean> => {
    const output = drafts.flatMap((one) => one.output);
    if (output.length === 0) return true;
    const began = performance.now();
    const finish = (outcome: 'committed' | 'aborted') =>
      metrics.transactionDuration.observe({ outcome }, (performance.now() - began) / 1_000);
    try {
      await writer.write(output, () => assertCurrent(parts, inputs));
      finish('committed');
      pace.records = Math.min(2 * pace.records, MAX_INPUT_RECORDS);
      return true;
    } catch (error) {
      finish('aborted');
      pace.records = Math.max(Math.floor(pace.records / 2), 1);
      if (!(error instanceof StalePolicyError)) throw error;
      await delay(STALE_PAUSE_MS);
      return false;
    }
  };

  const apply = (draft: Draft) => {
    const { organisation } = draft.state;
    applyDraft(draft);
    countBatch(metrics, organisation, draft.ledger);
    for (const { traceparent: parent, startTime, released, ...attributes } of draft.traced)
      startSpan('decide', {
        kind: 'internal',
        parent,
        startTime,
        attributes: { organisation, lane, ...attributes },
      }).end({ released });
  };

  const resolveHanging = async () => {
    const topics = await connections.admin.listTopics();
    const ids = organisations.all().map(({ id }) => id);
    const settled = await resolveHangingTransactions(writer, reader, lane, { organisations: ids, topics });
    if (settled !== 'nothing-open')
      log.warn({ event: 'transaction.recovered', lane, settled }, 'Hanging transaction of the lane ended');
  };
  await resolveHanging().catch(async (error) => {
    await close();
    throw error;
  });
  await admitAll();

  return {
    step: async () => {
      await admitAll();
      const asked = positions();
      if (asked.length === 0) return void (await delay(FETCH_WAIT_MS));
      const fetched = await reader.fetch(asked, FETCH_LIMITS);
      const lost = fetched.find(({ outOfRange }) => outOfRange);
      if (lost)
        throw new RetryableError(
          'out-of-range',
          `The position in ${lost.topic} is not in the log: reading the ledger again`,
        );
      const inputs = parts.policyInputs();
      const drafts = await draft(fetched, inputs);
      if (await commit(drafts, inputs)) drafts.forEach(apply);
      showOffsets(states.values());
    },
    stopped: () =>
      [...states.values()].flatMap(({ organisation, stopped }) =>
        stopped ? [{ organisation, reason: stopped }] : [],
      ),
    close,
  };
};

/** Takes in organisations that are new to this lane, at the start or while it runs. */
const createAdmission = (
  lane: number,
  { admin, reader }: Connections,
  { organisations, log }: LaneParts,
  states: Map<string, PartitionState>,
) => {
  const retryAt = new Map<string, number>();
  const admit = async (id: string) => {
    const shown = await admin.committedOffsets(EXCHANGE_GROUP, topicsOf(id).outbox);
    const state = await recoverPartition(reader, id, lane, shown.get(lane));
    states.set(id, state);
    if (state.stopped)
      log.error(
        { event: 'partition.stopped', lane, organisation: id, reason: state.stopped },
        'This partition waits for an operator: its outbox and its ledger do not belong together',
      );
  };
  /** Topics of a new organisation can be known before their leaders are: then it is admitted a moment later. */
  const postpone = (id: string, error: unknown) => {
    retryAt.set(id, steady() + HOLD_PAUSE_MS);
    log.debug({ lane, organisation: id, code: errorCode(error) }, 'An organisation cannot be admitted yet');
  };
  return async (): Promise<void> => {
    const fresh = organisations
      .all()
      .filter(({ id }) => !states.has(id) && (retryAt.get(id) ?? 0) <= steady());
    await Promise.all(fresh.map(({ id }) => admit(id).catch((error) => postpone(id, error))));
  };
};

/** The agreements or what protects people changed, or may have, since the batch was decided: decide it again. */
class StalePolicyError extends Error {}

const assertCurrent = ({ agreements, people }: LaneParts, inputs: PolicyInputs) => {
  if (!agreements.freshWithin(FRESH_MS) || agreements.offset() !== inputs.agreementsOffset)
    throw new StalePolicyError();
  if (!isCurrent(people, inputs.peopleMark)) throw new StalePolicyError();
};

/** So that a busy outbox that fills every batch cannot starve the others. */
const shuffled = <T>(items: readonly T[]): T[] =>
  items
    .map((item) => ({ item, rank: Math.random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
