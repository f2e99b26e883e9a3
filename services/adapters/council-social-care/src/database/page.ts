/** From a page of rows to the step that it leads to. */
import { createHash } from 'node:crypto';
import type { Tokeniser } from '@causeway/runtime/bus/pseudonyms';
import { errorCode, isPermanent, RetryableError } from '@causeway/runtime/errors';
import type { Contact } from '@causeway/schemas/generated/types';
import { type Circumstances, differences, noPerson, saidOf } from './difference.ts';
import { eventIdsOf, NOT_PUBLISHED, type Outgoing, written } from './outgoing.ts';
import { type KnownPerson, UNKNOWN_PERSON, withoutAddress } from './person.ts';
import { dayOf, FUTURE, parseTime, type Row } from './row.ts';
import { renewed, type StandingContext, standingRecords, standsFor } from './standing.ts';
import type { Stated, View } from './stated.ts';
import type { PersonState, RowState } from './store.ts';

/** What holds for all rows of a page. */
export type Setting = {
  organisation: string;
  tokeniser: Tokeniser;
  contact: Contact;
  /** The council's clock, in RFC 3339 with the offset of London. */
  now: string;
  generation: string;
  /** What was written before this moment, and is new to the adapter, was there before the adapter was. */
  historyUntil: string;
  /** A row of which nobody knows when it was written is history, too. */
  firstReading: boolean;
};

const hashOf = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 22);

/**
 * The columns that count, with those dates out of the way that have not come yet.
 * @throws RetryableError `view-missing` where the query does not give a column
 */
export const normalised = (view: View, row: Row, now: string): Row => {
  const columns = ['row_id', 'person_id', ...view.required, ...view.optional];
  for (const column of ['row_id', 'person_id', 'changed_at', ...view.required])
    if (!Object.hasOwn(row, column))
      throw new RetryableError('view-missing', `the query ${view.name} gives no column ${column}`);
  const today = now.slice(0, 10);
  return Object.fromEntries(
    columns.map((column) => {
      const text = row[column] ?? null;
      const day = text !== null && view.planned.includes(column) ? dayOf(text) : undefined;
      return [column, day !== undefined && day > today ? FUTURE : text];
    }),
  );
};

/** Whether the row stands for something: warehouses have a row -1, and facts that point to it. */
export const isReal = ({ row_id: rowId, person_id: personId }: Row): boolean =>
  rowId !== null && rowId !== UNKNOWN_PERSON && personId !== UNKNOWN_PERSON;

/** Whether a row has to be looked at: it is new or changed, or said nothing it should. */
export const differs = (row: Row, state: RowState | undefined): boolean =>
  state === undefined ||
  state.hash !== hashOf(row) ||
  (state.problem !== null && !state.problem.startsWith(NOT_PUBLISHED));

/** A row as it is now, or one that is gone. */
export type Changed = {
  rowId: string;
  /** Normalised; undefined where the row is gone. */
  row: Row | undefined;
  changedAt: string | null;
  state: RowState | undefined;
};

/** Everybody whom a row names, now or before. */
export const peopleOf = ({ row, state }: Changed): string[] => {
  const ids = [row?.person_id, row?.mother_person_id, state?.personId, ...(state?.stands?.people ?? [])];
  return ids.filter((id): id is string => typeof id === 'string' && id !== UNKNOWN_PERSON);
};

export type PlannedRow = { state: RowState | undefined; outgoing: Outgoing[] };

const standingContext = (
  { organisation, tokeniser, now }: Setting,
  view: string,
  rowId: string,
  people: StandingContext['people'],
): StandingContext => ({ organisation, tokeniser, view, rowId, today: now.slice(0, 10), people });

/**
 * What a changed row leads to. `indexed` are those whom the council's index knows now, `remembered` those whom it knew.
 */
