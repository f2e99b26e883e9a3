/** What became of a file, written beside it. It never has a value of the file in it. */
import { randomBytes } from 'node:crypto';
import { open, rename, unlink } from 'node:fs/promises';
import type { CaseKind } from './stated.ts';

/** `row`: the line on which it begins (the first line of the file is 1), or the number of the child in XML. 0 is the file as a whole. */
type RefusedRow = { row: number; reason: string };

/** `row`: where the file has the child. */
export type LeftOut = { row: number; kind: CaseKind };

export type Receipt = {
  /** What kind of file it is taken for; null where that cannot be told. */
  kind: string | null;
  /** Rows with something in them, below the one with the column names; children in XML. The next four add up to it. */
  rows: number;
  /** At least one event of the row is on the bus and was not before. */
  published: number;
  /** Everything in it was said before. */
  unchanged: number;
  /** No agreement names what it would say, or it says nothing that becomes an event. */
  notShared: number;
  refused: RefusedRow[];
  /** Refused rows beyond those listed. */
  refusedNotListed: number;
  /** Rows among `notShared` that could never become an event. */
  withoutEvent: number;
  /** Rows of a header file that told something new about a child. */
  remembered: number;
  /** What partners hold as open and this file does not have, though it has the child; or has as a referral without action. */
  leftOut: LeftOut[];
  /** Events that this file put on the bus, by type. */
  events: Record<string, number>;
  ignoredColumns: string[];
  missingColumns: string[];
  /** What else there is to know, with the number of rows. */
  notes: { note: string; rows: number }[];
  /** What is wrong outside the rows, such as in the heading of a census; it loses none of them. */
  faults: string[];
  /** False where the file ends before its end, where a row could not be read, or where something is wrong outside the rows. */
  complete: boolean;
  file: { bytes: number; sha256: string | null; modified: string; encoding: string | null };
  readAt: string;
};

const MOST_LISTED = 20_000;

/** Counts while a file is read. */
export type Tally = {
  receipt: Receipt;
  refuse(row: number, reason: string): void;
  note(note: string): void;
};

export const createTally = (): Tally => {
  const notes = new Map<string, { note: string; rows: number }>();
  const receipt: Receipt = {
    kind: null,
    rows: 0,
    published: 0,
    unchanged: 0,
    notShared: 0,
    refused: [],
    refusedNotListed: 0,
    withoutEvent: 0,
    remembered: 0,
    leftOut: [],
    events: {},
    ignoredColumns: [],
    missingColumns: [],
    notes: [],
    faults: [],
    complete: true,
    file: { bytes: 0, sha256: null, modified: new Date(0).toISOString(), encoding: null },
    readAt: new Date(0).toISOString(),
  };
  return {
    receipt,
    refuse(row, reason) {
      if (receipt.refused.length < MOST_LISTED) receipt.refused.push({ row, reason });
      else receipt.refusedNotListed += 1;
    },
    note(note) {
      const known = notes.get(note) ?? { note, rows: 0 };
      known.rows += 1;
      if (!notes.has(note)) {
        notes.set(note, known);
        receipt.notes.push(known);
      }
    },
  };
};

/** Whole or not at all, and flushed: a receipt that is there is true also after a power cut. */
export const writeReceipt = async (path: Buffer, directory: Buffer, receipt: Receipt): Promise<void> => {
  const temporary = Buffer.concat([directory, Buffer.from(`/.${randomBytes(8).toString('hex')}.tmp`)]);
  try {
    const file = await open(temporary, 'wx', 0o640);
    try {
      await file.writeFile(`${JSON.stringify(receipt, null, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
};
