/** What a FHIR document says, as a tree that is the same for its XML and its JSON form. */

export type Node = {
  /** Of the element; of a resource its type. */
  name: string;
  /** Of a primitive. */
  value?: string;
  /** Of an extension: what it means. */
  url?: string;
  children: Node[];
};

/** A document that is no FHIR document, or not one that is worth reading. Its message names no value. */
export class Unreadable extends Error {
  readonly reason: UnreadableReason;
  constructor(reason: UnreadableReason) {
    super(reason);
    this.name = 'Unreadable';
    this.reason = reason;
  }
}

export type UnreadableReason =
  | 'unsupported-encoding'
  | 'not-xml-or-json'
  | 'malformed-xml'
  | 'document-type'
  | 'malformed-json'
  | 'too-deep'
  | 'too-many-elements';

/** A NEMS bundle has some hundred elements, ten or so deep. */
const DEEPEST = 40;
const MOST = 20_000;

/** Counts what is read. @throws Unreadable `too-deep`, `too-many-elements` */
export const createBounds = () => {
  let count = 0;
  return (depth: number): void => {
    count += 1;
    if (depth > DEEPEST) throw new Unreadable('too-deep');
    if (count > MOST) throw new Unreadable('too-many-elements');
  };
};

export const all = (node: Node | undefined, name: string): Node[] =>
  node?.children.filter((child) => child.name === name) ?? [];

/** The first element at the end of a path of names. */
export const at = (node: Node | undefined, ...path: string[]): Node | undefined =>
  path.reduce<Node | undefined>((found, name) => found?.children.find((child) => child.name === name), node);

/** The value there, without the space around it; undefined where there is none. */
export const valueAt = (node: Node | undefined, ...path: string[]): string | undefined =>
  at(node, ...path)?.value?.trim() || undefined;

/** The extensions of an element whose URL ends so: publishers changed where their definitions live, and kept the names. */
export const extensions = (node: Node | undefined, ending: string): Node[] =>
  all(node, 'extension').filter(({ url }) => url === ending || url?.endsWith(`/${ending}`));

/** The same text for documents that say the same, whatever their form, white space and comments. */
export const canonical = ({ name, value, url, children }: Node): string =>
  JSON.stringify([name, value ?? null, url ?? null]) +
  children
    .map((child, index) => [child.name, index, child] as const)
    .toSorted(([a, i], [b, j]) => (a === b ? i - j : a < b ? -1 : 1))
    .map(([, , child]) => `(${canonical(child)})`)
    .join('');
