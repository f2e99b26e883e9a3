import { applyGeneralise } from '@causeway/schemas/generalisers';
import { type Release, unionRelease } from '@causeway/schemas/view';
import { type Rulebook, reference, ruleKey, termRefusal, type WithheldReason } from './decide.ts';
import { type Envelope, organisationOf } from './event.ts';

/**
 * What lies in an inbox was released when it was put there. Whoever hands it over, redrives or replays it asks here
 * whether it still may: agreements end, and a new version of one can grant less.
 */
export type HandOver =
  /** Under `agreements` (`<id>/<version>`), and as much of it as `release` says. */
  | { outcome: 'release'; agreements: string[]; release: 'whole' | Release }
  | { outcome: 'withhold'; reason: WithheldReason | 'cannot-project' };

export type HandOverQuestion = {
  rules: Rulebook;
  /** As it lies in the inbox: `agreement` names the versions that put it there. */
  event: Pick<Envelope, 'source' | 'type' | 'agreement'>;
  recipient: string;
  /** Civil date in the United Kingdom, `YYYY-MM-DD`. */
  today: string;
};

/**
 * Decides whether an inbox record may be handed over now. An agreement counts only if it put the event there and, in the
 * version that counts today, is active, in its term, and names this source, type and recipient. Where each of them
 * still counts in the same version, the record goes out as it is; otherwise it is narrowed to what those that remain
 * release today. It looks at status and term only: a newer version's conditions are not put to the event again.
 * Pure: the same question always has the same answer.
 */
export const handOver = ({ rules, event, recipient, today }: HandOverQuestion): HandOver => {
  const counting = rules.get(ruleKey(organisationOf(event.source) ?? '', event.type))?.get(recipient) ?? [];
  const ids = new Set(event.agreement.map((named) => named.slice(0, named.indexOf('/'))));
  const candidates = counting.filter(({ record }) => ids.has(record.id));
  const refusals = candidates.map((version) => termRefusal(version, today));
  const inForce = candidates.filter((_, index) => refusals[index] === null);
  const [first] = inForce;
  if (first === undefined) return { outcome: 'withhold', reason: refusals[0] ?? 'not-active' };

  const agreements = inForce.map(reference);
  if (event.agreement.every((named) => agreements.includes(named))) {
    return { outcome: 'release', agreements, release: 'whole' };
  }
  const release = unionRelease(inForce.flatMap(({ record }) => record.release[event.type] ?? []));
  if ('problem' in release) return { outcome: 'withhold', reason: 'cannot-project' };
  return { outcome: 'release', agreements, release };
};

/** The decoded fields of a record without what `release` does not grant, the rest in the form that it grants. */
export const narrow = (data: unknown, release: Release): unknown =>
  applyGeneralise(keep(data, branchesOf(release.leaves)), release.generalise);

/** The leaves as a tree of field names; a leaf has no branches. */
type Branches = Map<string, Branches>;

const branchesOf = (leaves: readonly string[]): Branches => {
  const root: Branches = new Map();
  for (const leaf of leaves) {
    let branches = root;
    for (const step of leaf.replaceAll('[]', '').split('.')) {
      const next: Branches = branches.get(step) ?? new Map();
      branches.set(step, next);
      branches = next;
    }
  }
  return root;
};

const keep = (value: unknown, branches: Branches): unknown => {
  if (Array.isArray(value)) return value.map((item) => keep(item, branches));
  if (branches.size === 0 || typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).flatMap(([name, inner]) => {
    const next = branches.get(name);
    return next === undefined ? [] : [[name, keep(inner, next)] as const];
  });
  return Object.fromEntries(kept);
};
