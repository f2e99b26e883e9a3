import { organisationOf } from '@causeway/runtime/bus/envelope';
import type { FetchedPartition, FetchedRecord } from '@causeway/runtime/kafka/broker-client';
import { type DecisionRecord, parseLedgerRecord } from '@causeway/runtime/ledger/ledger-record';
import { isEventId, isWord, timeOf } from './checks.ts';

type JourneyRow = {
  source: string;
  event_id: string;
  recipient: string;
  type: string;
  partition: number;
  agreements: string[];
  priority: string | null;
  act_by: string | null;
  occurred_at: string | null;
  released_at: string;
};
export type FlowRow = {
  at: string;
  source: string;
  /** Which of the source's systems sent it; empty where that is not said. */
  system: string;
  recipient: string;
  type: string;
  outcome: string;
  events: number;
};
/** The outcome of a journey. `leg`: delivered, acknowledged, overdue, or why it ended without delivery. */
export type OutcomeRow = {
  source: string;
  event_id: string;
  recipient: string;
  leg: 'delivered' | 'acknowledged' | 'overdue' | 'withheld' | 'dead-letter' | 'lost';
  at: string;
};
export type LedgerRows = { journeys: JourneyRow[]; flow: FlowRow[]; outcomes: OutcomeRow[] };

const FLOW_STEP_MS = 10_000;
const ACKNOWLEDGEMENT = 'uk.causeway.exchange.acknowledgement.recorded.v1';
export const OVERDUE = 'uk.causeway.exchange.delivery.overdue.v1';
/** In `flow`, the recipient of the row that counts an event once, whoever got it. */
export const NOBODY = '';

/** What fetched ledger records say of journeys. Records that cannot be read are for the ledger's verifier to judge. */
export function ledgerRows(fetched: readonly FetchedPartition[]): LedgerRows {
  const rows: LedgerRows = { journeys: [], flow: [], outcomes: [] };
  const flow = new Map<string, FlowRow>();
  const count = (at: string, record: DecisionRecord, source: string, recipient: string, outcome: string) => {
    const system = systemOf(record.source);
    const key = [at, source, system, recipient, record.type, outcome].join(' ');
    const row = flow.get(key);
    if (row) row.events += 1;
    else flow.set(key, { at, source, system, recipient, type: record.type, outcome, events: 1 });
  };
  for (const { records, partition } of fetched) {
    for (const fetchedRecord of records) {
      const record = decisionIn(fetchedRecord);
      const source = record && organisationOf(record.source);
      if (!record || !source) continue;
      const releasedAt = new Date(fetchedRecord.timestamp).toISOString();
      const slot = new Date(Math.floor(fetchedRecord.timestamp / FLOW_STEP_MS) * FLOW_STEP_MS).toISOString();
      count(slot, record, source, NOBODY, 'decided');
      for (const decision of record.decisions) {
        const { recipient, outcome } = decision;
        count(
          slot,
          record,
          source,
          recipient,
          outcome === 'released' ? outcome : (decision.reason ?? 'withheld'),
        );
        if (outcome === 'released')
          rows.journeys.push(
            journeyOf(record, source, recipient, partition, decision.agreements, releasedAt),
          );
      }
      const answer = answerOf(record, source, releasedAt);
      if (answer) rows.outcomes.push(answer);
    }
  }
  rows.flow = [...flow.values()];
  return rows;
}

/** The part of an event's `source` after its organisation: `/westshire-council/housing` is of `housing`. */
function systemOf(source: string): string {
  const system = source.split('/').slice(2).join('/');
  return isWord(system) ? system : '';
}

function decisionIn({ value }: FetchedRecord): DecisionRecord | undefined {
  try {
    const record = value === null ? undefined : parseLedgerRecord(value);
    if (record?.kind !== 'decision' || !isEventId(record.eventId) || !isWord(record.type)) return undefined;
    return Array.isArray(record.decisions) && record.decisions.every(({ recipient }) => isWord(recipient))
      ? record
      : undefined;
  } catch {
    return undefined;
  }
}

function journeyOf(
  record: DecisionRecord,
  source: string,
  recipient: string,
  partition: number,
  agreements: string[],
  releasedAt: string,
): JourneyRow {
  return {
    source,
    event_id: record.eventId,
    recipient,
    type: record.type,
    partition,
    agreements,
    priority: record.priority ?? null,
    act_by: timeOf(record.actBy) ?? null,
    occurred_at: timeOf(record.occurredAt) ?? null,
    released_at: releasedAt,
  };
}

/** An acknowledgement, or the notice that a delivery is overdue, belongs to the journey of the event that it answers. */
function answerOf(record: DecisionRecord, answering: string, at: string): OutcomeRow | undefined {
  const leg = { [ACKNOWLEDGEMENT]: 'acknowledged', [OVERDUE]: 'overdue' }[record.type] as
    | OutcomeRow['leg']
    | undefined;
  const [, source, eventId] = record.inResponseTo?.split('/') ?? [];
  if (!leg || !isWord(source) || !isEventId(eventId)) return undefined;
  return { source, event_id: eventId, recipient: answering, leg, at };
}
