/**
 * The children of a Children in need census file, one by one as the text comes. Strict XML up to the first error; there the child that it is in
 * is given up and reading goes on at the next one, so that one broken child does not take the others along.
 */
import { SaxesParser } from 'saxes';

/** An element: its name in small letters and without a prefix, its own text, and what is in it. */
export type Element = { name: string; line: number; text: string; elements: Element[] };

export type ReadChild =
  | { kind: 'child'; number: number; line: number; element: Element }
  | { kind: 'broken'; number: number; line: number; reason: string };

type CensusReader = {
  /** @throws FileRefused for a document that is no census at all */
  take(text: string): ReadChild[];
  end(): ReadChild[];
  /** What the document says about itself; null where it does not. */
  about(): { root: string | null; collection: string | null; year: string | null };
  /** Whether the document ends before its end, or is not well-formed outside the children. */
  complete(): boolean;
};

/** The file as a whole is not taken. The message is for its receipt. */
export class FileRefused extends Error {}

/** A child with more than this is none. */
const MOST_ELEMENTS = 20_000;
const MOST_TEXT = 1_000_000;
const MOST_DEPTH = 40;
const NEXT_CHILD = /<(?:[\w.-]+:)?child(?=[\s/>])/i;

const LAST_TAG = /<\/(?:[\w.-]+:)?message\s*>/i;

const local = (name: string): string => name.slice(name.indexOf(':') + 1).toLowerCase();

export const createCensusReader = (): CensusReader => {
  const about = {
    root: null as string | null,
    collection: null as string | null,
    year: null as string | null,
  };
  const found: ReadChild[] = [];
  let number = 0;
  let linesBefore = 0;
  let current: { line: number; number: number; open: Element[]; elements: number; text: number } | undefined;
  let above: string[] = [];
  let heading = '';
  let rootClosed = false;
  let outside = false;
  let resumed = false;
  /** Set after an error, until the next child begins: the text that may hold the beginning of its tag. */
  let searching: string | undefined;
  let fed = 0;

  function createParser(fragment: boolean): SaxesParser {
    const next = new SaxesParser({ fragment });
    next.on('doctype', () => {
      throw new FileRefused('it has a DOCTYPE, which a census file does not need and which is not taken');
    });
    next.on('opentagstart', ({ name }) => opened(local(name)));
    next.on('text', text);
    next.on('cdata', text);
    next.on('closetag', closed);
    return next;
  }

  const opened = (name: string): void => {
    const line = linesBefore + parser.line;
    if (about.root === null && !resumed) {
      about.root = name;
      if (name !== 'message')
        throw new FileRefused(
          'it is XML, and not a Children in need census: its first element is not Message',
        );
    }
    if (name === 'child') {
      if (current) giveUp('is not closed before the next one begins');
      number += 1;
      current = { line, number, open: [], elements: 0, text: 0 };
    }
    if (current === undefined) {
      above.push(name);
      heading = '';
      return;
    }
    current.elements += 1;
    if (current.elements > MOST_ELEMENTS || current.open.length > MOST_DEPTH)
      throw new Error('more than a child can have');
    const element: Element = { name, line, text: '', elements: [] };
    current.open.at(-1)?.elements.push(element);
    current.open.push(element);
  };

  const text = (more: string): void => {
    if (current === undefined) {
      if (heading.length < 100) heading += more.slice(0, 100);
      return;
    }
    current.text += more.length;
    if (current.text > MOST_TEXT) throw new Error('more than a child can have');
    const element = current.open.at(-1);
    if (element) element.text += more;
  };

  const closed = (tag: { name: string }): void => {
    if (current === undefined) {
      const name = above.pop();
      if (name === 'collection') about.collection = heading.trim();
      if (name === 'year') about.year = heading.trim();
      if (name === 'collection' && about.collection?.toUpperCase() !== 'CIN')
        throw new FileRefused('it is another collection than the Children in need census (CIN)');
      if (local(tag.name) === 'message') rootClosed = true;
      return;
    }
    const element = current.open.pop();
    if (element === undefined || current.open.length > 0) return;
    found.push({ kind: 'child', number: current.number, line: current.line, element });
    current = undefined;
  };

  const giveUp = (reason: string): void => {
    if (current) found.push({ kind: 'broken', number: current.number, line: current.line, reason });
    current = undefined;
  };

  /** Parses until the first error, and from the next child on after each. */
  const feed = (piece: string): void => {
    for (let rest = piece; rest !== ''; ) {
      if (searching !== undefined) {
        const sought = searching + rest;
        const at = NEXT_CHILD.exec(sought)?.index;
        if (at === undefined) {
          if (LAST_TAG.test(sought)) rootClosed = true;
          // A tag can lie across two pieces.
          const kept = sought.slice(-100);
          linesBefore += linesIn(sought.slice(0, -100));
          searching = kept;
          return;
        }
        linesBefore += linesIn(sought.slice(0, at));
        rest = sought.slice(at);
        searching = undefined;
        resumed = true;
        above = [];
        parser = createParser(true);
        linesBefore -= 1;
        fed = 0;
      }
      try {
        parser.write(rest);
        fed += rest.length;
        return;
      } catch (error) {
        if (error instanceof FileRefused) throw error;
        if (about.root === null) throw new FileRefused('it is not XML');
        if (current) giveUp('is not well-formed XML');
        else if (!resumed) outside = true;
        const at = Math.min(rest.length, Math.max(1, parser.position - fed));
        linesBefore += parser.line;
        searching = '';
        rest = rest.slice(at);
      }
    }
  };

  let parser = createParser(false);

  return {
    take(piece) {
      feed(piece);
      return found.splice(0);
    },
    end() {
      if (about.root === null) throw new FileRefused('it is empty, or ends before its first element');
      if (current) giveUp('is cut short: the file ends inside it; send the whole file');
      return found.splice(0);
    },
    about: () => about,
    complete: () => rootClosed && !outside,
  };
};

const linesIn = (text: string): number => text.split('\n').length - 1;

/** The first element of that name, at any depth below the given names in turn. */
export const elementsOf = (element: Element, name: string): Element[] =>
  element.elements.filter((one) => one.name === name);

/** Text of the first element of that name directly below; undefined where there is none, null where it is empty. */
export const textOf = (element: Element | undefined, ...names: string[]): string | null | undefined => {
  const found = element?.elements.filter((one) => names.includes(one.name)) ?? [];
  if (found.length === 0) return undefined;
  return found.map(({ text }) => text.trim()).find((text) => text !== '') ?? null;
};
