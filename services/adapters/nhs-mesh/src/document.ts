/** The bytes of a message as what they are: a FHIR document in either form, or another JSON object. */
import { isObject, parseJson, treeOfJson } from './json.ts';
import { type Node, Unreadable } from './tree.ts';
import { readXml } from './xml.ts';

type Document =
  | { kind: 'fhir'; root: Node }
  /** Such as a CloudEvent. */
  | { kind: 'json'; object: Record<string, unknown> };

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
  if (!text.startsWith('{')) throw new Unreadable('not-xml-or-json');
  const object = parseJson(text);
  if (!isObject(object)) throw new Unreadable('malformed-json');
  return typeof object.resourceType === 'string'
    ? { kind: 'fhir', root: treeOfJson(object) }
    : { kind: 'json', object };
};

const decode = (body: Buffer): string => {
  try {
    return UTF8.decode(body);
  } catch {
    throw new Unreadable('unsupported-encoding');
  }
};
