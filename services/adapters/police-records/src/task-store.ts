/** Where the events lie that tasks of the RMS were made of, and up to where the outcomes of tasks have been read. */

import { batched } from '@causeway/runtime/async/batcher';
import type { Database } from '@causeway/runtime/postgres/database';

export type TaskStore = {
  /** @param position `<partition>-<offset>` in the inbox */
  keep(eventId: string, position: string): Promise<void>;
  /** Positions by event id. */
  find(eventIds: readonly string[]): Promise<Map<string, string>>;
  cursor(): Promise<string | undefined>;
  moveTo(cursor: string): Promise<void>;
};

/** Tasks at one time that share a statement. */
const TOGETHER = 200;

const KEEP = `
  insert into task (event_id, position) select * from unnest($1::text[], $2::text[])
  on conflict (event_id) do nothing`;

const keeping = (query: Database['query'], prepared: () => Promise<void>): TaskStore['keep'] => {
  const keep = batched<{ eventId: string; position: string }, void>(async (tasks) => {
    await prepared();
    await query(KEEP, [tasks.map(({ eventId }) => eventId), tasks.map(({ position }) => position)]);
    return tasks.map(() => undefined);
  }, TOGETHER);
  return async (eventId, position) => {
    await keep([{ eventId, position }]);
  };
};

/** @param prepared resolves when the tables are there */
export const createTaskStore = (
  { query }: Pick<Database, 'query'>,
  prepared: () => Promise<void>,
): TaskStore => ({
  keep: keeping(query, prepared),
  async find(eventIds) {
    const rows = await query<{ event_id: string; position: string }>(
      'select event_id, position from task where event_id = any ($1::text[])',
      [eventIds],
    );
    return new Map(rows.map(({ event_id, position }) => [event_id, position]));
  },
  async cursor() {
    await prepared();
    const [row] = await query<{ cursor: string }>('select cursor from outcome_cursor');
    return row?.cursor;
  },
  async moveTo(cursor) {
    await query(
      'insert into outcome_cursor (cursor) values ($1) on conflict (one) do update set cursor = excluded.cursor',
      [cursor],
    );
  },
});
