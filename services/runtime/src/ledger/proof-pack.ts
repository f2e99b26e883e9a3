import { createHash } from 'node:crypto';
import { openCheckpoint } from './checkpoint.ts';
import { type NoteSigner, type NoteVerifier, noteVerifiers, openNote } from './signed-note.ts';

/**
 * A proof pack as a file: one line of JSON, `{"pack":{…},"note":"<signed note>"}`. The note signs SHA-256 of the pack's
 * text, so that no byte of it changes unnoticed. It says that the console's key holder found these decisions at these
 * places; the chains themselves are in an export of the ledgers, whose records hold other people's tokens.
 */

const TITLE = 'causeway proof pack 1';

type PackFile = {
  pack: { checkpoint: { verifierKey: string; latest: string | null }; decisions: unknown[] };
  note: string;
};

type PackReport = { problems: string[]; decisions: number; signedBy: string | null };

const statement = (pack: object): string =>
  `${TITLE}\nsha256 ${createHash('sha256').update(JSON.stringify(pack)).digest('base64url')}\n`;

/** The file's text for a pack, signed. */
export const sealPack = (pack: PackFile['pack'], signer: Pick<NoteSigner, 'sign'>): string =>
  JSON.stringify({ pack, note: signer.sign(statement(pack)) });

/** Whether a file means to be a proof pack; an export of a ledger begins otherwise. */
export const isPack = (start: string): boolean => start.startsWith('{"pack":');

/**
 * Checks a pack: the signature over all of it, and that of the checkpoint inside.
 * @param trusted verifier keys, one a line, that were learned from elsewhere; without it the pack's own is used, which finds what was
 * changed since it was made but not a forger who signs it anew
 */
export const verifyPack = (text: string, trusted?: string): PackReport => {
  const file = fileOf(text);
  if (!file)
    return { problems: ['this is not a proof pack as the console writes it'], decisions: 0, signedBy: null };
  const { pack, note } = file;
  const decisions = pack.decisions.length;
  let verifiers: NoteVerifier[];
  try {
    verifiers = noteVerifiers(trusted ?? pack.checkpoint.verifierKey);
  } catch {
    return { problems: ['the key is not a verifier key'], decisions, signedBy: null };
  }
  const problems: string[] = [];
  const opened = openNote(note, verifiers);
  if ('problem' in opened) problems.push(`its signature: ${opened.problem}`);
  else if (opened.text !== statement(pack)) problems.push('the pack was changed after it was signed');
  const { latest } = pack.checkpoint;
  const checkpoint = latest === null ? undefined : openCheckpoint(latest, verifiers);
  if (checkpoint && 'problem' in checkpoint) problems.push(`its checkpoint: ${checkpoint.problem}`);
  return { problems, decisions, signedBy: 'problem' in opened ? null : opened.signedBy };
};

/** Only the one spelling that the console writes counts; a line break at the end is an editor's. */
const fileOf = (text: string): PackFile | undefined => {
  try {
    const file = JSON.parse(text) as PackFile;
    const { pack, note } = file;
    const { verifierKey, latest } = pack.checkpoint;
    const whole =
      typeof note === 'string' &&
      typeof verifierKey === 'string' &&
      (latest === null || typeof latest === 'string') &&
      Array.isArray(pack.decisions) &&
      JSON.stringify(file) === text.replace(/\n$/, '');
    return whole ? file : undefined;
  } catch {
    return undefined;
  }
};
