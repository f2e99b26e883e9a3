import type { AttemptRecord } from '@causeway/runtime/bus/delivery-log';
import { errorCode } from '@causeway/runtime/errors';
import type { Database } from '@causeway/runtime/postgres/database';
import type { Logger } from '@causeway/runtime/telemetry/log';

/**
 * The latest attempts of each subscription, for finding the cause of a failure. Written in batches shortly after;
 * what a crash loses is still in `deliveries.<organisation>` all the same.
 */
export type Attempts = {
  note(attempt: AttemptRecord, answer: string | undefined): void;
  /** The newest first, below the id `before`. */
  list(subscription: string, limit: number, before: number | undefined): Promise<AttemptRow[]>;
  /** Waits until what was noted is written. */
  close(): Promise<void>;
};

export type AttemptRow = {
  id: number;
  position: string;
  event_id: string | null;
  event_type: string | null;
  attempt: number;
  outcome: string;
  code: string;
  status: string | null;
  duration_ms: number;
  answer: string | null;
  at: Date;
};

/** How many are kept of each subscription. */
export const KEPT = 1_000;
const PAUSE_MS = 1_000;
/** So many are written at once. */
const MANY = 2_500;
/** What is kept in memory while the database is away; beyond that the oldest are forgotten here. */
const MOST_WAITING = 5_000;
const PRUNE_EVERY = 2_000;

type Noted = [attempt: AttemptRecord, answer: string | undefined];

/** As many of each subscription as are kept: what would be removed again at once need not be written. */
const lastOfEach = (noted: readonly Noted[]): Noted[] => {
  const counts = new Map<string, number>();
  const last = noted.toReversed().filter(([{ subscription }]) => {
    const count = (counts.get(subscription) ?? 0) + 1;
    counts.set(subscription, count);
    return count <= KEPT;
  });
  return last.reverse();
};

export const createAttempts = ({ query }: Pick<Database, 'query'>, log: Logger): Attempts => {
  let waiting: Noted[] = [];
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();
  let sincePruned = 0;

  const write = async (): Promise<void> => {
    const batch = lastOfEach(waiting);
    waiting = [];
    if (batch.length === 0) return;
    const rows = batch.map(([one, answer], place) => ({
      ...one,
      place,
      duration_ms: one.durationMs,
      answer: answer ?? null,
    }));
    await query(
      `insert into webhook_attempt (subscription, position, event_id, event_type, attempt, outcome, code, status,
         duration_ms, answer, at)
       select row.subscription, row.position, row.event, row.type, row.attempt, row.outcome, row.code, row.status,
         row.duration_ms, row.answer, row.at
       from jsonb_to_recordset($1::jsonb) as row (place int, subscription text, position text, event text, type text,
         attempt int, outcome text, code text, status text, duration_ms int, answer text, at timestamptz)
       where exists (select 1 from webhook_subscription where id = row.subscription)
       order by row.place`,
      [JSON.stringify(rows)],
    ).catch((error) =>
      log.warn({ event: 'delivery.not_recorded', code: errorCode(error) }, 'webhook attempts not recorded'),
    );
    sincePruned += batch.length;
    if (sincePruned < PRUNE_EVERY) return;
    sincePruned = 0;
    for (const subscription of new Set(batch.map(([{ subscription: id }]) => id)))
      await query(
        `delete from webhook_attempt where subscription = $1 and id < (
           select min(id) from (select id from webhook_attempt where subscription = $1 order by id desc limit ${KEPT}) kept)`,
        [subscription],
      ).catch(() => undefined);
  };

  const now = (): void => {
    clearTimeout(timer);
    timer = undefined;
    writing = writing.then(write);
  };

  const soon = (): void => {
    timer ??= setTimeout(now, PAUSE_MS).unref();
  };

  return {
    note(attempt, answer) {
      waiting.push([attempt, answer]);
      if (waiting.length > MOST_WAITING) waiting.shift();
      if (waiting.length === MANY) now();
      else soon();
    },
    async list(subscription, limit, before) {
      return query<AttemptRow>(
        `select * from webhook_attempt where subscription = $1 and id < $3 order by id desc limit $2`,
        [subscription, limit, before ?? Number.MAX_SAFE_INTEGER],
      );
    },
    async close() {
      now();
      await writing;
    },
  };
};
