import { randomBytes } from 'node:crypto';
import { type Loop, startLoop } from '@causeway/runtime/async/run-loop';
import { redriveRecord } from '@causeway/runtime/bus/redrive-request';
import { errorCode } from '@causeway/runtime/errors';
import type { Producer } from '@causeway/runtime/kafka/producer';
import type { Database, Query } from '@causeway/runtime/postgres/database';
import type { Logger } from '@causeway/runtime/telemetry/log';
import type { Metrics } from '@causeway/runtime/telemetry/metrics';
import type { Viewer } from '../access/viewer.ts';
import type { Store } from '../store/store.ts';
import { askFor, deadLetterTotals, type Filter, type Group } from './dead-letters.ts';

const MOST_AT_ONCE = 10_000;
export const LONGEST_REASON = 500;
const LONGEST_SUBJECT = 200;

type DryRun = { count: number; groups: Group[]; most: number };
export type Redriven = { batch: string; count: number };

/** What a redrive would take, without doing it. */
export async function dryRun(query: Query, own: readonly string[], filter: Filter): Promise<DryRun> {
  const { count, groups } = await deadLetterTotals(query, own, filter);
  return { count, groups, most: MOST_AT_ONCE };
}

/**
 * Asks the components that gave these dead letters up to try them again. It is stored first and then sent; what could not be sent, or of
 * which it is unknown whether it was, is sent again with the same id by `sendRedrives`.
 *
 * @throws RetryableError where the database is away: nothing was asked then
 */
export async function redrive(
  { store, producer, log }: RedriveParts,
  own: readonly string[],
  filter: Filter,
  { viewer, reason, at }: { viewer: Viewer; reason: string; at: Date },
): Promise<Redriven> {
  const batch = newId();
  const by = viewer.subject.slice(0, LONGEST_SUBJECT);
  const asked = await store.transaction(async (query) => {
    const rows = (await askFor(query, own, filter, MOST_AT_ONCE)).map((row) => ({ ...row, id: newId() }));
    await query(ASKED, [JSON.stringify(rows), batch, by, reason, at]);
    return rows;
  });
  try {
    await send(
      producer,
      asked.map((row) => ({ ...row, by, reason, at })),
    );
    await store.query('update redrive set sent_at = now() where batch = $1', [batch]);
  } catch (error) {
    log.warn(
      { event: 'redrive.delayed', code: errorCode(error) },
      'A redrive was requested but could not be sent; it will be retried',
    );
  }
  return { batch, count: asked.length };
}

type RedriveParts = {
  store: Pick<Database, 'query' | 'transaction'>;
  producer: Pick<Producer, 'send'>;
  log: Pick<Logger, 'warn'>;
};

const newId = () => randomBytes(12).toString('base64url');

type Asked = { id: string; organisation: string; offset: number; by: string; reason: string; at: Date };

async function send(producer: Pick<Producer, 'send'>, asked: readonly Asked[]): Promise<void> {
  if (asked.length === 0) return;
  await producer.send(
    asked.map(({ organisation, offset, at, ...request }) =>
      redriveRecord(organisation, { ...request, deadLetter: offset, at: at.toISOString() }),
    ),
  );
}

const ASKED = `
insert into redrive (id, organisation, dead_letter, batch, asked_by, reason, asked_at)
select id, organisation, "offset", $2, $3, $4, $5
from jsonb_to_recordset($1) as g(id text, organisation text, "offset" bigint)`;

/** The request is still being sent. */
const PATIENCE = "interval '10 seconds'";
const SEND_AT_ONCE = 500;
const EVERY_MS = 2_000;

/** Sends what was asked for and did not get into its topic: the console ended in between, or Kafka was away. */
export function sendRedrives({
  store,
  producer,
  log,
  metrics,
}: RedriveParts & { store: Store; log: Logger; metrics?: Pick<Metrics, 'loopRestarts'> }): Loop {
  const sendUnsent = async (query: Query): Promise<number> => {
    const unsent = await query<Asked>(UNSENT, [SEND_AT_ONCE]);
    await send(producer, unsent);
    await query('update redrive set sent_at = now() where id = any($1)', [unsent.map(({ id }) => id)]);
    return unsent.length;
  };
  return startLoop({
    name: 'redrives',
    async step() {
      await store.migrated;
      const sent = await store.transaction(sendUnsent);
      if (sent > 0) log.warn({ event: 'redrive.resent', sent }, 'Redrives requested earlier were sent again');
      return sent === SEND_AT_ONCE ? undefined : EVERY_MS;
    },
    retryMs: EVERY_MS,
    log,
    metrics,
  });
}

const UNSENT = `
select id, organisation, dead_letter as "offset", asked_by as by, reason, asked_at as at from redrive
where sent_at is null and asked_at < now() - ${PATIENCE} order by asked_at limit $1 for update skip locked`;

export type RedriveRow = {
  organisation: string;
  deadLetter: number;
  reason: string;
  askedBy: string;
  askedAt: Date;
  outcome: string | null;
  code: string | null;
  settledAt: Date | null;
  sentAt: Date | null;
};
export type BatchSummary = Pick<RedriveRow, 'outcome' | 'sentAt'> & { count: number };

const REDRIVE_COLUMNS = `organisation, dead_letter as "deadLetter", reason, asked_by as "askedBy", asked_at as "askedAt", outcome, code, settled_at as "settledAt", sent_at as "sentAt"`;

/** The result of a batch, in all and record by record, those that failed first. */
export async function redriveBatch(query: Query, own: readonly string[], batch: string) {
  const [summary, rows] = await Promise.all([
    query<BatchSummary>(
      `select outcome, max(sent_at) as "sentAt", count(*)::int as count from redrive
       where batch = $1 and organisation = any($2) group by outcome, sent_at is null order by 3 desc`,
      [batch, own],
    ),
    query<RedriveRow>(
      `select ${REDRIVE_COLUMNS} from redrive where batch = $1 and organisation = any($2)
       order by (outcome in ('delivered', 'published', 'duplicate')) is true, organisation, dead_letter limit 200`,
      [batch, own],
    ),
  ]);
  return { summary, rows };
}

export async function redrivesOf(query: Query, organisation: string, offset: number): Promise<RedriveRow[]> {
  return await query<RedriveRow>(
    `select ${REDRIVE_COLUMNS} from redrive where organisation = $1 and dead_letter = $2 order by asked_at desc limit 20`,
    [organisation, offset],
  );
}
