import {
  type Agreement,
  type AgreementStatus,
  agreementDigest,
} from '@causeway/schemas/agreements/agreement';
import { checkAgreement } from '@causeway/schemas/agreements/checks';
import {
  type AgreementRecord,
  type AgreementsState,
  type StatusRecord,
  type VersionRecord,
  type VersionState,
  versionKey,
} from '@causeway/schemas/agreements/log';
import { expandAgreement } from '@causeway/schemas/agreements/release';
import type { EventType } from '@causeway/schemas/catalogue/catalogue';
import { mixtureProblem } from '@causeway/schemas/disclosure/view';
import { type ErrorCode, PermanentError } from '../errors.ts';

/**
 * What it takes to change an agreement, decided from the fold of the agreements topic alone. The deployment step, the
 * command and the console all go through here; `openConsoleLedger` writes what comes out.
 */

/** Who changes something: a person's subject or a tool, and the organisation that he acts for where there is one. */
export type Author = { by: string; organisation?: string };

/** Against which event types and organisations a version is checked, and the registry's ids of the event schemas. */
export type AgreementWorld = {
  catalogue: readonly EventType[];
  schemaIds: ReadonlyMap<string, number>;
  organisations: readonly string[];
};

/**
 * A change that is refused. Codes: `unknown-agreement`, `version-exists`, `version-not-next`, `other-source`,
 * `agreement-refused` (with all problems), `not-possible`, `nothing-to-change`.
 */
export class ChangeRefused extends PermanentError {
  readonly problems: string[];

  constructor(code: ErrorCode, message: string, problems: string[] = []) {
    super(code, [message, ...problems.map((problem) => `  ${problem}`)].join('\n'));
    this.name = 'ChangeRefused';
    this.problems = problems;
  }
}

/** Every version of an agreement, in order. */
export const versionsOf = (state: AgreementsState, id: string): VersionState[] =>
  [...state.versions.values()]
    .filter(({ record }) => record.id === id)
    .sort((a, b) => a.record.version - b.record.version);

/** The version with the highest number, whatever its status. */
export const latestVersion = (state: AgreementsState, id: string): VersionState | undefined =>
  versionsOf(state, id).at(-1);

/**
 * The records that load a version, with its leaves pinned to today's event schemas and the status that it is to have.
 * @throws ChangeRefused with everything that is wrong
 */
export const versionRecords = (
  state: AgreementsState,
  agreement: Agreement,
  world: AgreementWorld,
  { by, reason, at }: { by: string; reason: string; at: string },
): AgreementRecord[] => {
  const { id, version, status } = agreement;
  const key = versionKey(agreement);
  const known = state.versions.get(key);
  if (known)
    throw new ChangeRefused(
      'version-exists',
      `${key} was loaded before${known.record.digest === agreementDigest(agreement) ? '' : ' with other content'}; a change needs the next version number`,
    );
  const latest = latestVersion(state, id);
  if (latest && latest.record.version > version)
    throw new ChangeRefused(
      'version-not-next',
      `${id} has version ${latest.record.version} already; a change needs a higher number`,
    );
  if (latest && latest.record.agreement.from !== agreement.from)
    throw new ChangeRefused(
      'other-source',
      `${id} is an agreement of ${latest.record.agreement.from}; another source needs another id`,
    );
  const record = versionRecord(agreement, world, { by, at });
  const problems = [
    ...loadProblems(agreement, world),
    ...(status === 'active' ? [...approvalsToCome(agreement, at), ...mixtureProblems(state, record)] : []),
  ];
  if (problems.length > 0) throw new ChangeRefused('agreement-refused', `${key} is refused:`, problems);
  return status === 'draft' ? [record] : [record, { kind: 'status', id, version, status, reason, by, at }];
};

/** What is wrong with an agreement besides its own text: organisations that do not exist. */
const loadProblems = (agreement: Agreement, { organisations }: Pick<AgreementWorld, 'organisations'>) =>
  [agreement.from, ...agreement.to]
    .filter((party) => !organisations.includes(party))
    .map((party) => `there is no organisation ${party}`);

/**
 * The record that changes the status of a version. It is checked in the state it will be written to.
 * @throws ChangeRefused
 */
