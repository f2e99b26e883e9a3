/** What a file states: about a child, and about one thing that began and may have ended. */
import type { LocalIdentifier } from '@causeway/runtime/source/fact';

export type CaseKind =
  | 'care-episode'
  | 'child-missing-from-care'
  | 'child-protection-plan'
  | 'safeguarding-referral'
  | 'section47-enquiry';

/** Of these a child can have several that begin on one day. */
export const isPeriod = (kind: CaseKind): boolean => kind === 'child-missing-from-care';

/** Values of a row by our own names; null is empty, and a name that is not there is a column that the file does not have. */
export type Values = Readonly<Record<string, string | null>>;

export type Child = {
  /** Which numbers of children these are: those of the looked-after return and of the census need not be the same. */
  scheme: 'ssda903' | 'cin';
  id: string;
  sex?: string | null;
  /** `YYYY-MM-DD` */
  born?: string | null;
  expected?: string | null;
  upn?: string | null;
  /** Where the file itself says so: that it must not go out where the child is, and which organisations must not be told, or `all`. */
  restricted?: boolean;
  exclude?: string[];
};

/** The child as the subject of its events. */
export const subjectOf = ({ scheme, id }: Pick<Child, 'scheme' | 'id'>): LocalIdentifier => ({
  scheme: scheme === 'cin' ? 'la-child' : 'ssda903',
  id,
});

export type Case = {
  kind: CaseKind;
  child: Child;
  /** When it began, `YYYY-MM-DD`: with the child, what names it. */
  began: string;
  start: Values;
  /** When it ended and how; null where it goes on, undefined where the file does not say. */
  end: (Values & { date: string }) | null | undefined;
  /** What joins the cases of one child that belong together. */
  chain?: string;
};

/** A case that the file says is none. */
export type Closed = Pick<Case, 'kind' | 'child' | 'began'>;