export const plannedRow = (
  view: View,
  changed: Changed,
  indexed: ReadonlyMap<string, KnownPerson>,
  remembered: ReadonlyMap<string, KnownPerson>,
  setting: Setting,
): PlannedRow => {
  const { rowId, row, state } = changed;
  const before = state?.said ?? undefined;
  const standing = standingContext(setting, view.name, rowId, indexed);
  const circumstances: Circumstances = {
    rowId,
    noticedAt: setting.now,
    replay: isHistory(changed, setting),
    contact: setting.contact,
    people: new Map([...remembered, ...indexed]),
    correlationOf: (chain) => setting.tokeniser.local(setting.organisation, 'referral', chain),
    ...recorded(changed),
  };
  const version = (state?.version ?? 0) + 1;
  try {
    const after = row === undefined ? undefined : stated(view, row, indexed);
    const told = differences(view, before, after, circumstances);
    const stands = standsFor(after, state?.stands ?? undefined, standing);
    const records = standingRecords(state?.stands ?? undefined, stands, standing).map(written);
    // Standing records go with the last of the messages: those of an earlier one are about somebody else.
    const parts = told.length === 0 && records.length > 0 ? [{ personId: '', tellings: [] }] : told;
    const events = new Map<string, string>();
    const outgoing = parts.map(({ tellings }, part): Outgoing => {
      const facts = tellings.map(({ fact }) => fact);
      const identity = [setting.generation, view.name, rowId, String(version), String(part)];
      for (const [index, id] of eventIdsOf({ identity, facts }).entries()) {
        const says = tellings[index]?.says;
        if (says !== undefined) events.set(says, id);
      }
      const standing = part === parts.length - 1 ? records : [];
      return { kind: 'message', view: view.name, rowId, identity, facts, standing, before: before ?? null };
    });
    if (row === undefined || after === undefined) return { state: undefined, outgoing };
    const said = saidOf(after, before, events);
    return {
      state: {
        rowId,
        personId: after.personId,
        version,
        hash: hashOf(row),
        problem: null,
        said,
        stands: stands ?? null,
      },
      outgoing,
    };
  } catch (error) {
    if (!isPermanent(error)) throw error;
    return kept(view, changed, errorCode(error), error.message, version);
  }
};

/** @throws PermanentError for a row with a wrong value, `no-person` for one about somebody whom the index does not know */
const stated = (view: View, row: Row, indexed: ReadonlyMap<string, KnownPerson>): Stated => {
  const after = view.state(row);
  if (!indexed.has(after.personId)) throw noPerson();
  return after;
};

/** What cannot be read says nothing new, and what was said before stands. */
const kept = (
  view: View,
  { rowId, row, state }: Changed,
  reason: string,
  why: string,
  version: number,
): PlannedRow => {
  const hash = row === undefined ? '' : hashOf(row);
  const again = state !== undefined && state.problem === reason && state.hash === hash;
  return {
    state: {
      rowId,
      personId: state?.personId ?? row?.person_id ?? '',
      version: again ? state.version : version,
      hash,
      problem: reason,
      said: state?.said ?? null,
      stands: state?.stands ?? null,
    },
    outgoing: again ? [] : [{ kind: 'bad-row', view: view.name, rowId, reason, why, row: row ?? null }],
  };
};

const isHistory = ({ changedAt, state }: Changed, { historyUntil, firstReading }: Setting): boolean => {
  if (state !== undefined) return false;
  const at = changedAt === null ? undefined : parseTime(changedAt);
  return at === undefined ? firstReading : Date.parse(at) <= Date.parse(historyUntil);
};

const recorded = ({ changedAt }: Changed): Pick<Circumstances, 'recordedAt'> => {
  const recordedAt = changedAt === null ? undefined : parseTime(changedAt);
  return recordedAt === undefined ? {} : { recordedAt };
};

/** The row of an interest or safeguard that is said again: its person changed, or its time has come. */
export const replannedRow = (
  view: string,
  state: RowState,
  indexed: ReadonlyMap<string, KnownPerson>,
  remembered: ReadonlyMap<string, KnownPerson>,
  setting: Setting,
): PlannedRow => {
  if (state.stands === null) return { state, outgoing: [] };
  const context = standingContext(setting, view, state.rowId, new Map([...remembered, ...indexed]));
  const stands = renewed(state.stands, context.today);
  return {
    state: { ...state, stands },
    outgoing: [
      {
        kind: 'message',
        view,
        rowId: state.rowId,
        identity: [],
        facts: [],
        standing: standingRecords(stands, stands, context).map(written),
        before: state.said,
      },
    ],
  };
};

export const personState = (known: KnownPerson): PersonState => {
  const identity = withoutAddress(known);
  return { personId: known.personId, hash: hashOf(identity), identity };
};
