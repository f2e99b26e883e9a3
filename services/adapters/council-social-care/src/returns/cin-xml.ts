/**
 * The children of a Children in need census file, one by one as the text comes. The text is cut at the beginning of each child, and each piece
 * is read alone: an error never reaches the next child, wherever a reader would have noticed it.
 */
import { SaxesParser } from 'saxes';
import { isReadable, UNREADABLE_CHARACTERS } from './encoding.ts';

/** An element: its name in small letters and without a prefix, its own text, and what is in it. */
export type Element = { name: string; line: number; text: string; elements: Element[] };

export type ReadChild =
  | { kind: 'child'; number: number; line: number; element: Element }
  | { kind: 'broken'; number: number; line: number; reason: string };

type CensusReader = {
  /** @throws FileRefused for a document that is no census at all */
  take(text: string): ReadChild[];
  end(): ReadChild[];
  /** The year that the document says it is about; null where it does not. */
  year(): string | null;
  /** What is wrong outside the children, with its line; it loses none of them. */
  faults(): string[];
};

/** The file as a whole is not taken. The message is for its receipt. */
export class FileRefused extends Error {}

/** A child with more than this is none. */
const MOST_ELEMENTS = 20_000;
const MOST_TEXT = 4_000_000;
const MOST_DEPTH = 40;
const MOST_FAULTS = 20;
const LONGEST_TAG = 100;
/** Where a child begins, whatever is around it. */
export const NEXT_CHILD = /<(?:[\w.-]+:)?child(?=[\s/>])/gi;
const OF_A_CHILD = /<\/?(?:[\w.-]+:)?(?:child(?=[\s/>])|childidentifiers|lachildid|cindetails)/i;
/** One that is not closed reaches to the end: so this takes one pass, whatever the text. */
const HIDDEN = /<!--[\s\S]*?(?:-->|$)|<!\[CDATA\[[\s\S]*?(?:\]\]>|$)/g;
const END_TAG = /<\/[\w.:-]{1,100}\s{0,100}>/g;
const MESSAGE_END = /<\/(?:[\w.-]+:)?message\s*>/i;
/** Collections of the same department that also come as a Message. */
const OTHER_COLLECTION = /^(SC|SCHOOL ?CENSUS|AP|PRU|EYC|EYS|SWF|SWFC|PHX|PHO|KS\d)$/i;

const local = (name: string): string => name.slice(name.indexOf(':') + 1).toLowerCase();
const linesIn = (text: string): number => text.split('\n').length - 1;

