import { randomBytes } from 'node:crypto';
import type { Database, Query } from '@causeway/runtime/database';
import type { Producer } from '@causeway/runtime/producer';
import { redriveRecord } from '@causeway/runtime/redrive';
import type { Viewer } from '../sign-in/guard.ts';
import {
  countDeadLetters,
  type DeadLetter,
  deadLetterGroups,
  type Filter,
  type Group,
  listDeadLetters,
} from './dead-letters.ts';

export const MOST_AT_ONCE = 10_000;
export const LONGEST_REASON = 500;

export type DryRun = { count: number; groups: Group[]; most: number };
export type Redriven = { batch: string; count: number };

/** What a redrive would take, without doing it. */
export async function dryRun(query: Query, own: readonly string[], filter: Filter): Promise<DryRun> {
  const [count, groups] = await Promise.all([
    countDeadLetters(query, own, filter),
    deadLetterGroups(query, own, filter),
  ]);
  return { count, groups, most: MOST_AT_ONCE };
}

/**
 * Asks whoever gave these dead letters up to try them again. Those that are being tried already are left out. It is written down
 * before it is sent; if it cannot be sent, it is as if it had not been asked.
 *
 * @throws RetryableError where database or broker are away: nothing was asked then
 */
export async function redrive(
  { store, producer }: { store: Pick<Database, 'query' | 'transaction'>; producer: Pick<Producer, 'send'> },
  own: readonly string[],
  filter: Filter,
  { viewer, reason, at }: { viewer: Viewer; reason: string; at: Date },
): Promise<Redriven> {
  const batch = newId();
  const asked = await store.transaction(async (query) => {
    const letters = (await listDeadLetters(query, own, filter, { limit: MOST_AT_ONCE })).filter(
      ({ state }) => state !== 'asked' && state !== 'done',
    );
    const rows = letters.map((letter) => ({ ...letter, id: newId() }));
    await query(ASKED, [JSON.stringify(rows), batch, viewer.subject, reason, at]);
    return rows;
  });
  try {
    await producer.send(asked.map((row) => recordOf(row, viewer, reason, at)));
  } catch (error) {
    await store.transaction(async (query) => {
      await query(UNASKED, [batch]);
    });
    throw error;
  }
  return { batch, count: asked.length };
}

const newId = () => randomBytes(12).toString('base64url');

function recordOf(row: DeadLetter & { id: string }, viewer: Viewer, reason: string, at: Date) {
  const request = {
    id: row.id,
    deadLetter: row.offset,
    by: viewer.subject.slice(0, 200),
    reason,
    at: at.toISOString(),
  };
  return redriveRecord(row.organisation, request);
}

const ASKED = `
with given as (
  select * from jsonb_to_recordset($1) as g(id text, organisation text, "offset" bigint)
), made as (
  insert into redrive (id, organisation, dead_letter, batch, asked_by, reason, asked_at)
  select id, organisation, "offset", $2, $3, $4, $5 from given
)
update dead_letter d set state = 'asked' from given g where d.organisation = g.organisation and d."offset" = g."offset"`;

const UNASKED = `
with gone as (delete from redrive where batch = $1 returning organisation, dead_letter)
update dead_letter d set state = 'waiting' from gone g where d.organisation = g.organisation and d."offset" = g.dead_letter`;

export type RedriveRow = {
  organisation: string;
  deadLetter: number;
  reason: string;
  askedBy: string;
  askedAt: Date;
  outcome: string | null;
  code: string | null;
  settledAt: Date | null;
};
export type BatchSummary = { outcome: string | null; count: number };

const REDRIVE_COLUMNS = `organisation, dead_letter as "deadLetter", reason, asked_by as "askedBy", asked_at as "askedAt", outcome, code, settled_at as "settledAt"`;

/** What came of a batch, in all and record by record, those that failed first. */
export async function redriveBatch(query: Query, own: readonly string[], batch: string) {
  const [summary, rows] = await Promise.all([
    query<BatchSummary>(
      'select outcome, count(*)::int as count from redrive where batch = $1 and organisation = any($2) group by 1 order by 2 desc',
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
