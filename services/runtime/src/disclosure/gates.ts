import type { VersionState } from '@causeway/schemas/agreements/log';
import { couldHaveMet, meetsWhere, type Where } from '@causeway/schemas/disclosure/conditions';
import type { Envelope } from '../bus/envelope.ts';
import { addDays } from '../bus/person-record.ts';
import type { Organisation } from '../reference-data/organisations.ts';
import type { Match } from '../reference-data/person-index.ts';
import type { SafeguardKind } from '../reference-data/safeguards.ts';

/** Why an event was withheld from an organisation that an agreement names. */
export type WithheldReason =
  | 'not-active'
  | 'expired'
  | 'review-overdue'
  | 'source-restricted'
  | 'processing-restricted'
  | 'above-ceiling'
  | 'handling-not-accepted'
  | 'history-not-agreed'
  | 'condition-not-met'
  | 'not-known'
  | 'no-inbox';

/** What a gate looks at. */
export type GateQuestion = {
  event: Pick<Envelope, 'classification' | 'handling' | 'exclude' | 'replay' | 'inResponseTo'>;
  organisation: Pick<Organisation, 'id' | 'handlingAccepted'>;
  version: VersionState;
  safeguards: ReadonlySet<SafeguardKind>;
  /** The agreement's conditions in the paths of this event's type. */
  where: Where;
  data: unknown;
  isSibling: boolean;
  /** How certain it is that the organisation knows the person for one of the reasons. */
  known(reasons: readonly string[]): Match | null;
  today: string;
};

/** Whether the event is refused. */
type Gate = (question: GateQuestion) => boolean;

/** The gates that look at the agreement alone: why a version releases nothing at all on that day, or null. */
export const termRefusal = (
  { status, record: { agreement } }: VersionState,
  today: string,
): 'not-active' | 'expired' | 'review-overdue' | null => {
  const { from, until, review, graceDays } = agreement.valid;
  if (status !== 'active' || from > today) return 'not-active';
  if (until < today) return 'expired';
  return review !== undefined && addDays(review, graceDays ?? 0) < today ? 'review-overdue' : null;
};

/** Whether the source has said that the organisation must not have the event. */
export const isExcluded = ({ exclude }: Pick<Envelope, 'exclude'>, recipient: string): boolean =>
  exclude.includes('all') || exclude.includes(recipient);

const isAboveCeiling: Gate = ({ event, version }) =>
  event.classification === 'OFFICIAL-SENSITIVE' && version.record.agreement.marking.ceiling === 'OFFICIAL';

const isUnacceptedHandling: Gate = ({ event, organisation, version }) =>
  !event.handling.every(
    (code) =>
      organisation.handlingAccepted.includes(code) &&
      version.record.agreement.marking.handling.includes(code),
  );

const isRestricted: Gate = ({ safeguards }) =>
  safeguards.has('processing-restricted') || safeguards.has('objection-upheld');

const isUnmet: Gate = ({ where, data, isSibling }) =>
  !(isSibling ? couldHaveMet(where, data) : meetsWhere(where, data));

/** Outside the audience: not the one whose event it answers, or nobody whom the recipient knows. */
const isOutside: Gate = ({ event, organisation, version, known }) => {
  const { audience, matching } = version.record.agreement;
  if (audience === 'all') return false;
  if (audience === 'originator') return !event.inResponseTo?.startsWith(`/${organisation.id}/`);
  const match = known(audience.knownAs);
  return match === null || (match === 'possible' && matching !== 'demographic');
};

/** In this order. What looks up people comes last: nobody is looked up for what is withheld anyway. */
export const GATES: readonly (readonly [WithheldReason, Gate])[] = [
  ['not-active', ({ version, today }) => termRefusal(version, today) === 'not-active'],
  ['expired', ({ version, today }) => termRefusal(version, today) === 'expired'],
  ['review-overdue', ({ version, today }) => termRefusal(version, today) === 'review-overdue'],
  ['source-restricted', ({ event, organisation }) => isExcluded(event, organisation.id)],
  ['processing-restricted', isRestricted],
  ['above-ceiling', isAboveCeiling],
  ['handling-not-accepted', isUnacceptedHandling],
  ['history-not-agreed', ({ event, version }) => event.replay && version.record.agreement.history !== true],
  ['condition-not-met', isUnmet],
  ['not-known', isOutside],
];
