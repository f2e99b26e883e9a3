import { RetryableError } from '@causeway/runtime/errors';
import { further } from './mark.ts';
import { type Changed, differs, isReal, type Setting } from './page.ts';
import type { PageWork, PollParts } from './page-work.ts';
import type { Row } from './row.ts';
import type { View } from './stated.ts';
import type { ViewState } from './store.ts';

/** Gone rows that never need anybody's word. */
export const ALWAYS_GONE = 5;

export const createSweep = (parts: PollParts, { pageSize, settingOf, changedIn, work }: PageWork) => {
  const { reading, store, queryOf, mayGoOn } = parts;

  const sweep = async (view: View, state: ViewState, now: string): Promise<void> => {
    const setting = settingOf(now, state);
    // What a first reading found before it was cut short need not be found again: the view has nothing to compare it with yet.
    if (!state.complete) await workOnFound(view, setting);
    await store.sweep.begin(view.name);
    let present = 0;
    let mark = state.mark;
    for await (const rows of reading.all(queryOf(view.name), pageSize)) {
      mayGoOn();
      const { changes } = await changedIn(view, rows, now);
      const ids = rows.map((row) => row.row_id ?? '').filter((_, index) => isReal(rows[index] as Row));
      const noted = await store.sweep.note(view.name, ids);
      if (noted < ids.length)
        throw new RetryableError(
          'row-id-twice',
          `the query ${view.name} gives more than one row with the same row_id; nothing is read until it does not`,
        );
      present += noted;
      await store.sweep.keep(
        view.name,
        changes.map(({ rowId, row, changedAt }) => ({ rowId, row: { ...row, changed_at: changedAt } })),
      );
      mark = rows.reduce((furthest, row) => further(furthest, row, now), mark);
    }
    await checkGone(view, present);
    await workOnFound(view, setting);
    await workOnGone(view, setting);
    if (mark !== undefined) await store.mark(view.name, mark);
    // A view that has never had a row has not been read yet: its warehouse may be about to be filled.
    if (state.complete || present > 0) await store.swept(view.name);
    await store.sweep.end(view.name);
  };

  const checkGone = async (view: View, present: number): Promise<void> => {
    const [known, missing] = [await store.sweep.known(view.name), await store.sweep.missing(view.name)];
    const allowed = Math.max(ALWAYS_GONE, Math.floor(known * parts.mayBeGone));
    if (missing <= 1 || parts.mayBeGone >= 1 || (present > 0 && missing <= allowed)) return;
    throw new RetryableError(
      'view-shrunk',
      `${missing} of ${known} rows are gone from what the query ${view.name} gives; nothing of it is published until they are back, ` +
        'or until COUNCIL_SOCIAL_CARE_MAY_BE_GONE_PERCENT is set to 100 for as long as it takes to withdraw them',
    );
  };

  const workOnFound = async (view: View, setting: Setting): Promise<void> => {
    for (;;) {
      mayGoOn();
      const page = await store.sweep.found(view.name, pageSize);
      if (page.length === 0) return;
      const rowIds = page.map(({ rowId }) => rowId);
      const states = await store.rows(view.name, rowIds);
      const changes = page.map(
        ({ rowId, row: { changed_at: changedAt = null, ...row } }): Changed => ({
          rowId,
          row,
          changedAt,
          state: states.get(rowId),
        }),
      );
      await work(
        view,
        changes.filter(({ row, state }) => row && differs(row, state)),
        setting,
      );
      await store.sweep.worked(view.name, rowIds);
    }
  };

  const workOnGone = async (view: View, setting: Setting): Promise<void> => {
    for (let after = ''; ; ) {
      mayGoOn();
      const rowIds = await store.sweep.missingAfter(view.name, after, pageSize);
      const last = rowIds.at(-1);
      if (last === undefined) return;
      const states = await store.rows(view.name, rowIds);
      const gone = rowIds.map(
        (rowId): Changed => ({
          rowId,
          row: undefined,
          changedAt: null,
          state: states.get(rowId),
        }),
      );
      await work(view, gone, setting);
      after = last;
    }
  };

  return sweep;
};
