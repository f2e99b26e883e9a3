/** The interest of an open case, and the safeguard of a restricted record, as records that go with the facts of a row. */

import type { Tokeniser } from '@causeway/runtime/bus/pseudonyms';
import { interestRecord, withdrawnInterestRecord } from '@causeway/runtime/reference-data/interests';
import {
  type SafeguardKind,
  safeguardRecord,
  withdrawnSafeguardRecord,
} from '@causeway/runtime/reference-data/safeguards';
import type { Registration } from '@causeway/runtime/source/registrations';
import { ADAPTER } from '../parts.ts';
import { type KnownPerson, localOf, standingTokens } from './person.ts';
import type { Stated } from './stated.ts';

/** What stands on the bus for a row: what has to be renewed, and taken back when the row goes. */
export type Stands = {
  /** The interest's reference; it is open until it has an `until`. */
  interest?: { reference: string; reason: string; since: string; until?: string };
  safeguard?: { reference: string; kind: SafeguardKind; since: string };
  /** Whose tokens it has. */
  people: readonly string[];
  /** Day on which it is said again, long before it expires or is forgotten. */
  renewOn: string;
};

/** An interest that nobody renews ends by itself: half a year after the adapter was last there. */
const EXPIRES_DAYS = 180;
const RENEW_DAYS = 60;
const REVIEW_YEARS = 1;

export type StandingContext = {
  organisation: string;
  tokeniser: Tokeniser;
  view: string;
  rowId: string;
  /** `YYYY-MM-DD` in London. */
  today: string;
  people: ReadonlyMap<string, KnownPerson>;
};

const daysLater = (day: string, days: number): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);

const yearsLater = (day: string, years: number): string =>
  `${Number(day.slice(0, 4)) + years}${day.slice(4)}`.replace('-02-29', '-02-28');

const REFERENCE = /^[A-Za-z0-9._:/-]{1,100}$/;

/** The row's own name: a case reference can be that of a whole family. */
const referenceOf = ({ organisation, tokeniser, view, rowId }: StandingContext): string =>
  `${view}:${REFERENCE.test(rowId) ? rowId : tokeniser.local(organisation, 'row', rowId)}`;

/** What is to stand for a row from now on; nothing for a case that was over before anybody was told of it. */
export const standsFor = (
  stated: Stated | undefined,
  before: Stands | undefined,
  context: StandingContext,
): Stands | undefined => {
  if (stated === undefined) return undefined;
  const { organisation, tokeniser, today } = context;
  const { personId, motherId, shields } = stated;
  const renewOn = daysLater(today, RENEW_DAYS);
  // Of an unborn child the mother comes first: it is she whom others meet.
  const people = [...(motherId === undefined ? [] : [motherId]), personId];
  if (shields !== undefined) {
    const { scheme, id } = localOf(personId);
    const reference = `${shields}:${tokeniser.local(organisation, scheme, id)}`;
    const since = before?.safeguard?.reference === reference ? before.safeguard.since : today;
    return { safeguard: { reference, kind: shields, since }, people, renewOn };
  }
  const open = stated.case;
  if (open === undefined) return undefined;
  const isOver = open.until !== undefined && open.until < today;
  if (isOver && before?.interest === undefined) return undefined;
  return { interest: { reference: referenceOf(context), ...open }, people, renewOn };
};

/** The same, for some more time. */
export const renewed = (stands: Stands, today: string): Stands => ({
  ...stands,
  renewOn: daysLater(today, RENEW_DAYS),
});

/** The records that bring the bus from the one to the other; the source leaves out those that say nothing new. */
export const standingRecords = (
  before: Stands | undefined,
  after: Stands | undefined,
  context: StandingContext,
): Registration[] => [...takenBack(before, after, context), ...said(after, context)];

/** Not left to the source's memory, which can forget its last moments in a crash: this adapter knows itself what it opened. */
const GONE = 'gone';

const aboutOf = ({ view, rowId }: StandingContext): string => `${view}:${rowId}`;

const takenBack = (
  before: Stands | undefined,
  after: Stands | undefined,
  context: StandingContext,
): Registration[] => {
  const { organisation } = context;
  const about = aboutOf(context);
  const gone: Registration[] = [];
  if (before?.interest && before.interest.reference !== after?.interest?.reference) {
    const { reference } = before.interest;
    const record = withdrawnInterestRecord(organisation, { writer: ADAPTER, reference });
    gone.push({ record, about, name: `interest ${reference}`, state: GONE });
  }
  if (before?.safeguard && before.safeguard.reference !== after?.safeguard?.reference) {
    const { reference } = before.safeguard;
    const record = withdrawnSafeguardRecord(organisation, { writer: ADAPTER, reference });
    gone.push({ record, about, name: `safeguard ${reference}`, state: GONE });
  }
  return gone;
};

const said = (after: Stands | undefined, context: StandingContext): Registration[] => {
  if (after === undefined) return [];
  const { organisation, tokeniser, today, people } = context;
  const about = aboutOf(context);
  const known = after.people.flatMap((id) => people.get(id) ?? []);
  const { tokens, demographic } = standingTokens(organisation, tokeniser, known);
  if (tokens.length === 0) return [];
  const who = { tokens, ...(demographic !== undefined && { demographic }) };
  const state = JSON.stringify({ ...after, tokens, demographic });
  if (after.safeguard !== undefined) {
    const { reference, kind, since } = after.safeguard;
    const record = safeguardRecord(organisation, {
      writer: ADAPTER,
      reference,
      kind,
      ...who,
      since,
      review: yearsLater(since, REVIEW_YEARS),
    });
    return [{ record, about, name: `safeguard ${reference}`, state }];
  }
  if (after.interest === undefined) return [];
  const { reference, reason, since, until } = after.interest;
  const expires = daysLater(today, EXPIRES_DAYS);
  const record = interestRecord(
    organisation,
    { writer: ADAPTER, reference, reason, ...who, since, ...(until !== undefined && { until }), expires },
    today,
  );
  return [{ record, about, name: `interest ${reference}`, state }];
};
