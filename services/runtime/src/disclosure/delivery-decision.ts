import type { VersionState } from '@causeway/schemas/agreements/log';
import { type AvroSchema, leavesOf } from '@causeway/schemas/avro/schema';
import { isFeedback, isIdentityLinked } from '@causeway/schemas/catalogue/event-type';
import { implies, type Where } from '@causeway/schemas/disclosure/conditions';
import { type Release, unionRelease, withoutLocations } from '@causeway/schemas/disclosure/view';
import { type Envelope, organisationOf } from '../bus/envelope.ts';
import type { SafeguardKind } from '../reference-data/safeguards.ts';
import { filterFields } from './field-filter.ts';
import { GATES, type GateQuestion, type WithheldReason } from './gates.ts';
import type { PolicySnapshot } from './policy-snapshot.ts';
import { answeredBy, reference, ruleKey } from './release-decision.ts';

/**
 * What lies in an inbox was released when it was put there. Whoever hands it over, delivers, redrives or replays it asks here
 * whether it still may and how much of it: agreements end, a new version of one can grant less, and people come under
 * protection.
 */
export type DeliveryDecision =
  /** The event as it may be handed over: `agreement` names what it is released under now, `data` holds no more than that. */
  | { outcome: 'release'; event: Envelope; data: unknown }
  | { outcome: 'withhold'; reason: WithheldReason | 'cannot-project' };

/** A record of an inbox, decoded. */
export type InboxRecord = {
  event: Envelope;
  data: unknown;
  /** What the value was written with: the view. */
  schema: AvroSchema;
};

/** A record whose data are decoded only where something asks for them. */
type UnreadRecord = Omit<InboxRecord, 'data'> & { data(): unknown };

/** What the agreements say about a record: `release` names what of it may be handed over, null where it goes out as it is. */
type Ruled =
  | { outcome: 'release'; event: Envelope; release: Release | null }
  | { outcome: 'withhold'; reason: WithheldReason | 'cannot-project' };

/**
 * Decides whether an inbox record may be handed over now, and how much of it. An agreement counts only if it put the event
 * there and, in the version that counts today, names this source, type and recipient and lets it through every gate that can be asked
 * again: term, ceiling, handling, history, safeguards by the subject, conditions and audience. What the record
 * does not hold and the version in force asks anew is taken as not met. Where each agreement counts in the version that put the
 * event there, it goes out as it is, else as far as those that remain release it today.
 * The data of the record is looked at only where a condition asks for it. Pure: the same question always has the same answer.
 */
export const evaluate = (ruling: PolicySnapshot, record: UnreadRecord, recipient: string): Ruled => {
  const { event } = record;
  if (isFeedback(event.type))
    return answeredBy(event) === recipient
      ? { outcome: 'release', event, release: null }
      : { outcome: 'withhold', reason: 'not-active' };
  const safeguards = ruling.protecting([event.subject]);
  if (safeguards.length > 0) return findOut(ruling, record, recipient, new Set(safeguards)).ruled;
  const known = usualOf(ruling);
  const usual = known.find(event, recipient);
  if (usual !== undefined)
    return usual.outcome === 'release' ? { ...usual, event: asUsual(event, usual) } : usual;
  const { ruled, looked } = findOut(ruling, record, recipient, NOTHING);
  // What did not depend on the record's data is the same for every other record like it.
  if (!looked) known.keep(event, recipient, ruled);
  return ruled;
};

/** As `evaluate`, with the data as far as it may be handed over. */
export const authoriseDelivery = (
  ruling: PolicySnapshot,
  record: InboxRecord,
  recipient: string,
): DeliveryDecision => {
  const { data } = record;
  const ruled = evaluate(ruling, { ...record, data: () => data }, recipient);
  if (ruled.outcome === 'withhold') return ruled;
  const { event, release } = ruled;
  return { outcome: 'release', event, data: release === null ? data : filterFields(data, release) };
};

const NOTHING: ReadonlySet<SafeguardKind> = new Set();
const MOST_USUAL = 10_000;

type Usual = {
  find(event: Envelope, recipient: string): Ruled | undefined;
  keep(event: Envelope, recipient: string, ruled: Ruled): void;
};

/** What was found out for records that are alike in everything that gates look at. Those of one batch mostly are. */
const createUsual = (): Usual => {
  const known = new Map<string, Ruled>();
  let last: { event: Envelope; recipient: string; ruled: Ruled } | undefined;
  return {
    find(event, recipient) {
      if (last !== undefined && last.recipient === recipient && areAlike(last.event, event))
        return last.ruled;
      const ruled = known.get(keyOf(event, recipient));
      if (ruled !== undefined) last = { event, recipient, ruled };
      return ruled;
    },
    keep(event, recipient, ruled) {
      if (known.size < MOST_USUAL) known.set(keyOf(event, recipient), ruled);
    },
  };
};

const usuals = new WeakMap<PolicySnapshot, Usual>();

const usualOf = (ruling: PolicySnapshot): Usual => {
  const usual = usuals.get(ruling) ?? createUsual();
  usuals.set(ruling, usual);
  return usual;
};

const keyOf = (event: Envelope, recipient: string): string =>
  `${recipient} ${event.source} ${event.type} ${event.classification} ${event.replay} ${event.match} ${event.inResponseTo} ${event.agreement} ${event.handling} ${event.exclude}`;

