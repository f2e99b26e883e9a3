/** Reads one file of a return and tells the bus what is new in it; what became of every row is in the receipt. */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { ukDate } from '@causeway/runtime/disclosure/release-decision';
import { RetryableError } from '@causeway/runtime/errors';
import { readCensusChild } from './cin.ts';
import { createCensusReader, FileRefused, NEXT_CHILD, type ReadChild } from './cin-xml.ts';
import { createLines, createRows, type Row } from './csv.ts';
import { isMonthFirst } from './dates.ts';
import { createDecoder, createDetector, type Detected, type Encoding } from './encoding.ts';
import { type Collected, collect, protect } from './protection.ts';
import {
  leaveOut,
  type Publishing,
  publishCases,
  type Reading,
  type RowOutcome,
  rememberChildren,
  tokenOf,
} from './publish.ts';
import { createTally, type Receipt, type Tally } from './receipt.ts';
import { readRow } from './ssda903.ts';
import { isUsed, type Layout, recognise } from './ssda903-files.ts';
import { type Case, type Child, type Closed, isPeriod } from './stated.ts';

export type FileState = { size: number; mtimeMs: number; ctimeMs: number };

/** `finish` is to be called once the receipt is written. */
type FileRead = { receipt: Receipt; finish(): Promise<void> };

/** One row of a file, or one child. `problems`: why it, or a part of it, is refused. `unread`: what is in it cannot be told. */
export type Item = {
  row: number;
  cases: Case[];
  child?: Child;
  /** What a row about a case says besides, that protects its child. */
  protects?: Child;
  /** Cases that it says are none. */
  closed?: Closed[];
  problems: string[];
  notes: string[];
  unread?: boolean;
};

const BATCH = 250;
const MB = 1_000_000;

/**
 * Undefined where the file changed while it was read: it is not finished.
 * @throws RetryableError when the bus or the database cannot take it now
 */
export const readReturn = async (
  { handle, name }: { handle: FileHandle; name: Buffer },
  publishing: Publishing,
  { maxMegabytes, signal }: { maxMegabytes: number; signal: AbortSignal },
): Promise<FileRead | undefined> => {
  const before = await stateOf(handle);
  const tally = createTally();
  const { receipt } = tally;
  Object.assign(receipt.file, { bytes: before.size, modified: new Date(before.mtimeMs).toISOString() });
  if (before.size > maxMegabytes * MB) {
    receipt.readAt = new Date().toISOString();
    tally.refuse(
      0,
      `it is larger than ${maxMegabytes} MB: split it, or raise COUNCIL_SOCIAL_CARE_MAX_FILE_MB`,
    );
    return { receipt, finish: async () => undefined };
  }
  const pieces = () => bytesOf(handle, before.size);
  const looks = await lookOver(pieces());
  receipt.file.sha256 = looks.sha256;
  const file = createHash('sha256')
    .update(`${name.toString('latin1')} ${before.mtimeMs} ${looks.sha256}`)
    .digest('base64url');
  const began = await publishing.known.begin(file);
  receipt.readAt = began.toISOString();
  const when = { id: `${file} ${began.getTime()}`, toldAt: began.toISOString(), today: ukDate(began) };
  await publishFile(() => itemsOf(looks, pieces(), tally, when.today), publishing, when, tally, signal);
  const after = await stateOf(handle);
  if (after.size !== before.size || after.mtimeMs !== before.mtimeMs) return undefined;
  return { receipt, finish: () => publishing.known.finish(file) };
};

const stateOf = async (handle: FileHandle): Promise<FileState> => {
  const { size, mtimeMs, ctimeMs } = await handle.stat();
  return { size, mtimeMs, ctimeMs };
};

/** Whether an earlier receipt, of a file of this size and time, is about this content. */
export const isOf = async (receipt: Receipt, handle: FileHandle): Promise<boolean> => {
  const { sha256, bytes } = receipt.file;
  return sha256 === null || (await lookOver(bytesOf(handle, bytes))).sha256 === sha256;
};

