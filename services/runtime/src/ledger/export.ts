import { createHash } from 'node:crypto';
import { createAnchors, openCheckpoint } from './checkpoint.ts';
import { type NoteSigner, type NoteVerifier, noteVerifiers, openNote } from './signed-note.ts';
import { createVerification, type WholeChain } from './verify-chain.ts';

/**
 * A ledger as a file: lines of JSON that anybody can check with SHA-256 and ed25519 alone.
 *
 * 1. `{"export":"causeway ledger 1","key":"<verifier keys, one a line>"}`
 * 2. a line `{"checkpoint":"<signed note>"}` for each checkpoint
 * 3. a line `{"topic":…,"partition":…,"value":"<the record's text, byte for byte>"}` for each record, chain after chain in order of their names
 * 4. `{"end":"<note>"}`: every chain with its first and last record, its head, and SHA-256 of all lines before; signed
 *    where the key was at hand.
 */

export type ExportedRecord = { topic: string; partition: number; value: Buffer };

const FORMAT = 'causeway ledger 1';
const END = 'causeway ledger end';

/** Yields the lines of an export, without line breaks. Records come chain after chain, in order of topic and partition. */
export async function* exportLines(
  records: AsyncIterable<ExportedRecord>,
  checkpoints: Iterable<string>,
  by: { verifierKey: string; signer?: NoteSigner },
): AsyncGenerator<string> {
  const digest = createHash('sha256');
  const line = (content: object) => {
    const text = JSON.stringify(content);
    digest.update(text).update('\n');
    return text;
  };
  yield line({ export: FORMAT, key: by.verifierKey });
  for (const checkpoint of checkpoints) yield line({ checkpoint });
  const verification = createVerification(createAnchors());
  for await (const { topic, partition, value } of records) {
    verification.take(topic, partition, value);
    yield line({ topic, partition, value: value.toString('utf8') });
  }
  // What is broken already is exported as it is; its chain is then not among those that the end vouches for.
  const text = endText(verification.whole(), digest.digest('base64url'));
  yield JSON.stringify({ end: by.signer?.sign(text) ?? unsigned(text) });
}

const endText = (chains: readonly WholeChain[], digest: string): string =>
  [
    END,
    `sha256 ${digest}`,
    ...chains.map(({ name, first, records, head }) => `${name} ${first} ${records} ${head}`),
    '',
  ].join('\n');

/** Stands for a signature: finds accidents, and says nothing about who wrote the export. */
const unsigned = (text: string): string =>
  `${text}\n— unsigned ${createHash('sha256').update(text).digest('base64')}\n`;

type ExportProblem = { line: number; where: string; problem: string };
export type ExportReport = {
  problems: ExportProblem[];
  records: number;
  checkpoints: number;
  chains: WholeChain[];
  /** Whose signature the end has, null where it has none. */
  signedBy: string | null;
};

/**
 * Checks an export line by line: each chain, each checkpoint, and that nothing else was changed, left out, put in or cut
 * off. It keeps the heads in memory, never the records.
 * @param lines without their line breaks
 * @param trusted verifier keys, one a line, that were learned from elsewhere; without it the export's own is used, which finds what
 * was changed since the export but not a forger who signs it anew
 */
