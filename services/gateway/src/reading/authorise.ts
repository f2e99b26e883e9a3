import type { WriterSchema } from '@causeway/runtime/avro/codec';
import type { WriterOf } from '@causeway/runtime/avro/schema-lookup';
import { decodeHeaders, type Envelope } from '@causeway/runtime/bus/envelope';
import { evaluate } from '@causeway/runtime/disclosure/delivery-decision';
import { filterFields } from '@causeway/runtime/disclosure/field-filter';
import type { PolicySnapshot } from '@causeway/runtime/disclosure/policy-snapshot';
import { errorCode, isPermanent } from '@causeway/runtime/errors';
import type { FetchedRecord } from '@causeway/runtime/kafka/broker-client';
import type { Logger } from '@causeway/runtime/telemetry/log';
import { positionOf } from '../events/cloud-event.ts';
import { createEventTexts } from '../events/event-text.ts';
import type { Filter } from '../http/query.ts';
import type { Authorisation, Authoriser } from './page.ts';

/** How many records the agreements were asked about, and how many were passed for another reason than the filter. */
export type ReadCounts = { authorised: number; withheld: number; unreadable: number };

/**
 * Decides for one page what becomes of a record, by what is known when the page begins. A record that cannot be read is counted, logged by position and
 * passed, as it must not hold up what comes behind it; while the registry is away nothing is passed.
 */
export const createAuthoriser = (
  { writerOf, log }: { writerOf: WriterOf; log: Logger },
  ruling: PolicySnapshot,
  organisation: string,
  filter: Filter,
  counts: ReadCounts,
): Authoriser => {
  const unreadable = (error: unknown, record: FetchedRecord, partition: number): Authorisation => {
    counts.unreadable += 1;
    const position = positionOf(partition, record.offset);
    log.error(
      { event: 'record.skipped', organisation, position, code: errorCode(error) },
      'unreadable record skipped',
    );
    return { outcome: 'passed' };
  };
  const isAskedFor = ({ type, subject }: Envelope) =>
    (filter.type === undefined || type === filter.type) &&
    (filter.subject === undefined || subject === filter.subject);

  const texts = createEventTexts();

  const decide = (
    event: Envelope,
    { offset, value }: FetchedRecord,
    partition: number,
    writer: WriterSchema,
  ): Authorisation => {
    const bytes = value ?? NOTHING;
    const record = { event, schema: writer.schema, data: () => writer.decode(bytes) };
    const ruled = evaluate(ruling, record, organisation);
    if (ruled.outcome === 'withhold') {
      counts.withheld += 1;
      return { outcome: 'passed' };
    }
    const position = positionOf(partition, offset);
    const json =
      ruled.release === null
        ? texts.whole(ruled.event, position, writer, bytes)
        : texts.of(ruled.event, position, filterFields(record.data(), ruled.release));
    return { outcome: 'event', event: ruled.event, json };
  };

  return (record, partition) => {
    const failed = (error: unknown): Authorisation => {
      if (isPermanent(error)) return unreadable(error, record, partition);
      return {
        outcome: 'blocked',
        error: error instanceof Error ? error : new Error('authorising a record failed'),
      };
    };
    try {
      const event = decodeHeaders(record.headers);
      if (!isAskedFor(event)) return { outcome: 'passed' };
      counts.authorised += 1;
      const writer = writerOf(record.value);
      if (!(writer instanceof Promise)) return decide(event, record, partition, writer);
      return writer.then((found) => decide(event, record, partition, found)).catch(failed);
    } catch (error) {
      return failed(error);
    }
  };
};

const NOTHING = Buffer.alloc(0);
