/**
 * CSV after RFC 4180, read line by line as it comes. It is our own because a row that is broken must not take the ones behind it along: a quote
 * that nobody closes swallows the rest of a file in every library, and here costs one row.
 */

/** One line of a file. `whole`: a line end follows it. */
type Line = { number: number; text: string; whole: boolean };

export type Row =
  | { kind: 'row'; line: number; cells: string[]; whole: boolean }
  | { kind: 'broken'; line: number; reason: string };

/** A line longer than this is no row of a return, and is not kept. */
const LONGEST_LINE = 64_000;
/** A quoted value with more line breaks than this is taken for a quote that nobody closed. */
const MOST_LINES = 20;

/** Splits text into lines at CRLF, LF or CR, whatever pieces it comes in. */
export const createLines = (): { take(text: string): Line[]; end(): Line[] } => {
  let rest = '';
  let number = 1;
  let overlong = false;

  const line = (text: string, whole: boolean): Line => {
    const long = overlong || text.length > LONGEST_LINE;
    overlong = false;
    const next = {
      number,
      text: long ? text.slice(0, LONGEST_LINE + 1).padEnd(LONGEST_LINE + 1) : text,
      whole,
    };
    number += 1;
    return next;
  };

  return {
    take(text) {
      rest += text;
      const lines: Line[] = [];
      let from = 0;
      for (const { index, 0: mark } of rest.matchAll(/\r\n|\n|\r/g)) {
        // The line feed of this carriage return may be in the next piece.
        if (mark === '\r' && index === rest.length - 1) break;
        lines.push(line(rest.slice(from, index), true));
        from = index + mark.length;
      }
      rest = rest.slice(from);
      if (rest.length > LONGEST_LINE && !rest.endsWith('\r')) {
        overlong = true;
        rest = '';
      }
      return lines;
    },
    end() {
      const lastReturn = rest.endsWith('\r');
      const text = lastReturn ? rest.slice(0, -1) : rest;
      rest = '';
      return text !== '' || lastReturn || overlong ? [line(text, lastReturn)] : [];
    },
  };
};

/** Puts lines together into rows. `columns`: how many cells a row has, once that is known. */
export const createRows = (delimiter: string, columns: number): { take(line: Line): Row[]; end(): Row[] } => {
  const waiting: Line[] = [];

  const drain = (ended: boolean): Row[] => {
    const rows: Row[] = [];
    for (let [first] = waiting; first !== undefined; [first] = waiting) {
      const next = nextRow(first, ended);
      if (next === undefined) break;
      waiting.splice(0, next.lines);
      if (next.row !== undefined) rows.push(next.row);
    }
    return rows;
  };

  const nextRow = (first: Line, ended: boolean): { row: Row | undefined; lines: number } | undefined => {
    const broken = (reason: string) => ({
      row: { kind: 'broken', line: first.number, reason } as const,
      lines: 1,
    });
    if (first.text.length > LONGEST_LINE) return broken('is longer than 64,000 characters');
    let text = '';
    for (const [index, { text: more, whole }] of waiting.slice(0, MOST_LINES).entries()) {
      text += index === 0 ? more : `\n${more}`;
      const cells = cellsOf(text, delimiter);
      if (cells === 'open') continue;
      // Over several lines it must fit: a stray quote that meets another one somewhere below does not.
      if (cells === 'malformed' || (index > 0 && !fits(cells, columns)))
        return broken('has a quote that does not enclose a value');
      const row: Row = { kind: 'row', line: first.number, cells, whole };
      return { row: cells.every((cell) => cell === '') ? undefined : row, lines: index + 1 };
    }
    return ended || waiting.length >= MOST_LINES ? broken('has a quote that is not closed') : undefined;
  };

  return {
    take(line) {
      waiting.push(line);
      return drain(false);
    },
    end: () => drain(true),
  };
};

/** The cells of one row, without spaces around them; `open` inside a quoted value, `malformed` where something follows its closing quote. */
export const cellsOf = (text: string, delimiter: string): string[] | 'open' | 'malformed' => {
  const cells: string[] = [];
  for (let at = 0; ; ) {
    const start = skipSpaces(text, at, delimiter);
    if (text[start] === '"') {
      let value = '';
      let from = start + 1;
      for (;;) {
        const quote = text.indexOf('"', from);
        if (quote < 0) return 'open';
        value += text.slice(from, quote);
        from = quote + 1;
        if (text[from] !== '"') break;
        value += '"';
        from += 1;
      }
      const after = skipSpaces(text, from, delimiter);
      if (after < text.length && text[after] !== delimiter) return 'malformed';
      cells.push(clean(value));
      if (after >= text.length) return cells;
      at = after + 1;
    } else {
      const end = text.indexOf(delimiter, at);
      cells.push(clean(end < 0 ? text.slice(at) : text.slice(at, end)));
      if (end < 0) return cells;
      at = end + 1;
    }
  }
};

/** A separator behind the last value adds an empty one. */
const fits = (cells: readonly string[], columns: number): boolean =>
  cells.length >= columns && cells.slice(columns).every((cell) => cell === '');

const skipSpaces = (text: string, from: number, delimiter: string): number => {
  let at = from;
  while ((text[at] === ' ' || text[at] === '\t') && text[at] !== delimiter) at += 1;
  return at;
};

const clean = (cell: string): string => cell.trim();
