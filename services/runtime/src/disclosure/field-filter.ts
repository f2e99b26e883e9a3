import { applyGeneralise } from '@causeway/schemas/disclosure/generalisers';
import type { Release } from '@causeway/schemas/disclosure/view';

/** The decoded fields of a record without what `release` does not grant, the rest in the form that it grants. */
export const filterFields = (data: unknown, release: Pick<Release, 'leaves' | 'generalise'>): unknown =>
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
