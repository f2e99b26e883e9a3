import { type Envelope, encodeHeaders } from '@causeway/runtime/bus/envelope';
import { headerPairs } from '@causeway/runtime/kafka/append';
import type { TransactionalRecord } from '@causeway/runtime/kafka/transactional-producer';
import { encodeRecord, valueOffset } from '@causeway/runtime/kafka/transactional-producer';
import { digestOf } from '@causeway/runtime/ledger/ledger-record';
import type { ViewProjection } from './views.ts';

type EncodedRelease = {
  record: TransactionalRecord;
  /** SHA-256 of the released value, base64url. */
  valueDigest: string;
};

/** What recipients of one shape and the same headers have in common: their records differ in the schema id only. */
type SharedRelease = { shape: number; headers: string; value: Buffer; body: Buffer; idAt: number };

/** Attributes that tell of other events (the case chain, an answer to another organisation), and what each recipient has of its own. */
const STAYS_BEHIND = { correlationId: undefined, inResponseTo: undefined, match: undefined, agreement: [] };

const SCHEMA_ID_AT = 1;

/**
 * Encodes the releases of one event: from the projection to a recipient's view, and the headers that only this recipient gets, to its
 * inbox record. Projected and encoded once for all who get the same.
 * @throws PermanentError `undecodable`, `cannot-project`
 */
export const createReleaseEncoder = (event: Envelope, value: Buffer, lane: number) => {
  const encoded: SharedRelease[] = [];
  let shared: ReturnType<typeof headerPairs> | null = null;

  const encodeNew = (
    { view, project }: ViewProjection,
    own: Record<string, string>,
    headers: string,
  ): SharedRelease => {
    shared ??= headerPairs(encodeHeaders({ ...event, ...STAYS_BEHIND }, 'inbox'));
    const record = {
      key: Buffer.from(event.subject),
      value: project(value),
      headers: [...shared, ...headerPairs(own)],
    };
    const release = {
      shape: view.shape,
      headers,
      value: record.value,
      body: encodeRecord(record).body,
      idAt: valueOffset(record) + SCHEMA_ID_AT,
    };
    encoded.push(release);
    return release;
  };

  return (projection: ViewProjection, own: Record<string, string>): EncodedRelease => {
    const { view } = projection;
    const headers = textOf(own);
    const release =
      encoded.find((known) => known.shape === view.shape && known.headers === headers) ??
      encodeNew(projection, own, headers);
    release.value.writeInt32BE(view.id, SCHEMA_ID_AT);
    return {
      valueDigest: digestOf(release.value),
      record: {
        topic: view.inbox,
        // One lane writes one partition of every inbox, so the order of a subject is that of its outbox.
        partition: lane,
        encoded: { body: release.body, stamp: { at: release.idAt, number: view.id } },
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
