import { componentOf, subscriptionOrigin } from '@causeway/runtime/bus/dead-letter-reader';
import { topicsOf } from '@causeway/runtime/bus/topics';
import { RetryableError } from '@causeway/runtime/errors';
import type { FetchedRecord } from '@causeway/runtime/kafka/broker-client';
import type { Reader } from '@causeway/runtime/kafka/reader';
import type { Database } from '@causeway/runtime/postgres/database';

/**
 * Which dead letters are a subscription's. The letters lie in `dead-letter.<organisation>` for 90 days; here is only where. The
 * list is brought up to date on request.
 */
export type DeadLetters = {
  list(organisation: string, subscription: string, question: Question): Promise<Letter[]>;
  redriven(organisation: string, letters: readonly number[]): Promise<void>;
  close(): Promise<void>;
};

export type Question = {
  limit: number;
  after?: number | undefined;
  events?: readonly string[] | undefined;
  openOnly?: boolean;
};

export type Letter = {
  letter: number;
  partition: number;
  position: number;
  event_id: string | null;
  event_type: string | null;
  reason: string;
  at: Date;
  redriven_at: Date | null;
};

const LIMITS = { maxWaitMs: 0, maxBytes: 4_194_304, partitionMaxBytes: 4_194_304 };
const KEPT_DAYS = 90;

export const createDeadLetters = ({ query }: Pick<Database, 'query'>, open: () => Reader): DeadLetters => {
  let reader: Reader | undefined;

  /** Reads on to what is the end now; several may do so at once, as each row is written once. */
  const catchUp = async (organisation: string): Promise<void> => {
    reader ??= open();
    const topic = topicsOf(organisation).deadLetter;
    const [known] = await query<{ head: number }>(
      'select head from webhook_dead_letter_head where organisation = $1',
      [organisation],
    );
    const [bounds] = await reader.bounds(topic, [0]);
    if (bounds === undefined) throw new RetryableError('kafka-unavailable', 'Kafka did not respond');
    let head = Math.max(known?.head ?? 0, bounds.start);
    while (head < bounds.end) {
      const [part] = await reader.fetch([{ topic, partition: 0, offset: head }], LIMITS);
      if (part === undefined || part.outOfRange || part.next <= head) break;
      const rows = part.records.flatMap((record) => rowOf(organisation, record) ?? []);
      head = part.next;
      await query(
        `with written as (
           insert into webhook_dead_letter
             (organisation, letter, subscription, partition, position, event_id, event_type, reason, at)
           select organisation, letter, subscription, partition, position, event_id, event_type, reason, at
           from jsonb_to_recordset($1::jsonb) as row (organisation text, letter bigint, subscription text,
             partition int, position bigint, event_id text, event_type text, reason text, at timestamptz)
           on conflict do nothing)
         insert into webhook_dead_letter_head (organisation, head) values ($2, $3)
         on conflict (organisation) do update set head = greatest(webhook_dead_letter_head.head, excluded.head)`,
        [JSON.stringify(rows), organisation, head],
      );
    }
    await query(`delete from webhook_dead_letter where organisation = $1 and letter < $2`, [
      organisation,
      bounds.start,
    ]);
  };

  return {
    async list(organisation, subscription, { limit, after = -1, events, openOnly = false }) {
      await catchUp(organisation);
      return query<Letter>(
        `select letter, partition, position, event_id, event_type, reason, at, redriven_at
         from webhook_dead_letter
         where organisation = $1 and subscription = $2 and letter > $3 and at > now() - interval '${KEPT_DAYS} days'
           and ($4::text[] is null or event_id = any($4)) and (not $5 or redriven_at is null)
         order by letter limit $6`,
        [organisation, subscription, after, events ?? null, openOnly, limit],
      );
    },
    async redriven(organisation, letters) {
      await catchUp(organisation);
      await query(
        'update webhook_dead_letter set redriven_at = now() where organisation = $1 and letter = any($2)',
        [organisation, letters],
      );
    },
    close: async () => reader?.close(),
  };
};

const rowOf = (organisation: string, record: FetchedRecord) => {
  const text = (name: string) => record.headers[name]?.toString('utf8');
  const { subscription, place } = subscriptionOrigin(record) ?? {};
  if (componentOf(record) !== COMPONENT || subscription === undefined || place === undefined)
    return undefined;
  return {
    organisation,
    letter: record.offset,
    subscription,
    ...place,
    event_id: text('ce_id') ?? null,
    event_type: text('ce_type') ?? null,
    reason: text('dl-reason') ?? 'unknown',
    at: new Date(record.timestamp).toISOString(),
  };
};

export const COMPONENT = 'gateway';
