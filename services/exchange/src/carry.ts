import { type Envelope, encodeHeaders } from '@causeway/runtime/bus/envelope';
import { headerPairs } from '@causeway/runtime/kafka/append';
import type { WriterRecord } from '@causeway/runtime/kafka/transactional-producer';
import { encodeRecord, valueOffset } from '@causeway/runtime/kafka/transactional-producer';
import { digestOf } from '@causeway/runtime/ledger/ledger-record';
import type { Carriage } from './views.ts';

export type Carried = {
  record: WriterRecord;
  /** SHA-256 of the released value, base64url. */
  valueDigest: string;
};

/** What recipients of one shape and the same headers have in common: their records differ in the schema id only. */
type Parcel = { shape: number; headers: string; value: Buffer; body: Buffer; idAt: number };

/** Attributes that tell of other events (the case chain, an answer to somebody else), and what each recipient has of its own. */
const STAYS_BEHIND = { correlationId: undefined, inResponseTo: undefined, match: undefined, agreement: [] };

const SCHEMA_ID_AT = 1;

/**
 * Carries out the releases of one event: from a recipient's carriage and the headers that only this recipient gets to its inbox
 * record. Projected, encoded and laid out once for all who get the same.
 * @throws PermanentError `undecodable`, `cannot-project`
 */
export const createCarrier = (event: Envelope, value: Buffer, lane: number) => {
  const parcels: Parcel[] = [];
  let shared: ReturnType<typeof headerPairs> | null = null;

  const pack = ({ view, project }: Carriage, own: Record<string, string>, headers: string): Parcel => {
    shared ??= headerPairs(encodeHeaders({ ...event, ...STAYS_BEHIND }, 'inbox'));
    const record = {
      key: Buffer.from(event.subject),
      value: project(value),
      headers: [...shared, ...headerPairs(own)],
    };
    const parcel = {
      shape: view.shape,
      headers,
      value: record.value,
      body: encodeRecord(record).body,
      idAt: valueOffset(record) + SCHEMA_ID_AT,
    };
    parcels.push(parcel);
    return parcel;
  };

  return (carriage: Carriage, own: Record<string, string>): Carried => {
    const { view } = carriage;
    const headers = textOf(own);
    const parcel =
      parcels.find((known) => known.shape === view.shape && known.headers === headers) ??
      pack(carriage, own, headers);
    parcel.value.writeInt32BE(view.id, SCHEMA_ID_AT);
    return {
      valueDigest: digestOf(parcel.value),
      record: {
        topic: view.inbox,
        // One lane writes one partition of every inbox, so the order of a subject is that of its outbox.
        partition: lane,
        encoded: { body: parcel.body, stamp: { at: parcel.idAt, number: view.id } },
      },
    };
  };
};

/** No value of a header has a line break, so different headers have different texts. */
const textOf = (headers: Record<string, string>): string => {
  let text = '';
  for (const name of Object.keys(headers)) text += `${name} ${headers[name]}\n`;
  return text;
};
