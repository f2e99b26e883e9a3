import { organisationOf } from '@causeway/runtime/bus/envelope';
import type { FetchedPartition } from '@causeway/runtime/kafka/broker-client';
import { type DecisionRecord, parseLedgerRecord } from '@causeway/runtime/ledger/ledger-record';

/** Rows of the index, named as the columns are. */
export type DisclosureRows = {
  events: object[];
  persons: object[];
  disclosures: object[];
  agreements: object[];
};

/**
 * What fetched ledger partitions say. Records that cannot be read, or do not have their form, are for the ledger's verifier to
 * judge and have no rows.
 */
export function rowsOf(fetched: readonly (FetchedPartition & { chain: number })[]): DisclosureRows {
  const rows: DisclosureRows = { events: [], persons: [], disclosures: [], agreements: [] };
  for (const { chain, records } of fetched)
    for (const { value } of records) {
      const record = value === null ? undefined : decisionIn(value);
      if (record) add(rows, chain, record);
    }
  return rows;
}

function decisionIn(value: Buffer): DecisionRecord | undefined {
  try {
    const record = parseLedgerRecord(value);
    return record.kind === 'decision' && hasForm(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

/** PostgreSQL takes no zero byte in a text: one such record would stop the index permanently. */
const isText = (value: unknown): value is string => typeof value === 'string' && !value.includes('\0');

function hasForm(record: DecisionRecord): boolean {
  const { sequence, eventId, type, source, decidedAt, tokens, otherTokens, decisions } = record;
  return (
    Number.isSafeInteger(sequence) &&
    [eventId, type, source].every(isText) &&
    !Number.isNaN(Date.parse(decidedAt)) &&
    [...tokens, ...otherTokens].every(isText) &&
    decisions.every(
      ({ recipient, outcome, agreements }) =>
        isText(recipient) && isText(outcome) && agreements.every(isText),
    )
  );
}

function add(rows: DisclosureRows, chain: number, record: DecisionRecord): void {
  const { sequence, decidedAt, tokens, otherTokens } = record;
  const place = { chain, sequence };
  rows.events.push({
    ...place,
    event_id: record.eventId,
    type: record.type,
    organisation: organisationOf(record.source),
    occurred_at: record.occurredAt ?? null,
    decided_at: decidedAt,
    classification: record.classification,
    value_digest: record.valueDigest,
    position: record.position.offset,
  });
  for (const token of new Set(tokens)) rows.persons.push({ ...place, token, other: false });
  for (const token of new Set(otherTokens))
    if (!tokens.includes(token)) rows.persons.push({ ...place, token, other: true });
  for (const decision of record.decisions) {
    const { recipient, outcome, reason, agreements, viewId, valueDigest } = decision;
    rows.disclosures.push({
      ...place,
      recipient,
      outcome,
      reason: reason ?? null,
      agreements,
      view_id: viewId ?? null,
      value_digest: valueDigest ?? null,
      decided_at: decidedAt,
    });
    for (const agreement of new Set(agreements))
      rows.agreements.push({ ...place, agreement, recipient, decided_at: decidedAt });
  }
}
