import type { AvroSchema, Leaf } from './schema.ts';
import { leavesOf } from './schema.ts';

type Expansion = { leaves: string[]; problems: string[] };

/**
 * Expands paths to the leaves they stand for, in writer order and without repetition. A path names a leaf
 * (`person.sex`) or a block (`person.name`); `[]` steps into an array of records (`children[].name`).
 * An unknown path is a problem and stands for nothing.
 */
export function expandPaths(schema: AvroSchema, paths: readonly string[]): Expansion {
  const leaves = leavesOf(schema);
  const index = indexPaths(leaves);
  const found = new Set<string>();
  const problems: string[] = [];
  for (const path of paths) {
    const named = index.get(path);
    if (named) for (const leaf of named) found.add(leaf.path);
    else problems.push(unknownPath(path, index));
  }
  return { leaves: leaves.map(({ path }) => path).filter((path) => found.has(path)), problems };
}

/** The leaves that each path of a schema stands for, blocks included. */
export function indexPaths(leaves: readonly Leaf[]): ReadonlyMap<string, Leaf[]> {
  const index = new Map<string, Leaf[]>();
  for (const leaf of leaves) {
    for (const path of pathsTo(leaf)) index.set(path, [...(index.get(path) ?? []), leaf]);
  }
  return index;
}

function pathsTo(leaf: Leaf): string[] {
  const paths: string[] = [];
  let prefix = '';
  for (const part of leaf.path.split('.')) {
    if (part.endsWith('[]')) paths.push(prefix + part.slice(0, -2));
    paths.push(prefix + part);
    prefix += `${part}.`;
  }
  if (leaf.inArray) paths.push(`${leaf.path}[]`);
  return paths;
}

/** What is wrong with a path that names nothing; says how to step into an array where that was forgotten. */
export function unknownPath(path: string, index: ReadonlyMap<string, unknown>): string {
  const bare = path.replaceAll('[]', '');
  const meant = [...index.keys()].find((known) => known.replaceAll('[]', '') === bare);
  return meant ? `${path}: write ${meant}, [] steps into an array` : `${path}: no such field`;
}

/** Whether one path is the other or lies inside it: `person.name` and `person.name.familyName`. */
export function overlap(one: string, other: string): boolean {
  const [a, b] = [one.replaceAll('[]', ''), other.replaceAll('[]', '')];
  return a === b || a.startsWith(`${b}.`) || b.startsWith(`${a}.`);
}
