/** What a case in a file adds to what was said about it before. */
import { addDays } from './dates.ts';
import type { Ended, Part } from './facts.ts';
import type { KnownCase } from './known.ts';
import type { Case, Values } from './stated.ts';

type Statement = { part: Part; replay: boolean };

/** A child who is placed for adoption: of a case that partners hold as open they learn that it is over, and nothing else of anything. */
export const neutralEnd = (stated: Case, known: KnownCase | undefined, today: string): RowVerdict => {
  const start = known?.start ?? {};
  if (!known?.start || known.end) return { statements: [], start, end: known?.end ?? null };
  return { statements: [{ part: 'ended', replay: false }], start, end: { date: stated.end?.date ?? today } };
};

export type RowVerdict = {
  /** What is to be told, in order; empty where nothing is new. */
  statements: Statement[];
  /** The case as it stands now; columns that the file does not have are taken from what is known. */
  start: Values;
  end: Ended | null;
};

/**
 * `today`: the day on which the file came. What happened more than `historyDays` before is told as history (with 0 everything is), and what corrects it too; what
 * corrects something that was news is news.
 */
export const decide = (
  stated: Case,
  known: KnownCase | undefined,
  today: string,
  historyDays: number,
): RowVerdict => {
  const start = { ...known?.start, ...stated.start };
  const end = stated.end === undefined ? (known?.end ?? null) : stated.end && { ...stated.end };
  const isHistory = (date: string) => historyDays === 0 || date < addDays(today, -historyDays);
  const statements: Statement[] = [];
  const correction = { part: 'corrected', replay: true } as Statement;
  const correct = (history: boolean) => {
    if (!statements.includes(correction)) statements.push(correction);
    correction.replay &&= history;
  };

  if (!known?.start) statements.push({ part: 'begun', replay: isHistory(stated.began) });
  else if (known.began !== stated.began || !same(known.start, start)) correct(known.startHistory);
  if (end && !known?.end) statements.push({ part: 'ended', replay: isHistory(end.date) });
  else if (!end && known?.end) statements.push({ part: 'end-voided', replay: known.endHistory });
  else if (end && known?.end && !same(known.end, end)) correct(known.endHistory);
  return { statements, start, end };
};

/**
 * The case whose beginning was corrected: of this child, not in the file under its old date, open until now, and the same in at least one detail
 * and in everything else; or one that had ended, with the same end. Where two fit nothing is taken for that.
 */
export const renamed = (
  stated: Case,
  known: readonly KnownCase[],
  isInFile: (began: string) => boolean,
): KnownCase | undefined => {
  const fitting = known.filter(
    (one) =>
      one.start !== null &&
      one.began !== stated.began &&
      !isInFile(one.began) &&
      same(one.start, { ...one.start, ...stated.start }) &&
      (one.end === null
        ? sharesDetail(one.start, stated.start)
        : stated.end === undefined || same(one.end, stated.end ?? {})),
  );
  return fitting.length === 1 ? fitting[0] : undefined;
};

const sharesDetail = (a: Values, b: Values): boolean =>
  Object.entries(b).some(([name, value]) => value !== null && a[name] === value);

/** A value that is not there is an empty one. */
export const same = (a: Values, b: Values): boolean =>
  [...new Set([...Object.keys(a), ...Object.keys(b)])].every(
    (name) => (a[name] ?? null) === (b[name] ?? null),
  );
