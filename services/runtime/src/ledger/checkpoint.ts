import { type NoteVerifier, openNote } from './signed-note.ts';

/**
 * A checkpoint says how far every ledger partition had come at a moment, and which head it had then. Signed and kept
 * elsewhere, it is what a ledger that was cut off or made anew cannot agree with.
 */

/** `name`: `<topic>/<partition>`. `records`: how many the chain has had since its beginning. `next`: Kafka's offset after them. */
export type ChainHead = { name: string; records: number; next: number; head: string };
export type Checkpoint = { at: string; heads: ChainHead[] };

const ORIGIN = 'causeway ledger checkpoint';
const HEAD = /^(ledger\.[a-z0-9-]+\/\d+) (\d+) (\d+) ([A-Za-z0-9_-]{43})$/;

/** The text to be signed: origin, time, and a line for each chain that has records. */
export const checkpointText = ({ at, heads }: Checkpoint): string =>
  [
    ORIGIN,
    at,
    ...heads.map(({ name, records, next, head }) => `${name} ${records} ${next} ${head}`),
    '',
  ].join('\n');

/** Reads a checkpoint and checks its signature, by the keys that counted at its time. */
export const openCheckpoint = (
  note: string,
  verifiers: readonly NoteVerifier[],
): Checkpoint | { problem: string } => {
  const at = Date.parse(note.split('\n', 2)[1] ?? '');
  const opened = openNote(
    note,
    verifiers.filter(({ from, until }) => from <= at && at <= until),
  );
  return 'problem' in opened ? opened : (readCheckpoint(opened.text) ?? { problem: 'it is no checkpoint' });
};

const readCheckpoint = (text: string): Checkpoint | undefined => {
  const [origin, at = '', ...lines] = text.slice(0, -1).split('\n');
  const heads = lines.map((line) => {
    const [, name = '', records, next, head = ''] = HEAD.exec(line) ?? [];
    return { name, records: Number(records), next: Number(next), head };
  });
  if (origin !== ORIGIN || heads.some(({ name }) => name === '')) return undefined;
  return { at, heads };
};

/** Cuts a file of notes, one after the other, into them. */
export const splitNotes = (text: string): string[] => {
  const notes: string[] = [];
  let lines: string[] = [];
  let signed = false;
  for (const line of text.split('\n')) {
    if (signed && !line.startsWith('— ')) {
      notes.push(`${lines.join('\n')}\n`);
      lines = [];
      signed = false;
    }
    signed ||= line.startsWith('— ');
    lines.push(line);
  }
  if (lines.some((line) => line !== '')) notes.push(lines.join('\n'));
  return notes;
};

/**
 * What checkpoints together say of each chain. Equal heads are kept once, so that a quiet chain costs nothing.
 */
export type Anchors = {
  add(checkpoint: Checkpoint): void;
  /** The head after so many records, where a checkpoint has it. */
  headAt(name: string, records: number): string | undefined;
  /** The latest that is known of a chain. */
  latest(name: string): { records: number; at: string } | undefined;
  names(): string[];
  /** Where two signed checkpoints contradict each other: a record was replaced between them, whatever the ledger says now. */
  contradictions(): { name: string; records: number }[];
};

export const createAnchors = (): Anchors => {
  const chains = new Map<string, { heads: Map<number, string>; latest: { records: number; at: string } }>();
  const contradictions = new Map<string, { name: string; records: number }>();
  return {
    add: ({ at, heads }) => {
      for (const { name, records, head } of heads) {
        const chain = chains.get(name) ?? { heads: new Map(), latest: { records: 0, at } };
        const said = chain.heads.get(records);
        if (said === undefined) chain.heads.set(records, head);
        else if (said !== head) contradictions.set(`${name} ${records}`, { name, records });
        if (records > chain.latest.records) chain.latest = { records, at };
        chains.set(name, chain);
      }
    },
    headAt: (name, records) => chains.get(name)?.heads.get(records),
    latest: (name) => chains.get(name)?.latest,
    names: () => [...chains.keys()],
    contradictions: () => [...contradictions.values()],
  };
};
