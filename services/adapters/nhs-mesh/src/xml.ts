/** FHIR in XML as a tree. Anything that could expand, such as a document type, is refused. */
import { SaxesParser } from 'saxes';
import { createBounds, type Node, Unreadable } from './tree.ts';

const FHIR = 'http://hl7.org/fhir';

/** @throws Unreadable */
export const readXml = (text: string): Node => {
  const parser = new SaxesParser({ xmlns: true, position: false });
  const bounds = createBounds();
  const open: (Node | undefined)[] = [];
  let root: Node | undefined;
  parser.on('doctype', () => {
    throw new Unreadable('document-type');
  });
  parser.on('error', () => {
    throw new Unreadable('malformed-xml');
  });
  parser.on('opentag', ({ local, uri, attributes }) => {
    bounds(open.length + 1);
    const parent = open.at(-1);
    // Elements of another language, such as the XHTML of a narrative, are no data; nor is what lies in them.
    if (uri !== FHIR || (open.length > 0 && parent === undefined)) return void open.push(undefined);
    const [value, url] = [attributes.value?.value, attributes.url?.value];
    const node: Node = {
      name: local,
      ...(value !== undefined && { value }),
      ...(url !== undefined && { url }),
      children: [],
    };
    if (parent === undefined) root = node;
    else parent.children.push(node);
    open.push(node);
  });
  parser.on('closetag', () => {
    open.pop();
  });
  parser.write(text).close();
  if (root === undefined) throw new Unreadable('malformed-xml');
  return root;
};
