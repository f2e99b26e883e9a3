import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NoteSigner } from '@causeway/runtime/ledger/signed-note';

/**
 * Keeps `verifier.txt` in the folder of checkpoints: a line for every key that has ever signed here, from when to when. A key that
 * is not among the signer's any more ends now, and one that is new begins. A change is recorded first, so that nobody can slip in a
 * key of his own unnoticed. The first keys of a folder have no beginning: another console may have signed with them before.
 * @returns the text of the file
 */
export const publishKeys = async (
  directory: string,
  signer: Pick<NoteSigner, 'verifierKeys'>,
  now: Date,
  record: (keys: string[]) => Promise<void> = async () => {},
): Promise<string> => {
  const path = join(directory, 'verifier.txt');
  const before = (await readFile(path, 'utf8').catch(missing)).split('\n').filter(Boolean);
  const at = now.toISOString();
  const keyOf = (line: string) => line.split(' ', 1)[0] ?? '';
  const isOver = (line: string) => line.includes(' until ');
  const kept = before.map((line) =>
    isOver(line) || signer.verifierKeys.includes(keyOf(line)) ? line : `${line} until ${at}`,
  );
  const known = kept.filter((line) => !isOver(line)).map(keyOf);
  const added = signer.verifierKeys
    .filter((key) => !known.includes(key))
    .map((key) => (before.length === 0 ? key : `${key} from ${at}`));
  // Newest first, so that whoever looks for the key of now finds it on top.
  const lines = [...added, ...kept];
  const text = `${lines.join('\n')}\n`;
  if (lines.join() === before.join()) return text;
  if (before.length > 0) await record(lines);
  await mkdir(directory, { recursive: true });
  await writeFile(`${path}.new`, text, { flush: true });
  await rename(`${path}.new`, path);
  return text;
};

const missing = (error: NodeJS.ErrnoException): string => {
  if (error.code === 'ENOENT') return '';
  throw error;
};
