import { further, lookBack } from './mark.ts';
import { type PlannedRow, personState, replannedRow, type Setting } from './page.ts';
import { type PageWork, PERSONS, type PollParts } from './page-work.ts';
import type { RowState, ViewState } from './store.ts';

export const createPeople = (parts: PollParts, pageWork: PageWork) => {
  const { store, queryOf, mayGoOn } = parts;
  const { pageSize, send, settingOf, indexOf, rememberedOf, changedPages } = pageWork;

  /** Says again what stands for people whose identifiers are others now. */
  const compare = async (ids: readonly string[], setting: Setting): Promise<void> => {
    const states = await store.people(ids);
    if (states.size === 0) return;
    const indexed = await indexOf([...states.keys()]);
    const different = [...indexed.values()].filter(
      (known) => states.get(known.personId)?.hash !== personState(known).hash,
    );
    if (different.length === 0) return;
    const rows = await store.standing(different.map(({ personId }) => personId));
    await replan(rows, setting);
    await store.apply({
      view: PERSONS,
      rows: [],
      gone: [],
      people: different.map(personState),
      outgoing: [],
    });
  };

  const replan = async (rows: readonly (RowState & { view: string })[], setting: Setting): Promise<void> => {
    const ids = rows.flatMap(({ stands }) => stands?.people ?? []);
    const [indexed, remembered] = [await indexOf(ids), await rememberedOf(ids)];
    for (const [view, some] of Map.groupBy(rows, (row) => row.view)) {
      const results: PlannedRow[] = some.map(({ view: _, ...state }) =>
        replannedRow(view, state, indexed, remembered, setting),
      );
      await store.apply({
        view,
        rows: results.flatMap(({ state }) => state ?? []),
        gone: [],
        people: [],
        outgoing: results.flatMap(({ outgoing }) => outgoing),
      });
    }
    await send();
  };

  const changedPeople = async (state: ViewState, now: string): Promise<void> => {
    const from = state.mark ?? { changedAt: state.beganAt, rowId: null };
    let mark = state.mark;
    for await (const rows of changedPages(
      queryOf(PERSONS),
      'person_id',
      lookBack(from, now, parts.overlapMs) ?? from,
    )) {
      await compare(
        rows.flatMap((row) => row.person_id ?? []),
        settingOf(now, state),
      );
      mark = rows.reduce(
        (furthest, row) => further(furthest, { ...row, row_id: row.person_id ?? null }, now),
        mark,
      );
    }
    if (mark !== undefined && mark !== state.mark) await store.mark(PERSONS, mark);
  };

  const everybody = async (state: ViewState, now: string): Promise<void> => {
    for (let after = ''; ; ) {
      mayGoOn();
      const ids = await store.personIdsAfter(after, pageSize);
      const last = ids.at(-1);
      if (last === undefined) break;
      await compare(ids, settingOf(now, state));
      after = last;
    }
    await store.forgetPeople();
    await store.swept(PERSONS);
  };

  return { changedPeople, everybody, replan };
};
