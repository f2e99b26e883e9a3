/** Marks: how far a view has been read. */
import { londonOffset, writeInstant } from '@causeway/schemas/dates/london';
import type { Position } from './reporting-database.ts';
import { parseTime, type Row } from './row.ts';

/** Where to look once more before a mark that is young: clocks differ, and a transaction may have taken its time. */
export const lookBack = (mark: Position, now: string, overlapMs: number): Position | undefined => {
  const at = parseTime(mark.changedAt);
  if (at === undefined || Date.parse(now) - Date.parse(at) > overlapMs) return undefined;
  return { changedAt: instantOf(Date.parse(at) - overlapMs), rowId: null };
};

/** Whether a row lies behind a position, in time. */
export const isBehind = (row: Row | undefined, position: Position): boolean => {
  const at = parseTime(row?.changed_at ?? '');
  const of = parseTime(position.changedAt);
  return at !== undefined && of !== undefined && Date.parse(at) > Date.parse(of);
};

/** In London, with its offset: where the column has none, the database takes the clock's reading alone. */
export const instantOf = (at: number): string => {
  const offset = londonOffset(at);
  return writeInstant(at + offset * 60_000, '', offset);
};

/** The later of a mark and a row; what lies in the future by the council's own clock is no mark. */
export const further = (mark: Position | undefined, row: Row, now: string): Position | undefined => {
  const changedAt = row.changed_at ?? null;
  const at = changedAt === null ? undefined : parseTime(changedAt);
  if (changedAt === null || at === undefined || Date.parse(at) > Date.parse(now)) return mark;
  const before = mark === undefined ? undefined : parseTime(mark.changedAt);
  if (before !== undefined && Date.parse(before) > Date.parse(at)) return mark;
  return { changedAt, rowId: row.row_id ?? null };
};
