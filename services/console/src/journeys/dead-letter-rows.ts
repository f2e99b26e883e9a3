import { organisationOf } from '@causeway/runtime/bus/envelope';
import type { FetchedPartition, FetchedRecord } from '@causeway/runtime/kafka/broker-client';
import { isCount, isWord } from './checks.ts';

/** What the list of failures shows of a dead letter: never anything of its content. */
export type DeadLetterRow = {
  organisation: string;
  offset: number;
  at: string;
  component: string;
  reason: string;
  origin: string;
  attempts: number;
  content_type: string | null;
  type: string | null;
  source: string | null;
  bytes: number;
};

export function deadLetterRows(fetched: readonly FetchedPartition[]): DeadLetterRow[] {
  return fetched.flatMap(({ topic, records }) =>
    records.map((record) => rowOf(topic.slice('dead-letter.'.length), record)),
  );
}

function rowOf(organisation: string, { offset, timestamp, value, headers }: FetchedRecord): DeadLetterRow {
  const word = (name: string) => {
    const text = headers[name]?.toString('utf8');
    return isWord(text) ? text : null;
  };
  const attempts = Number(word('dl-attempts') ?? 1);
  const whole = Number(word('dl-length') ?? value?.length ?? 0);
  return {
    organisation,
    offset,
    at: new Date(timestamp).toISOString(),
    component: word('dl-component') ?? 'unknown',
    reason: word('dl-reason') ?? 'no-reason-given',
    origin: word('dl-origin') ?? 'unknown',
    attempts: isCount(attempts) ? attempts : 1,
    content_type: word('content-type'),
    type: word('ce_type'),
    source: organisationOf(word('ce_source') ?? ''),
    bytes: isCount(whole) ? whole : 0,
  };
}