export const createCensusReader = (): CensusReader => {
  const faults: string[] = [];
  let year: string | null = null;
  let number = 0;
  let line = 1;
  let rest = '';
  let searched = 0;
  let overlong = false;
  let started = false;
  /** Ends the comment or CDATA section that reaches over the beginning of the next child. */
  let hiddenUntil: '-->' | ']]>' | undefined;

  const fault = (reason: string): void => {
    if (faults.length < MOST_FAULTS) faults.push(reason);
  };
  const broken = (reason: string): ReadChild => {
    number += 1;
    return { kind: 'broken', number, line, reason };
  };

  const heading = (text: string, last: boolean): ReadChild[] => {
    started = true;
    year = checkHeading(text, last);
    const wrong = faultOf(text, line);
    if (!isReadable(text)) fault(`${UNREADABLE_CHARACTERS}, before the first child`);
    if (wrong) fault(`is not well-formed before the first child (${wrong})`);
    hiddenUntil = openedIn(text);
    return OF_A_CHILD.test(text) ? [broken('has no beginning that can be read')] : [];
  };

  const childIn = (text: string, last: boolean): ReadChild[] => {
    if (overlong) {
      overlong = false;
      return [broken('has more than a child can have')];
    }
    if (hiddenUntil) {
      const end = text.indexOf(hiddenUntil);
      const what = hiddenUntil === '-->' ? 'a comment' : 'a CDATA section';
      if (end >= 0) hiddenUntil = openedIn(text.slice(end + 3));
      return [broken(`is inside ${what} and is not read`)];
    }
    if (!isReadable(text)) {
      hiddenUntil = openedIn(text);
      return [broken(UNREADABLE_CHARACTERS)];
    }
    const read = readElement(text, line);
    hiddenUntil = openedIn(text);
    if (read.kind === 'broken') return [broken(last && read.cut ? CUT_SHORT : read.reason)];
    number += 1;
    const child: ReadChild = { kind: 'child', number, line, element: read.element };
    const after = text.slice(read.end);
    if (hiddenUntil || after.replace(HIDDEN, '').replace(END_TAG, '').trim() === '') return [child];
    if (OF_A_CHILD.test(after)) return [child, broken('has no beginning that can be read')];
    fault(
      `has something behind a child that does not belong there (line ${line + linesIn(text.slice(0, read.end))})`,
    );
    return [child];
  };

  const piece = (text: string, last = false): ReadChild[] => {
    const read = started ? childIn(text, last) : heading(text, last);
    line += linesIn(text);
    return read;
  };

  return {
    take(more) {
      rest += more;
      const read: ReadChild[] = [];
      let from = 0;
      // The child that `rest` begins with is no end of itself.
      NEXT_CHILD.lastIndex = Math.max(searched, started ? 1 : 0);
      for (let found = NEXT_CHILD.exec(rest); found; found = NEXT_CHILD.exec(rest)) {
        read.push(...piece(rest.slice(from, found.index)));
        from = found.index;
      }
      rest = rest.slice(from);
      if (rest.length > MOST_TEXT) {
        if (!started) throw new FileRefused('it has no child in its first part: it is no census');
        overlong = true;
        line += linesIn(rest.slice(0, -LONGEST_TAG));
        rest = ` ${rest.slice(-LONGEST_TAG)}`;
      }
      searched = Math.max(0, rest.length - LONGEST_TAG);
      return read;
    },
    end() {
      const closed = MESSAGE_END.test(rest);
      const read = piece(rest, true);
      rest = '';
      if (!closed) fault('ends before its end: send the whole file');
      return read;
    },
    year: () => year,
    faults: () => faults,
  };
};

const CUT_SHORT = 'is cut short: the file ends inside it; send the whole file';

/** The year. @throws FileRefused where the heading is that of something else */
const checkHeading = (text: string, last: boolean): string | null => {
  if (text.trim() === '') throw new FileRefused('it is empty, or ends before its first element');
  if (/<!DOCTYPE/i.test(text))
    throw new FileRefused('it has a DOCTYPE, which a census file does not need and which is not taken');
  const names = [...text.matchAll(/<(?:[\w.-]+:)?([A-Za-z]\w*)/g)].map(([, name = '']) => name.toLowerCase());
  const value = (name: string) =>
    new RegExp(`<(?:[\\w.-]+:)?${name}\\s*>([^<]{0,100})<`, 'i').exec(text)?.[1]?.trim();
  const collection = value('Collection');
  if (/ssda903|lookedafter|^cla/.test(names[0] ?? '') || /^(SSDA903|CLA|903)$/i.test(collection ?? ''))
    throw new FileRefused('it is SSDA903 in XML, which is not read: export the return as CSV files');
  if (OTHER_COLLECTION.test(collection ?? ''))
    throw new FileRefused('it is another collection than the Children in need census (CIN)');
  const marks = ['message', 'header', 'collectiondetails', 'children'].filter((name) => names.includes(name));
  if (names.length === 0 && last) throw new FileRefused('it is not XML');
  if (names[0] !== 'message' && marks.length < 2)
    throw new FileRefused('it is XML, and not a Children in need census: its first element is not Message');
  return value('Year') ?? null;
};

