import { PermanentError } from '@causeway/runtime/errors';
import { further, isBehind, lookBack } from './mark.ts';
import type { Changed } from './page.ts';
import { createPageWork, PERSONS, type PollParts } from './page-work.ts';
import { createPeople } from './people.ts';
import type { Position } from './reporting-database.ts';
import type { View } from './stated.ts';
import type { ViewState } from './store.ts';
import { ALWAYS_GONE, createSweep } from './sweep.ts';

/** Rows that are looked for where many new ones turn up at once. */
const SAMPLE = 100;

export type Poll = {
  /** Reads what changed in a view, or all of it where that is due. @throws RetryableError */
  view(view: View): Promise<void>;
  /** Notices that people changed whom an interest or a safeguard names. @throws RetryableError */
  persons(): Promise<void>;
  /** Says again what would expire. @throws RetryableError */
  renew(): Promise<void>;
  /** Sends what an earlier run has left behind. @throws RetryableError */
  send(): Promise<void>;
  /** Looks at one row once more, whether or not it changed; why it still says nothing, or null. @throws RetryableError, PermanentError */
  again(view: View, rowId: string): Promise<string | null>;
};

export const createPoll = (parts: PollParts): Poll => {
  const { reading, store, queryOf, mayGoOn } = parts;
  const pageWork = createPageWork(parts);
  const { pageSize, send, stateOf, settingOf, work, changedIn, changedPages } = pageWork;
  const sweep = createSweep(parts, pageWork);
  const { changedPeople, everybody, replan } = createPeople(parts, pageWork);

  /**
   * Reads what changed; false where the view has to be read whole at once. News comes first, and how far it was read is noted after each
   * page: a process that dies often gets on all the same. Then it looks back, while the mark is young.
   */
  const readChanges = async (view: View, state: ViewState, now: string): Promise<boolean> => {
    const setting = settingOf(now, state);
    const from = state.mark ?? { changedAt: state.beganAt, rowId: null };
    const pages = (position: Position) => changedPages(queryOf(view.name), 'row_id', position);
    let mark = state.mark;
    for await (const rows of pages(from)) {
      const { changes, known } = await changedIn(view, rows, now);
      // As many rows that nobody has seen before can be a warehouse that was built anew under other keys.
      if (known === 0 && changes.length >= pageSize && !(await isStillThere(view))) return false;
      await work(view, lastOfEach(changes), setting);
      const reached = rows.reduce((furthest, row) => further(furthest, row, now), mark);
      if (reached !== undefined && reached !== mark) await store.mark(view.name, reached);
      mark = reached;
    }
    const back = lookBack(from, now, parts.overlapMs);
    if (back === undefined) return true;
    for await (const rows of pages(back)) {
      const { changes } = await changedIn(view, rows, now);
      await work(view, lastOfEach(changes), setting);
      if (isBehind(rows.at(-1), from)) break;
    }
    return true;
  };

  /** Whether the view still has what was read before, by a sample. */
  const isStillThere = async (view: View): Promise<boolean> => {
    const sample = await store.someRows(view.name, SAMPLE);
    const rows = await reading.withKeys(queryOf(view.name), 'row_id', sample);
    const missing = sample.length - new Set(rows.map((row) => row.row_id)).size;
    return missing <= Math.max(ALWAYS_GONE, sample.length * parts.mayBeGone);
  };

  const isDue = ({ complete, sweptAt }: ViewState): boolean =>
    !complete || sweptAt === null || Date.now() - sweptAt.getTime() >= parts.sweepMs;

  return {
    send,
    async again(view, rowId) {
      const now = await reading.now();
      const setting = settingOf(now, await stateOf(view.name, now));
      const rows = await reading.withKeys(queryOf(view.name), 'row_id', [rowId]);
      const [changed] = (await changedIn(view, rows.slice(0, 1), now)).all;
      if (changed === undefined) throw new PermanentError('row-gone', 'the row is not in the view any more');
      if (changed.state?.problem !== null) await work(view, [changed], setting);
      return (await store.rows(view.name, [rowId])).get(rowId)?.problem ?? null;
    },
    async view(view) {
      const now = await reading.now();
      const state = await stateOf(view.name, now);
      // News first: a whole reading can take its time.
      const read = state.complete && (await readChanges(view, state, now));
      if (!read || isDue(state)) await sweep(view, await stateOf(view.name, now), await reading.now());
    },
    async persons() {
      const now = await reading.now();
      const state = await stateOf(PERSONS, now);
      await changedPeople(state, now);
      if (isDue(state)) await everybody(state, now);
    },
    async renew() {
      const now = await reading.now();
      const state = await stateOf(PERSONS, now);
      for (;;) {
        mayGoOn();
        const rows = await store.toRenew(now.slice(0, 10), pageSize);
        if (rows.length === 0) return;
        await replan(rows, settingOf(now, state));
      }
    },
  };
};

/** A row that moved while it was read is in two pages, or, behind other rows, twice in one. */
const lastOfEach = (changes: readonly Changed[]): Changed[] => [
  ...new Map(changes.map((changed) => [changed.rowId, changed])).values(),
];
