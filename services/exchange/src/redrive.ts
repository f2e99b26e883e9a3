import { type Loop, startLoop } from '@causeway/runtime/async/run-loop';
import { componentOf, readDeadLetter } from '@causeway/runtime/bus/dead-letter-reader';
import { deliveryRecord, type RedriveResult } from '@causeway/runtime/bus/delivery-log';
import { parseRedrive, type RedriveRequest } from '@causeway/runtime/bus/redrive-request';
import { EXCHANGE_GROUP, LANES, topicsOf } from '@causeway/runtime/bus/topics';
import { isPermanent } from '@causeway/runtime/errors';
import type { FetchedRecord, PlacedRecord, TopicPartition } from '@causeway/runtime/kafka/broker-client';
import type { Kafka } from '@causeway/runtime/kafka/connect';
import type { Reader } from '@causeway/runtime/kafka/reader';
import type { TransactionalProducer } from '@causeway/runtime/kafka/transactional-producer';
import type { Organisations } from '@causeway/runtime/reference-data/organisations';
import type { Logger } from '@causeway/runtime/telemetry/log';
import type { Metrics } from '@causeway/runtime/telemetry/metrics';
import type { LaneNames } from './lane-names.ts';

type Parts = {
  kafka: Kafka;
  names: LaneNames;
  organisations: Pick<Organisations, 'all'>;
  log: Logger;
  metrics: Pick<Metrics, 'loopRestarts'>;
};

const FETCH_WAIT_MS = 500;
const RESTART_MS = 1_000;
const COMPONENT = 'exchange';

/**
 * Follows the redrive requests of all organisations and puts what the exchange itself had refused back into its outbox, where it
 * is decided like any other record. To be run by the instance that has lane 0: its writer fences an earlier one.
 *
 * The record and the result are one transaction; the position is committed after it. A crash between the two repeats a
 * request, and the repeated record is recognised by its event id.
 */
export const startRedriver = (parts: Parts): Loop => {
  let opened: Opened | undefined;
  const letGo = async () => {
    const { writer, reader } = opened ?? {};
    opened = undefined;
    await Promise.allSettled([writer?.close(), reader?.close()]);
  };
  const loop = startLoop({
    name: 'redrive',
    step: async () => {
      opened ??= await open(parts);
      await round(parts, opened);
    },
    onError: letGo,
    retryMs: RESTART_MS,
    log: parts.log,
    metrics: parts.metrics,
  });
  return {
    close: async () => {
      await loop.close();
      await letGo();
    },
  };
};

/** `next`: offset of the next request, by organisation. */
type Opened = { reader: Reader; writer: TransactionalProducer; next: Map<string, number> };

const open = async ({ kafka, names, organisations }: Parts): Promise<Opened> => {
  const writer = await kafka.writer(names.redriveWriter, { visible: true });
  try {
    // Its request may be marked as done already, and a record that comes twice is recognised by its event id.
    await writer.settle(await writtenTo(kafka, organisations), () => true);
  } catch (error) {
    await writer.close();
    throw error;
  }
  return { reader: kafka.reader(), writer, next: new Map() };
};

const round = async ({ kafka, organisations, log }: Parts, { reader, writer, next }: Opened) => {
  for (const { id } of organisations.all())
    if (!next.has(id)) next.set(id, await startOf(kafka, reader, topicsOf(id).redrive));
  const answers = await reader.fetch(
    [...next].map(([id, offset]) => ({ topic: topicsOf(id).redrive, partition: 0, offset })),
    { maxWaitMs: FETCH_WAIT_MS },
  );
  for (const { topic, records, next: position, outOfRange } of answers) {
    const organisation = topic.slice('redrive.'.length);
    if (outOfRange) next.delete(organisation);
    for (const record of records) {
      const output = await answer(reader, organisation, record, log);
      await writer.write(output);
      await kafka.commitOffsets(EXCHANGE_GROUP, [{ topic, partition: 0, offset: record.offset + 1 }]);
    }
    if (!outOfRange) next.set(organisation, position);
  }
};

const writtenTo = async (kafka: Kafka, organisations: Parts['organisations']): Promise<TopicPartition[]> => {
  const admin = await kafka.admin();
  try {
    const made = new Set(await admin.listTopics());
    return organisations
      .all()
      .flatMap(({ id }) => [topicsOf(id).outbox, topicsOf(id).deliveries])
      .filter((topic) => made.has(topic))
      .flatMap((topic) => Array.from({ length: LANES }, (_, partition) => ({ topic, partition })));
  } finally {
    await admin.close();
  }
};

const startOf = async (kafka: Kafka, reader: Reader, topic: string): Promise<number> => {
  const admin = await kafka.admin();
  try {
    const committed = await admin.committedOffsets(EXCHANGE_GROUP, topic);
    const [bounds] = await reader.bounds(topic, [0]);
    return Math.max(committed.get(0) ?? 0, bounds?.start ?? 0);
  } finally {
    await admin.close();
  }
};

const answer = async (
  reader: Reader,
  organisation: string,
  record: FetchedRecord,
  log: Logger,
): Promise<PlacedRecord[]> => {
  let request: RedriveRequest;
  try {
    request = parseRedrive(record.value);
  } catch (error) {
    if (!isPermanent(error)) throw error;
    log.error(
      { event: 'record.skipped', organisation, offset: record.offset },
      'Unreadable redrive request skipped',
    );
    return [];
  }
  const letter = await readDeadLetter(reader, organisation, request.deadLetter);
  // What other components gave up is theirs to redrive; only what does not exist is answered for all.
  if (letter && componentOf(letter) !== COMPONENT) return [];
  const back = letter ? asItCame(organisation, letter) : null;
  const result: RedriveResult = {
    kind: 'redrive',
    request: request.id,
    deadLetter: request.deadLetter,
    component: COMPONENT,
    outcome: back ? 'published' : letter ? 'refused' : 'not-found',
    code: back ? 'ok' : letter ? 'not-whole' : 'not-kept',
    at: new Date().toISOString(),
  };
  return [...(back ? [back] : []), { partition: 0, ...deliveryRecord(organisation, result) }];
};

/** The outbox record as it was; null where only its beginning was kept or it does not say where it came from. */
const asItCame = (organisation: string, { key, value, headers }: FetchedRecord): PlacedRecord | null => {
  const [topic, lane] = String(headers['dl-origin']).split('/');
  const { outbox } = topicsOf(organisation);
  const partition = Number(lane);
  const known = topic === outbox && Number.isInteger(partition) && partition >= 0 && partition < LANES;
  if (!known || headers['dl-length']) return null;
  const own = Object.entries(headers).filter(
    (entry): entry is [string, Buffer] => entry[1] !== undefined && !entry[0].startsWith('dl-'),
  );
  return { topic: outbox, partition, key, value, headers: Object.fromEntries(own) };
};