/** Where text of which the end is yet to come is not well-formed; undefined where it is. */
const faultOf = (text: string, firstLine: number): string | undefined => {
  const parser = new SaxesParser();
  try {
    parser.write(text);
    return ampersandIn(text, firstLine);
  } catch {
    return ampersandIn(text, firstLine) ?? placeIn(parser, firstLine);
  }
};

/** A parser looks for the end of an entity however far away it is. */
const ampersandIn = (text: string, firstLine: number): string | undefined => {
  const blank = text.replace(HIDDEN, (hidden) => hidden.replace(/[^\n]/g, ' '));
  const at = /&(?!(?:#\d+|#x[\da-f]+|amp|lt|gt|quot|apos);)/i.exec(blank)?.index;
  if (at === undefined) return undefined;
  const before = blank.slice(0, at);
  const character = at - before.lastIndexOf('\n');
  return `line ${firstLine + linesIn(before)}, character ${character}: write & as &amp;`;
};

const placeIn = (parser: SaxesParser, firstLine: number): string =>
  `line ${firstLine + parser.line - 1}, at or before character ${parser.column}`;

/** What ends the comment or section that is still open where the text ends. Two dashes end a comment too, though badly. */
const openedIn = (text: string): '-->' | ']]>' | undefined => {
  const comment = text.lastIndexOf('<!--');
  const section = text.lastIndexOf('<![CDATA[');
  if (comment > section) return text.indexOf('--', comment + 4) < 0 ? '-->' : undefined;
  return section >= 0 && text.indexOf(']]>', section) < 0 ? ']]>' : undefined;
};

type ReadElement =
  | { kind: 'element'; element: Element; end: number }
  | { kind: 'broken'; reason: string; cut: boolean };

/** The element that the text begins with. */
const readElement = (text: string, firstLine: number): ReadElement => {
  const parser = new SaxesParser({ fragment: true });
  const open: Element[] = [];
  let elements = 0;
  let root: Element | undefined;
  let end: number | undefined;
  const more = (value: string): void => {
    const element = open.at(-1);
    if (element) element.text += value;
  };
  parser.on('doctype', () => {
    throw new Error('a DOCTYPE inside a child');
  });
  parser.on('opentagstart', ({ name }) => {
    if (end !== undefined) return;
    elements += 1;
    if (elements > MOST_ELEMENTS || open.length > MOST_DEPTH) throw new Error('more than a child can have');
    const element: Element = { name: local(name), line: firstLine + parser.line - 1, text: '', elements: [] };
    open.at(-1)?.elements.push(element);
    open.push(element);
    root ??= element;
  });
  parser.on('text', more);
  parser.on('cdata', more);
  parser.on('closetag', () => {
    open.pop();
    if (open.length === 0) end ??= parser.position;
  });
  try {
    parser.write(text);
  } catch {
    // An end tag of another name closes what is open before it is refused.
    if (end === undefined || parser.position <= end)
      return {
        kind: 'broken',
        reason: `is not well-formed XML (${ampersandIn(text, firstLine) ?? placeIn(parser, firstLine)})`,
        cut: false,
      };
  }
  if (root && end !== undefined) return { kind: 'element', element: root, end };
  const ampersand = ampersandIn(text, firstLine);
  if (ampersand) return { kind: 'broken', reason: `is not well-formed XML (${ampersand})`, cut: false };
  return { kind: 'broken', reason: 'is not closed before the next one begins', cut: true };
};

/** The first element of that name, at any depth below the given names in turn. */
export const elementsOf = (element: Element, name: string): Element[] =>
  element.elements.filter((one) => one.name === name);

/** Text of the first element of that name directly below; undefined where there is none, null where it is empty. */
export const textOf = (element: Element | undefined, ...names: string[]): string | null | undefined => {
  const found = element?.elements.filter((one) => names.includes(one.name)) ?? [];
  if (found.length === 0) return undefined;
  return found.map(({ text }) => text.trim()).find((text) => text !== '') ?? null;
};
