import type {
  AttemptRecord,
  DeliveryRecord,
  PageRecord,
  RedriveResult,
} from '@causeway/runtime/bus/delivery-log';
import { organisationOf } from '@causeway/runtime/bus/envelope';
import { reasonSeenBy } from '@causeway/runtime/disclosure/release-decision';
import type { FetchedPartition } from '@causeway/runtime/kafka/broker-client';
import { isCount, isEventId, isWord, timeOf } from './checks.ts';
import type { OutcomeRow } from './ledger-rows.ts';

export type AttemptRow = {
  organisation: string;
  name: string;
  partition: number;
  position: string;
  source: string | null;
  event_id: string | null;
  type: string | null;
  at: string;
  code: string;
  attempts: number;
  /** Will be tried again. */
  open: boolean;
};
/** A pulling client has everything up to this offset of its inbox. */
export type PageRow = { organisation: string; name: string; partition: number; last: number; at: string };
export type RedriveRow = {
  organisation: string;
  id: string;
  /** Not said by records of before. */
  dead_letter: number | null;
  /** Who asked, where that was not done here. */
  by: string | null;
  outcome: string;
  code: string;
  at: string;
};
export type DeliveryRows = {
  attempts: AttemptRow[];
  pages: PageRow[];
  redrives: RedriveRow[];
  outcomes: OutcomeRow[];
};

const POSITION = /^(\d{1,4})-(\d{1,15})$/;
const ENDS: Partial<Record<AttemptRecord['outcome'], OutcomeRow['leg']>> = {
  delivered: 'delivered',
  withheld: 'withheld',
  refused: 'dead-letter',
  'gave-up': 'dead-letter',
  undecodable: 'dead-letter',
  lost: 'lost',
};

/** What fetched records of `deliveries.<organisation>` say. Malformed records are skipped. */
export function deliveryRows(fetched: readonly FetchedPartition[]): DeliveryRows {
  const rows: DeliveryRows = { attempts: [], pages: [], redrives: [], outcomes: [] };
  for (const { topic, records } of fetched) {
    const organisation = topic.slice('deliveries.'.length);
    for (const { value } of records) {
      const record = parse(value);
      if (record?.kind === 'attempt') addAttempt(rows, organisation, record);
      if (record?.kind === 'page') addPage(rows, organisation, record);
      if (record?.kind === 'redrive') addRedrive(rows, organisation, record);
    }
  }
  return rows;
}

function parse(value: Buffer | null): DeliveryRecord | undefined {
  try {
    const record = JSON.parse(value?.toString('utf8') ?? '') as DeliveryRecord | null;
    return typeof record === 'object' && record !== null ? record : undefined;
  } catch {
    return undefined;
  }
}

function addAttempt(rows: DeliveryRows, organisation: string, record: AttemptRecord): void {
  const at = timeOf(record.at);
  const position = POSITION.exec(record.position);
  if (!at || !position || !isWord(record.subscription) || !isWord(record.code)) return;
  const source = isWord(record.source) ? organisationOf(record.source) : null;
  const eventId = isEventId(record.event) ? record.event : null;
  // That the source has restricted an event is for the source alone: here a recipient's side is kept.
  const code = reasonSeenBy(organisation, source ?? '', record.code) ?? 'withheld';
  rows.attempts.push({
    organisation,
    name: record.subscription,
    partition: Number(position[1]),
    position: record.position,
    source,
    event_id: eventId,
    type: isWord(record.type) ? record.type : null,
    at,
    code,
    attempts: isCount(record.attempt) ? record.attempt : 0,
    open: record.outcome === 'retry' || record.outcome === 'unreachable',
  });
  const leg = ENDS[record.outcome];
  if (leg && source && eventId)
    rows.outcomes.push({ source, event_id: eventId, recipient: organisation, leg, at });
  if (leg && isWord(record.redrive))
    rows.redrives.push({
      organisation,
      id: record.redrive,
      dead_letter: offsetIn(record.deadLetter),
      by: null,
      outcome: record.outcome,
      code,
      at,
    });
}

function addPage(rows: DeliveryRows, organisation: string, record: PageRecord): void {
  const at = timeOf(record.at);
  if (!at || !isWord(record.client) || !Array.isArray(record.events)) return;
  for (const { last } of record.events) {
    const position = POSITION.exec(last);
    if (!position) continue;
    const [partition, offset] = [Number(position[1]), Number(position[2])];
    rows.pages.push({ organisation, name: record.client, partition, last: offset, at });
  }
}

function addRedrive(rows: DeliveryRows, organisation: string, record: RedriveResult): void {
  const at = timeOf(record.at);
  if (!at || !isWord(record.request) || !isWord(record.outcome) || !isWord(record.code)) return;
  rows.redrives.push({
    organisation,
    id: record.request,
    dead_letter: offsetIn(record.deadLetter),
    by: isWord(record.by) ? record.by : null,
    outcome: record.outcome,
    code: record.code,
    at,
  });
}

const offsetIn = (value: unknown): number | null =>
  Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : null;