/** Whether their keys are certain to be the same. Events that were read one after the other share their lists. */
const areAlike = (one: Envelope, other: Envelope): boolean =>
  one.source === other.source &&
  one.type === other.type &&
  one.classification === other.classification &&
  one.replay === other.replay &&
  one.match === other.match &&
  one.inResponseTo === other.inResponseTo &&
  one.agreement === other.agreement &&
  one.handling === other.handling &&
  one.exclude === other.exclude;

const asUsual = (
  event: Envelope,
  { event: { agreement }, release }: Ruled & { outcome: 'release' },
): Envelope =>
  release === null && sameList(event.agreement, agreement)
    ? event
    : { ...(release === null ? event : withAttributes(event, release)), agreement };

const sameList = (one: readonly string[], other: readonly string[]): boolean =>
  one === other || (one.length === other.length && one.every((item, index) => item === other[index]));

const findOut = (
  ruling: PolicySnapshot,
  record: UnreadRecord,
  recipient: string,
  safeguards: ReadonlySet<SafeguardKind>,
): { ruled: Ruled; looked: boolean } => {
  const { event } = record;
  const candidates = candidatesFor(ruling, event, recipient);
  const asked = candidates.map((version) => refusalOf({ ruling, record, recipient, version, safeguards }));
  const looked = asked.some((one) => one.looked);
  const inForce = candidates.filter((_, index) => asked[index]?.refusal === null);
  if (inForce.length === 0)
    return { ruled: { outcome: 'withhold', reason: furthest(asked.map(({ refusal }) => refusal)) }, looked };
  const agreement = inForce.map(reference);
  const unchanged =
    event.agreement.every((named) => agreement.includes(named)) && !safeguards.has('shielded');
  if (unchanged)
    return { ruled: { outcome: 'release', event: { ...event, agreement }, release: null }, looked };
  const union = unionRelease(inForce.flatMap(({ record: { release } }) => release[event.type] ?? []));
  if ('problem' in union) return { ruled: { outcome: 'withhold', reason: 'cannot-project' }, looked };
  const release = safeguards.has('shielded') ? withoutLocations(union, record.schema) : union;
  return {
    ruled: { outcome: 'release', event: { ...withAttributes(event, release), agreement }, release },
    looked,
  };
};

const candidatesFor = (ruling: PolicySnapshot, event: Envelope, recipient: string): VersionState[] => {
  if (isIdentityLinked(event.type)) return [];
  const source = organisationOf(event.source) ?? '';
  const counting = ruling.rules.get(ruleKey(source, event.type))?.get(recipient) ?? [];
  const ids = new Set(event.agreement.map((named) => named.slice(0, named.indexOf('/'))));
  return counting.filter(({ record }) => ids.has(record.id));
};

type Asked = {
  ruling: PolicySnapshot;
  record: UnreadRecord;
  recipient: string;
  version: VersionState;
  safeguards: GateQuestion['safeguards'];
};

/** `looked`: whether the answer depends on the record's data. */
const refusalOf = ({
  ruling,
  record,
  recipient,
  version,
  safeguards,
}: Asked): { refusal: WithheldReason | null; looked: boolean } => {
  const { event } = record;
  const before = releasedUnder(ruling, event, version);
  const sibling = version.record.release[event.type]?.sibling;
  const where = sibling?.where ?? version.record.agreement.where ?? {};
  const met = before !== undefined && implies(whereOf(before, event.type), where);
  const asked: GateQuestion = {
    event,
    organisation: { id: recipient, handlingAccepted: ruling.handlingAccepted(recipient, event.handling) },
    version,
    safeguards,
    where: met ? {} : where,
    data: met ? null : exactly(record, before),
    isSibling: sibling !== undefined,
    known: (reasons) => knownThen(before, reasons, event),
    today: ruling.today,
  };
  return { refusal: GATES.find(([, refuses]) => refuses(asked))?.[0] ?? null, looked: !met };
};

const furthest = (refusals: readonly (WithheldReason | null)[]): WithheldReason =>
  GATES.findLast(([gate]) => refusals.includes(gate))?.[0] ?? 'not-active';

/** The version of the same agreement that put the event into the inbox. */
const releasedUnder = (ruling: PolicySnapshot, event: Envelope, { record }: VersionState) => {
  const named = event.agreement.find((one) => one.slice(0, one.indexOf('/')) === record.id);
  return named === undefined ? undefined : ruling.version(named);
};

const whereOf = ({ record }: VersionState, type: string): Where =>
  record.release[type]?.sibling?.where ?? record.agreement.where ?? {};

/** The record's own fields; what it holds in a general form only says nothing exact and is left out. */
const exactly = ({ event, data, schema }: UnreadRecord, before: VersionState | undefined): unknown => {
  const general = before?.record.release[event.type]?.generalise ?? {};
  const exact = leavesOf(schema).filter(({ path }) => !Object.hasOwn(general, path));
  return filterFields(data(), { leaves: exact.map(({ path }) => path), generalise: {} });
};

/** Whom a recipient knows is looked up when an event is released: an inbox holds nothing to look them up by. */
const knownThen = (before: VersionState | undefined, reasons: readonly string[], { match }: Envelope) => {
  const audience = before?.record.agreement.audience;
  const asked = typeof audience === 'object' ? audience.knownAs : null;
  return asked?.every((reason) => reasons.includes(reason)) ? (match ?? null) : null;
};

const withAttributes = ({ correlationId, ...event }: Envelope, { attributes = [] }: Release): Envelope =>
  correlationId !== undefined && attributes.includes('correlationId') ? { ...event, correlationId } : event;
