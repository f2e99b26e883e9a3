/** The drop folder: which files are finished, and where they go afterwards. Names are bytes: they can be anything, and can name a person. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, lstat, mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { errorCode, RetryableError } from '@causeway/runtime/errors';
import type { FileState } from './file.ts';
import type { Receipt } from './receipt.ts';
import { writeReceipt } from './receipt.ts';

/** A file that has stayed as it is long enough. */
export type Settled = { name: Buffer; state: FileState };

export type Folder = {
  /** @throws RetryableError `drop-folder-…` where the folder is not there or cannot be read or written */
  scan(): Promise<Settled[]>;
  open(name: Buffer): ReturnType<typeof open>;
  /** The receipt beside the file, where it is about one of this size and time. */
  receiptOf(settled: Settled): Promise<Receipt | undefined>;
  receipt(name: Buffer, receipt: Receipt): Promise<void>;
  /** Puts a file that was read where it belongs. */
  dispose(settled: Settled, receipt: Receipt): Promise<void>;
  /** Things in the folder that are no files and are left alone. */
  strangers(): number;
};

type Processed = 'keep' | 'archive' | 'remove';

const RECEIPT = '.receipt.json';
/** What tools and people call a file that they have not finished, and what systems leave behind. */
const UNFINISHED =
  /^[.~]|~$|\.(part|partial|filepart|tmp|temp|crdownload|download|writing|swp|lock|receipt\.json)$|^(thumbs\.db|desktop\.ini)$/i;
/** How often in a row a file has to look the same. */
const SETTLED = 2;
/** The same for one that ends in the middle of a line or a document: it may be waiting for the rest. */
const SETTLED_OPEN = 6;
/** Longer than this nobody waits for a neighbour that keeps growing. */
const PATIENCE = 20;
const LONGEST_NAME = 255;

type Watched = FileState & { times: number; open: boolean };

export const createFolder = (path: string, processed: Processed): Folder => {
  const directory = Buffer.from(path.replace(/\/+$/, '') || '/');
  const watched = new Map<string, Watched>();
  let strangers = 0;
  const at = (name: Buffer): Buffer => Buffer.concat([directory, Buffer.from('/'), name]);

  const scan = async (): Promise<Settled[]> => {
    await usable();
    const entries = await readdir(directory, { encoding: 'buffer', withFileTypes: true }).catch(unusable);
    const present = new Set<string>();
    strangers = 0;
    for (const { name } of entries) {
      if (UNFINISHED.test(name.toString('latin1'))) continue;
      const found = await lstat(at(name)).catch(() => undefined);
      if (!found?.isFile()) {
        if (found && !found.isDirectory()) strangers += 1;
        continue;
      }
      const key = name.toString('latin1');
      present.add(key);
      const { size, mtimeMs, ctimeMs } = found;
      const known = watched.get(key);
      if (known && known.size === size && known.ctimeMs === ctimeMs) known.times += 1;
      else watched.set(key, { size, mtimeMs, ctimeMs, times: 1, open: await endsOpen(at(name), size) });
    }
    for (const key of watched.keys()) if (!present.has(key)) watched.delete(key);
    return settledOf(watched);
  };

  const usable = async (): Promise<void> => {
    await mkdir(directory, { recursive: true, mode: 0o770 }).catch(unusable);
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK).catch(unusable);
  };

  const receiptName = (name: Buffer): Buffer => {
    if (name.length + RECEIPT.length <= LONGEST_NAME) return Buffer.concat([name, Buffer.from(RECEIPT)]);
    const rest = Buffer.from(`~${hashOf(name)}${RECEIPT}`);
    return Buffer.concat([name.subarray(0, LONGEST_NAME - rest.length), rest]);
  };

  return {
    scan,
    open: (name) => open(at(name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK),
    async receiptOf({ name, state }) {
      try {
        const receipt = JSON.parse(await readFile(at(receiptName(name)), 'utf8')) as Receipt;
        const { bytes, modified } = receipt.file;
        const isOf = bytes === state.size && modified === new Date(state.mtimeMs).toISOString();
        return isOf && Array.isArray(receipt.refused) ? receipt : undefined;
      } catch {
        return undefined;
      }
    },
    receipt: (name, receipt) => writeReceipt(at(receiptName(name)), directory, receipt),
    async dispose({ name }, receipt) {
      const clean = receipt.refused.length === 0;
      // What was refused is for somebody to look at.
      if (processed === 'keep' || (processed === 'remove' && !clean)) return;
      if (processed === 'remove') return unlink(at(name));
      const { modified, sha256 } = receipt.file;
      const when = modified.replace(/[-:]|\.\d+/g, '');
      const prefix = Buffer.from(`archive/${when}-${(sha256 ?? 'unread').slice(0, 12)}-`);
      await mkdir(at(Buffer.from('archive')), { recursive: true, mode: 0o770 });
      const room = LONGEST_NAME - (prefix.length - 'archive/'.length) - RECEIPT.length;
      const target = at(Buffer.concat([prefix, name.subarray(0, room)]));
      await writeReceipt(Buffer.concat([target, Buffer.from(RECEIPT)]), directory, receipt);
      await rename(at(name), target);
    },
    strangers: () => strangers,
  };
};

const hashOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex').slice(0, 12);

const unusable = (error: unknown): never => {
  throw new RetryableError(
    'drop-folder-unusable',
    `The drop folder cannot be read and written (${errorCode(error)}): look at COUNCIL_DROP_DIR and its permissions`,
  );
};

/** Files that look the same for long enough; none while a neighbour is still growing, so that a header comes with its episodes. */
const settledOf = (watched: ReadonlyMap<string, Watched>): Settled[] => {
  const isSettled = ({ times, open }: Watched) => times >= (open ? SETTLED_OPEN : SETTLED);
  const all = [...watched];
  const growing = all.some(([, one]) => !isSettled(one));
  return all
    .filter(([, one]) => isSettled(one) && (!growing || one.times >= PATIENCE))
    .map(([key, { size, mtimeMs, ctimeMs }]) => ({
      name: Buffer.from(key, 'latin1'),
      state: { size, mtimeMs, ctimeMs },
    }));
};

/** Whether the last bytes are neither the end of a line nor of a document. */
const endsOpen = async (path: Buffer, size: number): Promise<boolean> => {
  if (size === 0) return true;
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const tail = Buffer.alloc(Math.min(size, 64));
      await file.read(tail, 0, tail.length, size - tail.length);
      return !/[\r\n]\0?$|>[\s\0]*$/.test(tail.toString('latin1'));
    } finally {
      await file.close();
    }
  } catch {
    return false;
  }
};
