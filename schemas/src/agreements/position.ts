import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type LineCounter } from 'yaml';

/** Line and column of an offset in the text, both starting at 1. */
export function at(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

/**
 * Where a path of an agreement stands in its YAML text: the value, or with `atKey` the key of its last step. A path
 * that is not there gives the nearest part above it.
 */
export function offsetOf(document: Document, path: ReadonlyArray<string | number>, atKey: boolean): number {
  let offset = startOf(document.contents) ?? 0;
  let node: unknown = document.contents;
  for (const [index, step] of path.entries()) {
    const child = childOf(isAlias(node) ? node.resolve(document) : node, step);
    if (!child) break;
    const last = index === path.length - 1;
    offset = (atKey && last ? child.key : undefined) ?? startOf(child.value) ?? child.key ?? offset;
    node = child.value;
  }
  return offset;
}

function childOf(
  node: unknown,
  step: string | number,
): { key: number | undefined; value: unknown } | undefined {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => String(isScalar(key) ? key.value : key) === String(step));
    return pair && { key: startOf(pair.key), value: pair.value };
  }
  if (isSeq(node) && typeof step === 'number' && step < node.items.length) {
    return { key: undefined, value: node.items[step] };
  }
  return undefined;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