async function* bytesOf(handle: FileHandle, size: number): AsyncGenerator<Buffer> {
  for (let position = 0; position < size; ) {
    const buffer = Buffer.allocUnsafe(Math.min(65_536, size - position));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

async function* textOf(pieces: AsyncIterable<Buffer>, encoding: Encoding): AsyncGenerator<string> {
  const decoder = createDecoder(encoding);
  for await (const piece of pieces) yield decoder.text(piece);
  yield decoder.end();
}

/** What kind of file the bytes are, before any is read as text. */
type Looks = {
  sha256: string;
  detected: Detected;
  isXml: boolean;
  isEmpty: boolean;
  /** How many children begin in the bytes, counted without reading any. */
  children: number;
};

export const lookOver = async (pieces: AsyncIterable<Buffer>): Promise<Looks> => {
  const hash = createHash('sha256');
  const detector = createDetector();
  let first: string | undefined;
  let isEmpty = true;
  let hasMessage = false;
  let looked = 0;
  const children = createChildCount();
  for await (const piece of pieces) {
    isEmpty = false;
    hash.update(piece);
    detector.take(piece);
    children.take(piece);
    // Whatever the encoding, a document begins with this sign and a CSV file does not; one whose first byte is damaged has a Message.
    first ??= /[^\s\0\xef\xbb\xbf\xfe\xff]/.exec(piece.toString('latin1'))?.[0];
    if (!hasMessage && looked < 1_000)
      hasMessage = /<(?:[\w.-]+:)?message[\s>]/i.test(piece.toString('latin1').slice(0, 1_000));
    looked += piece.length;
  }
  return {
    sha256: hash.digest('hex'),
    detected: detector.result(),
    isXml: first === '<' || hasMessage,
    isEmpty,
    children: children.count(),
  };
};

/** Longer than the name of an element and its prefix. */
const CARRIED = 100;

const createChildCount = () => {
  let count = 0;
  let rest = '';
  return {
    take(piece: Buffer) {
      rest += piece.toString('latin1').replaceAll('\0', '');
      let from = Math.max(0, rest.length - CARRIED);
      for (const { index, 0: tag } of rest.matchAll(NEXT_CHILD)) {
        count += 1;
        from = Math.max(from, index + tag.length);
      }
      rest = rest.slice(from);
    },
    count: () => count,
  };
};

/**
 * The rows or children of a file, one by one. What there is to say of the file as a whole goes to the tally's receipt.
 * @throws FileRefused where the file, or the rest of it, cannot be read
 */
export async function* itemsOf(
  { detected, isXml, isEmpty, children }: Looks,
  pieces: AsyncIterable<Buffer>,
  tally: Pick<Tally, 'receipt'>,
  today: string,
): AsyncGenerator<Item> {
  if (isEmpty) throw new FileRefused('it is empty');
  if (detected.kind === 'refused') throw new FileRefused(detected.reason);
  tally.receipt.file.encoding = detected.encoding;
  const text = textOf(pieces, detected.encoding);
  const { fault } = detected;
  if (fault !== undefined) addFault(tally, fault);
  yield* isXml ? censusItems(text, children, tally, today) : rowItems(text, tally, today);
}

const addFault = ({ receipt }: Pick<Tally, 'receipt'>, fault: string): void => {
  receipt.complete = false;
  if (!receipt.faults.includes(`it ${fault}`)) receipt.faults.push(`it ${fault}`);
};

async function* rowItems(
  pieces: AsyncIterable<string>,
  tally: Pick<Tally, 'receipt'>,
  today: string,
): AsyncGenerator<Item> {
  const lines = createLines();
  let layout: Layout | undefined;
  const order: Order = { dayFirst: false };
  let rows: ReturnType<typeof createRows> | undefined;

  function* items(read: readonly Row[]): Generator<Item> {
    for (const row of read) {
      if (layout === undefined) continue;
      if (row.kind === 'row') noteOrder(order, layout, row);
      yield itemOf(layout, row, today);
    }
  }
  function* take(found: ReturnType<typeof lines.take>): Generator<Item> {
    for (const line of found) {
      if (rows) yield* items(rows.take(line));
      // What Excel puts on top to say how the values are separated.
      else if (line.text.trim() !== '' && !/^\s*"?sep=.?"?\s*$/i.test(line.text)) {
        const recognised = recognise(line.text);
        if (recognised.kind === 'refused') throw new FileRefused(recognised.reason);
        layout = recognised.layout;
        rows = createRows(layout.delimiter, layout.width);
        tally.receipt.kind = `ssda903-${layout.file}`;
        tally.receipt.ignoredColumns = layout.ignored;
        tally.receipt.missingColumns = layout.missing;
        if (!line.whole) throw new FileRefused('it ends inside the first row: send the whole file');
      }
    }
  }

  for await (const piece of pieces) yield* take(lines.take(piece));
  yield* take(lines.end());
  if (rows === undefined) throw new FileRefused('it has no row with column names');
  yield* items(rows.end());
  // A file is read twice, and told the second time: of one that ends here nothing is.
  if (order.monthFirst && !order.dayFirst)
    throw new FileRefused(
      `it is held: ${order.monthFirst} has its month first, so no date of it can be trusted; send it with the day first, or as YYYY-MM-DD`,
    );
}

const DATES = ['DOB', 'DECOM', 'DEC', 'MIS_START', 'MIS_END'];

/** Where dates of a file prove their order. One row against others is a slip of that row. */
type Order = { monthFirst?: string; dayFirst: boolean };

const noteOrder = (order: Order, { at }: Layout, row: { line: number; cells: readonly string[] }): void => {
  for (const name of DATES) {
    const written = row.cells[at.get(name) ?? -1] ?? '';
    if (isMonthFirst(written)) order.monthFirst ??= `${name} in line ${row.line}`;
    else if (/^(1[3-9]|2\d|3[01])[/.-]/.test(written)) order.dayFirst = true;
  }
};

const itemOf = (layout: Layout, row: Row, today: string): Item => {
  const item: Item = { row: row.line, cases: [], problems: [], notes: [] };
  if (row.kind === 'broken') return { ...item, problems: [row.reason], unread: true };
  if (!isUsed(layout.file)) return item;
  const read = readRow(layout, row, today);
  if (read.kind === 'refused')
    return { ...item, problems: [read.reason], ...(read.unread && { unread: true }) };
  if (read.kind === 'case') {
    const { stated, notes, child } = read;
    return { ...item, cases: [stated], notes, ...(child && { protects: child }) };
  }
  return read.kind === 'child' ? { ...item, child: read.child, notes: read.notes } : item;
};

async function* censusItems(
  pieces: AsyncIterable<string>,
  children: number,
  tally: Pick<Tally, 'receipt'>,
  today: string,
): AsyncGenerator<Item> {
  const reader = createCensusReader();
  let count = 0;
  const item = (read: ReadChild): Item => {
    count += 1;
    if (read.kind === 'child') return { row: read.number, ...readCensusChild(read.element, today) };
    const problems = [`${read.reason} (line ${read.line})`];
    return { row: read.number, cases: [], problems, notes: [], unread: true };
  };
  for await (const piece of pieces) for (const read of reader.take(piece)) yield item(read);
  for (const read of reader.end()) yield item(read);
  for (const fault of reader.faults()) addFault(tally, fault);
  if (count < children)
    addFault(tally, `has ${children} beginnings of a child, and ${count} were found: report this receipt`);
  const year = reader.year();
  tally.receipt.kind = /^(19|20)\d{2}$/.test(year ?? '') ? `cin-census-${year}` : 'cin-census';
}

/** The kinds of case of which a file has all that are open, of each child in it. */
const COMPLETE_IN: Record<string, Case['kind'][]> = {
  'ssda903-episodes': ['care-episode'],
  'ssda903-missing': ['child-missing-from-care'],
  'cin-census': ['child-protection-plan'],
};

type Seen = Map<string, { row: number; content: string }>;

/** Twice: once to know what the file has, once to tell it. So a beginning whose date was corrected is told from a new one. */
const publishFile = async (
  items: () => AsyncIterable<Item>,
  publishing: Publishing,
  when: Omit<Reading, 'has'>,
  tally: Tally,
  signal: AbortSignal,
): Promise<void> => {
  const seen: Seen = new Map();
  const begun = new Set<string>();
  const collected: Collected = new Map();
  const children = new Map<string, { row: number; child: Child }>();
  const closed: Closed[] = [];
  const reading: Reading = {
    ...when,
    has: (kind, child, began, ended) =>
      ended !== undefined && isPeriod(kind)
        ? seen.has(keyOf(kind, child, periodOf(began, ended)))
        : begun.has(keyOf(kind, child, began)),
  };
  try {
    for await (const { row, cases, child, protects, closed: none = [] } of items()) {
      for (const one of [...cases, ...none]) {
        const token = tokenOf(publishing, one.child);
        if (!children.has(token)) children.set(token, { row, child: one.child });
      }
      closed.push(...none);
      for (const one of cases) {
        remember(seen, publishing, row, one);
        begun.add(keyOf(one.kind, tokenOf(publishing, one.child), one.began));
      }
      if (child) remember(seen, publishing, row, child);
      const about = child ?? protects;
      collect(publishing, collected, { cases, ...(about && { child: about }) });
      if (signal.aborted) throw new RetryableError('stopping', 'the adapter is stopping');
    }
    await protect(publishing, collected, when.today);
    let batch: Item[] = [];
    for await (const item of items()) {
      batch.push(item);
      if (batch.length < BATCH) continue;
      await publishBatch(batch, publishing, reading, seen, tally);
      if (signal.aborted) throw new RetryableError('stopping', 'the adapter is stopping');
      batch = [];
    }
    await publishBatch(batch, publishing, reading, seen, tally);
    // Of a file that is not whole nothing can be said of what it lacks.
    if (tally.receipt.complete) {
      const kinds = COMPLETE_IN[(tally.receipt.kind ?? '').replace(/-\d+$/, '')] ?? [];
      tally.receipt.leftOut = await leaveOut(publishing, reading, { kinds, children, closed });
    }
    if (!tally.receipt.complete && tally.receipt.refused.length === 0)
      tally.refuse(0, tally.receipt.faults.join('; '));
  } catch (error) {
    if (!(error instanceof FileRefused)) throw error;
    // Whatever was read before stands.
    tally.receipt.complete = false;
    tally.refuse(0, error.message);
  }
};

const keyOf = (kind: string, child: string, began: string): string =>
  createHash('sha256').update(`${kind} ${child} ${began}`).digest('base64url').slice(0, 16);

const periodOf = (began: string, ended: string | null): string => `${began} ${ended ?? ''}`;

const thingOf = (publishing: Publishing, thing: Case | Child): { key: string; content: string } => {
  const key =
    'kind' in thing
      ? keyOf(
          thing.kind,
          tokenOf(publishing, thing.child),
          isPeriod(thing.kind) ? periodOf(thing.began, thing.end?.date ?? null) : thing.began,
        )
      : keyOf('child', tokenOf(publishing, thing), '');
  const content = 'kind' in thing ? [thing.start, thing.end ?? null] : thing;
  return {
    key,
    content: createHash('sha256').update(JSON.stringify(content)).digest('base64url').slice(0, 12),
  };
};

const remember = (seen: Seen, publishing: Publishing, row: number, thing: Case | Child): void => {
  const { key, content } = thingOf(publishing, thing);
  if (!seen.has(key)) seen.set(key, { row, content });
};

const DATE_OF: Record<Case['kind'], string> = {
  'care-episode': 'CHILD and DECOM',
  'child-missing-from-care': 'CHILD, MIS_START and MIS_END',
  'child-protection-plan': 'LAchildID and CPPstartDate',
  'safeguarding-referral': 'LAchildID and CINreferralDate',
  'section47-enquiry': 'LAchildID and S47ActualStartDate',
};

type Placed = { item: Item; told: RowOutcome[]; refused: string[]; repeated: boolean };

const publishBatch = async (
  batch: readonly Item[],
  publishing: Publishing,
  reading: Reading,
  seen: Seen,
  tally: Tally,
): Promise<void> => {
  const placed = batch.map(
    (item): Placed => ({ item, told: [], refused: [...item.problems], repeated: false }),
  );
  const cases: { stated: Case; of: Placed }[] = [];
  const children: { child: Child; of: Placed }[] = [];
  const here = new Set<string>();
  /** Whether this is the one of its name in the file that counts: the first. */
  const isFirst = (of: Placed, thing: Case | Child, name: string): boolean => {
    const { key, content } = thingOf(publishing, thing);
    const first = seen.get(key);
    if (first?.row === of.item.row && !here.has(key)) {
      here.add(key);
      return true;
    }
    if (first?.content === content) of.repeated = true;
    else of.refused.push(`has the same ${name} as row ${first?.row ?? 0}, and says something else`);
    return false;
  };
  for (const of of placed) {
    for (const stated of of.item.cases)
      if (isFirst(of, stated, DATE_OF[stated.kind])) cases.push({ stated, of });
    const { child } = of.item;
    if (child && isFirst(of, child, 'CHILD')) children.push({ child, of });
  }

  const { outcomes, events } = await publishCases(
    publishing,
    reading,
    cases.map(({ stated }) => stated),
  );
  for (const [index, { of }] of cases.entries()) {
    const outcome = outcomes[index];
    if (outcome?.fate === 'refused') of.refused.push(outcome.reason);
    else if (outcome) of.told.push(outcome);
  }
  const news = await rememberChildren(
    publishing,
    reading,
    children.map(({ child }) => child),
  );
  for (const type of events) tally.receipt.events[type] = (tally.receipt.events[type] ?? 0) + 1;
  const remembered = new Map(children.map(({ of }, index) => [of, news[index] ?? false]));
  for (const of of placed) count(of, remembered.get(of), tally);
};

const count = (
  { item, told, refused, repeated }: Placed,
  isNews: boolean | undefined,
  tally: Tally,
): void => {
  const { receipt } = tally;
  receipt.rows += 1;
  for (const note of new Set(item.notes)) tally.note(note);
  if (refused.length > 0) {
    tally.refuse(item.row, refused.join('; '));
    if (item.unread || refused.some((reason) => reason.includes('cut short'))) receipt.complete = false;
  } else if (told.some(({ fate }) => fate === 'published')) receipt.published += 1;
  else if (told.some(({ fate }) => fate === 'not-shared')) receipt.notShared += 1;
  else if (told.length > 0 || repeated || isNews === false) receipt.unchanged += 1;
  else {
    receipt.notShared += 1;
    if (isNews) receipt.remembered += 1;
    else receipt.withoutEvent += 1;
  }
};
