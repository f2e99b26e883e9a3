import { LONG_AGO } from '@causeway/runtime/async/monotonic-clock';
import type { Codec } from '@causeway/runtime/avro/codec';
import { createWriterOf } from '@causeway/runtime/avro/schema-lookup';
import { type Envelope, encodeHeaders } from '@causeway/runtime/bus/envelope';
import { createPolicySnapshots } from '@causeway/runtime/disclosure/policy-snapshot';
import { rulebookOf } from '@causeway/runtime/disclosure/release-decision';
import type { FetchedRecord } from '@causeway/runtime/kafka/broker-client';
import type { TransactionalRecord } from '@causeway/runtime/kafka/transactional-producer';
import type { Organisation } from '@causeway/runtime/reference-data/organisations';
import type { People } from '@causeway/runtime/reference-data/people';
import { createLogger } from '@causeway/runtime/telemetry/log';
import type { AgreementsState } from '@causeway/schemas/agreements/log';
import { type DraftedDecision, decideRecord } from '../../../../services/exchange/src/decide-record.ts';
import type { Views } from '../../../../services/exchange/src/views.ts';
import { createAuthoriser } from '../../../../services/gateway/src/reading/authorise.ts';
import { decodeBatches } from '../../../../services/runtime/src/kafka/protocol/record-batch-decoder.ts';
import { encodeRecordBatch } from '../../../../services/runtime/src/kafka/protocol/record-batch-encoder.ts';
import { SOURCE } from './agreements.ts';

const TODAY = '2026-06-01';

const organisation = (id: string): Organisation => ({
  id,
  name: id,
  kind: 'other',
  handlingAccepted: [],
  dutyContacts: [],
});

export type World = { codec: Codec; views: Views; people: People };

/** One record of an outbox on the way that the exchange takes it. */
export const decideOne = (
  { codec, views, people }: World,
  state: AgreementsState,
  event: Envelope,
  value: Buffer,
  extra: Record<string, string>,
): Promise<DraftedDecision> => {
  const texts = { ...encodeHeaders(event, 'outbox'), ...extra };
  const headers = Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, Buffer.from(text)]));
  return decideRecord({
    codec,
    views,
    organisation: SOURCE,
    lane: 0,
    record: { offset: 0, timestamp: 0, key: Buffer.from(event.subject), value, headers },
    decidedBefore: () => undefined,
    heldFor: 0,
    inputs: {
      rules: rulebookOf(state),
      agreementsOffset: 0,
      organisation,
      people,
      peopleMark: { revision: 0, freshAt: LONG_AGO },
      today: TODAY,
    },
  });
};

/** The bytes of an inbox record as they are in the log, and the record as a reader gets it. */
export const stored = async (
  release: TransactionalRecord,
): Promise<{ bytes: string; record: FetchedRecord }> => {
  if (!('encoded' in release)) throw new Error(`${release.topic} is not an inbox`);
  const bytes = encodeRecordBatch([release.encoded], {
    timestamp: 0,
    producerId: 1n,
    producerEpoch: 0,
    firstSequence: 0,
    transactional: true,
  });
  const [batch] = decodeBatches(bytes);
  const [record] = (await batch?.records()) ?? [];
  if (record === undefined) throw new Error('no record');
  return { bytes: bytes.toString('latin1'), record };
};

const lines: string[] = [];
const log = createLogger('test', 'trace', { write: (line: string) => void lines.push(line) });
const now = () => Date.parse(`${TODAY}T12:00:00Z`);

/** What the gateway answers for a record, and what it logs. */
export const handedOver = async (
  { codec, people }: World,
  state: AgreementsState,
  record: FetchedRecord,
  recipient: string,
): Promise<{ json: string | null; log: string }> => {
  const fresh = { freshWithin: () => true };
  const rulings = createPolicySnapshots(
    {
      agreements: { state: () => state, offset: () => 0, ...fresh },
      organisations: { get: organisation, ...fresh },
      safeguards: { ...people.safeguards, ...fresh, freshAt: () => LONG_AGO, revision: () => 0 },
    },
    now,
  );
  const authorise = createAuthoriser(
    { writerOf: createWriterOf(codec, now), log },
    rulings.current(),
    recipient,
    { type: undefined, subject: undefined },
    { authorised: 0, withheld: 0, unreadable: 0 },
  );
  const authorised = await authorise(record, 0);
  if (authorised.outcome === 'blocked') throw authorised.error;
  return {
    json: authorised.outcome === 'event' ? authorised.json.toString() : null,
    log: lines.splice(0).join(''),
  };
};
