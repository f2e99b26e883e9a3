/** The bytes of a message as what they are: a FHIR document in either form, or another JSON object. */
import { isObject, parseJson, treeOfJson } from './json.ts';
import { type Node, Unreadable } from './tree.ts';
import { readXml } from './xml.ts';

type Document =
  | { kind: 'fhir'; root: Node }
  /** Such as CloudEvents: one, or a batch of them. */
  | { kind: 'json'; objects: Record<string, unknown>[] };

const MOST_TOGETHER = 1_000;
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** @throws Unreadable */
export const readDocument = (body: Buffer): Document => {
  const text = decode(body).trimStart();
  if (text.startsWith('<')) {
    const encoding = /^<\?xml[^>]*\sencoding\s*=\s*["']([^"']*)["']/.exec(text)?.[1];
    if (encoding !== undefined && !/^(utf-8|us-ascii)$/i.test(encoding))
      throw new Unreadable('unsupported-encoding');
    return { kind: 'fhir', root: readXml(text) };
  }
  if (!/^[{[]/.test(text)) throw new Unreadable('not-xml-or-json');
  const parsed = parseJson(text);
  if (isObject(parsed))
    return typeof parsed.resourceType === 'string'
      ? { kind: 'fhir', root: treeOfJson(parsed) }
      : { kind: 'json', objects: [parsed] };
  const objects = Array.isArray(parsed) && parsed.every(isObject) ? parsed : [];
  if (objects.length > MOST_TOGETHER) throw new Unreadable('too-many-elements');
  return { kind: 'json', objects };
};

const decode = (body: Buffer): string => {
  try {
    return UTF8.decode(body);
  } catch {
    throw new Unreadable('unsupported-encoding');
  }
};