export const statusRecord = (
  state: AgreementsState,
  change: { id: string; version?: number; status: AgreementStatus; reason: string; by: string; at: string },
  today: string,
): StatusRecord => {
  const { id, status, reason, by, at } = change;
  const target = targetOf(state, change);
  const { record } = target;
  const key = versionKey(record);
  if (reason.trim() === '') throw new ChangeRefused('not-possible', 'A change needs a reason');
  if (status === 'draft') throw new ChangeRefused('not-possible', 'Nothing becomes a draft again');
  if (target.status === status) throw new ChangeRefused('nothing-to-change', `${key} is ${status} already`);
  if (target.status === 'ended')
    throw new ChangeRefused('not-possible', `${key} has ended, which is final; load a new version`);
  if (status === 'suspended' && target.status === 'draft')
    throw new ChangeRefused(
      'not-possible',
      `${key} is a draft and releases nothing; there is nothing to suspend`,
    );
  if (status === 'active') {
    const problems = activationProblems(state, record, today);
    if (problems.length > 0)
      throw new ChangeRefused('agreement-refused', `${key} cannot become active:`, problems);
  }
  return { kind: 'status', id, version: record.version, status, reason, by, at };
};

/** Without a version: the one that counts now; for activation the latest, which is what a person means by it. */
const targetOf = (
  state: AgreementsState,
  { id, version, status }: { id: string; version?: number; status: AgreementStatus },
): VersionState => {
  const versions = versionsOf(state, id);
  if (versions.length === 0) throw new ChangeRefused('unknown-agreement', `There is no agreement ${id}`);
  const found =
    version !== undefined
      ? versions.find(({ record }) => record.version === version)
      : status === 'active'
        ? versions.at(-1)
        : (versions.findLast((one) => one.status === 'active' || one.status === 'suspended') ??
          versions.at(-1));
  if (found) return found;
  const there = versions.map(({ record }) => record.version).join(', ');
  throw new ChangeRefused('unknown-agreement', `${id} has no version ${version}; there are ${there}`);
};

/** Why a loaded version may not become active: approvals, assessment, legal gateways, its days, what it would meet. */
const activationProblems = (state: AgreementsState, record: VersionRecord, today: string): string[] => {
  const { agreement } = record;
  const own = checkAgreement({ ...agreement, status: 'active' }).map(
    ({ path, message }) => `${path.join('.')}: ${message}`,
  );
  const over = agreement.valid.until < today ? [`valid.until: was over on ${agreement.valid.until}`] : [];
  return [...own, ...over, ...approvalsToCome(agreement, today), ...mixtureProblems(state, record)];
};

/** Who will have agreed some day has not agreed. `now`: a civil date or a time, empty where there is no clock. */
const approvalsToCome = ({ parties, dpia }: Agreement, now: string): string[] => {
  const today = now.slice(0, 'YYYY-MM-DD'.length);
  const dates = [
    ...Object.entries(parties).map(([id, { approvedAt }]) => [`parties.${id}.approvedAt`, approvedAt]),
    ['dpia.approvedAt', dpia?.approvedAt],
  ];
  return dates.flatMap(([path, date]) =>
    today !== '' && date !== undefined && date > today
      ? [`${path}: is on ${date}, which is still to come`]
      : [],
  );
};

/**
 * Agreements that are active between the same two organisations for one event type can pass together, and the view is
 * then their union: forms that cannot be combined are found here and not by the first event.
 */
const mixtureProblems = (state: AgreementsState, record: VersionRecord): string[] => {
  const { agreement, release } = record;
  const others = [...state.versions.values()].filter(
    (other) =>
      other.status === 'active' &&
      other.record.id !== record.id &&
      other.record.agreement.from === agreement.from,
  );
  return Object.entries(release).flatMap(([type, own]) =>
    others.flatMap(({ record: other }) => {
      const shared = other.agreement.to.filter((recipient) => agreement.to.includes(recipient));
      const theirs = other.release[type];
      if (shared.length === 0 || !theirs) return [];
      const problem = mixtureProblem([own, theirs]);
      return problem
        ? [`${type} to ${shared.join(', ')}, together with ${versionKey(other)}: ${problem}`]
        : [];
    }),
  );
};

const versionRecord = (
  agreement: Agreement,
  { catalogue, schemaIds }: AgreementWorld,
  { by, at }: { by: string; at: string },
): VersionRecord => {
  const { release, problems } = expandAgreement(agreement, catalogue);
  if (problems.length > 0)
    throw new ChangeRefused(
      'agreement-refused',
      `${versionKey(agreement)} is refused:`,
      problems.map(({ path, message }) => `${path.join('.')}: ${message}`),
    );
  const pinned = Object.entries(release).map(([type, released]) => {
    const schemaId = schemaIds.get(type);
    if (schemaId === undefined) throw new Error(`${type} has no schema id`);
    return [type, { ...released, schemaId }] as const;
  });
  const { id, version } = agreement;
  const digest = agreementDigest(agreement);
  return { kind: 'version', id, version, agreement, release: Object.fromEntries(pinned), digest, by, at };
};
