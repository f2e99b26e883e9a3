/** FHIR in JSON as the tree that its XML form would be. */
import { createBounds, type Node, Unreadable } from './tree.ts';

/** @throws Unreadable `malformed-json` */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw new Unreadable('malformed-json');
  }
};

type Json = Record<string, unknown>;
export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** @throws Unreadable */
export const treeOfJson = (resource: Json): Node => {
  const bounds = createBounds();

  const element = (name: string, value: unknown, beside: unknown, depth: number): Node => {
    bounds(depth);
    const own = isObject(value) ? members(value, depth) : [];
    const more = isObject(beside) ? members(beside, depth) : [];
    const children = [...own, ...more];
    const url = children.find((child) => child.name === 'url')?.value;
    const isExtension = name === 'extension' || name === 'modifierExtension';
    return {
      name,
      ...(isPrimitive(value) && { value: String(value) }),
      ...(isExtension && url !== undefined && { url }),
      children: isExtension ? children.filter((child) => child.name !== 'url') : children,
    };
  };

  /** A list is the element once for each item; `_name` holds what a primitive has besides its value. */
  const members = (object: Json, depth: number): Node[] => {
    const type = object.resourceType;
    if (typeof type === 'string') {
      const { resourceType: _, ...rest } = object;
      return [element(type, rest, undefined, depth + 1)];
    }
    const names = new Set(Object.keys(object).map((name) => name.replace(/^_/, '')));
    return [...names].flatMap((name) => {
      const values = listOf(object[name]);
      const beside = listOf(object[`_${name}`]);
      const count = Math.max(values.length, beside.length);
      return Array.from({ length: count }, (_, index) =>
        element(name, values[index], beside[index], depth + 1),
      );
    });
  };

  const [root] = members(resource, 0);
  if (root === undefined) throw new Unreadable('malformed-json');
  return root;
};

const listOf = (value: unknown): unknown[] =>
  value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];

const isPrimitive = (value: unknown): boolean => ['string', 'number', 'boolean'].includes(typeof value);