export const verifyExport = async (
  lines: AsyncIterable<Buffer>,
  trusted?: string,
  progress: (records: number) => void = () => undefined,
): Promise<ExportReport> => {
  const problems: ExportProblem[] = [];
  const anchors = createAnchors();
  const verification = createVerification(anchors);
  const digest = createHash('sha256');
  let verifiers: NoteVerifier[] = [];
  const at: { part: 'start' | 'checkpoints' | 'records' | 'end' } = { part: 'start' };
  let [number, records, checkpoints] = [0, 0, 0];
  let current = '';
  let last: Place | undefined;
  let signedBy: string | null = null;
  const found = (problem: string, where = '') => problems.push({ line: number, where, problem });

  const begin = (content: Line) => {
    at.part = 'checkpoints';
    if (content.export !== FORMAT || typeof content.key !== 'string')
      return found('this is not the first line of an export');
    try {
      verifiers = noteVerifiers(trusted ?? content.key);
    } catch {
      found('the key is not a verifier key');
    }
  };

  const takeCheckpoint = (note: string) => {
    const checkpoint = openCheckpoint(note, verifiers);
    checkpoints += 1;
    if (at.part !== 'checkpoints') found('a checkpoint among the records', 'checkpoint');
    if ('problem' in checkpoint) found(checkpoint.problem, 'checkpoint');
    else anchors.add(checkpoint);
  };

  const takeRecord = (topic: string, partition: number, value: string) => {
    const name = `${topic}/${partition}`;
    at.part = 'records';
    records += 1;
    if (name !== current) {
      if (!follows({ topic, partition }, last))
        found('chains stand in order of their names, and this one does not', name);
      [current, last] = [name, { topic, partition }];
    }
    const problem = verification.take(topic, partition, Buffer.from(value, 'utf8'));
    if (problem) found(problem.problem, `${name}, sequence ${problem.sequence}`);
    progress(records);
  };

  const takeEnd = (note: string, before: string) => {
    for (const { name, sequence, problem } of verification.finish())
      found(problem, `${name}, sequence ${sequence}`);
    const end = openEnd(note, verifiers);
    at.part = 'end';
    if ('problem' in end) return found(end.problem, 'end');
    signedBy = end.signedBy;
    const chains = new Map(verification.whole().map((chain) => [chain.name, chain]));
    const broken = new Set(problems.map(({ where }) => where.split(',')[0]));
    for (const [name, text] of end.chains) {
      const chain = chains.get(name);
      const said = chain && `${chain.first} ${chain.records} ${chain.head}`;
      if (said !== text && !broken.has(name))
        found(chain ? endMismatch(said ?? '', text) : 'the whole chain is missing', name);
    }
    for (const name of chains.keys())
      if (!end.chains.has(name) && !broken.has(name)) found('a chain that was not in the export', name);
    if (problems.length === 0 && end.digest !== before)
      found('a line was changed, left out or put in that belongs to no chain');
  };

  for await (const bytes of lines) {
    number += 1;
    if (at.part === 'end') {
      found('a line after the end');
      break;
    }
    const text = bytes.toString('utf8');
    const content = lineOf(text);
    // The end vouches for the lines before it.
    const before = content && 'end' in content ? digest.copy().digest('base64url') : '';
    digest.update(bytes).update('\n');
    if (!content) found('this is not a line as an export writes it');
    else if (at.part === 'start') begin(content);
    else if (typeof content.checkpoint === 'string') takeCheckpoint(content.checkpoint);
    else if (typeof content.end === 'string') takeEnd(content.end, before);
    else if (
      typeof content.topic === 'string' &&
      typeof content.partition === 'number' &&
      typeof content.value === 'string'
    )
      takeRecord(content.topic, content.partition, content.value);
    else found('this is not a line as an export writes it');
  }
  if (at.part !== 'end') {
    for (const { name, sequence, problem } of verification.finish())
      found(problem, `${name}, sequence ${sequence}`);
    found('the export has no end: it was cut off after this line', current);
  }
  return { problems, records, checkpoints, chains: verification.whole(), signedBy };
};

type Place = { topic: string; partition: number };

/** Chains come in order of topic and partition: a chain that is put elsewhere, or comes twice, is not in it. */
const follows = (next: Place, last: Place | undefined): boolean =>
  last === undefined ||
  (next.topic === last.topic ? next.partition > last.partition : next.topic > last.topic);

type Line = Record<string, unknown>;

/** Only the one spelling that an export writes counts, so that no bit of it can change unnoticed. */
const lineOf = (text: string): Line | undefined => {
  try {
    const content: unknown = JSON.parse(text);
    const isObject = typeof content === 'object' && content !== null && !Array.isArray(content);
    return isObject && JSON.stringify(content) === text ? (content as Line) : undefined;
  } catch {
    return undefined;
  }
};

type End = { digest: string; chains: Map<string, string>; signedBy: string | null };

const openEnd = (note: string, verifiers: NoteVerifier[]): End | { problem: string } => {
  const text = note.slice(0, note.lastIndexOf('\n\n') + 1);
  const plain = note === unsigned(text);
  const opened = plain ? { text, signedBy: null } : openNote(note, verifiers);
  if ('problem' in opened) return opened;
  const [title, digest = '', ...lines] = opened.text.slice(0, -1).split('\n');
  if (title !== END || !digest.startsWith('sha256 ')) return { problem: 'this is not the end of an export' };
  const chains = new Map<string, string>();
  for (const line of lines) chains.set(line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1));
  return { digest: digest.slice('sha256 '.length), chains, signedBy: opened.signedBy };
};

const endMismatch = (found: string, said: string): string => {
  const [first, records] = found.split(' ').map(Number);
  const [saidFirst, saidRecords] = said.split(' ').map(Number);
  if (first !== saidFirst) return `it begins with record ${first}, and was exported from ${saidFirst} on`;
  if (records !== saidRecords) return `it ends after ${records} records, and ${saidRecords} were exported`;
  return `its last record was changed: the head after ${records} records is another one`;
};
