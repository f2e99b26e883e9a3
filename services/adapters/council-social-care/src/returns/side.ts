/** The drop folder of statutory returns: settings, and how its parts are put together. */
import { runLoop } from '@causeway/runtime/async/run-loop';
import { errorCode, RetryableError, retryableFor } from '@causeway/runtime/errors';
import { type Config, choice, integer, text } from '@causeway/runtime/service/config';
import type { Context } from '@causeway/runtime/service/service';
import type { PersonIndex } from '../database/person-index.ts';
import { ADAPTER, type Parts } from '../parts.ts';
import { isOf, readReturn } from './file.ts';
import { createFolder, type Folder, type Settled } from './folder.ts';
import { createKnown } from './known.ts';
import { personIdReader } from './protection.ts';
import type { Publishing } from './publish.ts';

export const returnsSettings = {
  /** Without it nothing is read from files. */
  COUNCIL_DROP_DIR: text().optional(),
  COUNCIL_SOCIAL_CARE_DROP_POLL_MS: integer(1_000, { min: 50, max: 600_000 }),
  COUNCIL_SOCIAL_CARE_PROCESSED: choice(['keep', 'archive', 'remove'], 'keep'),
  COUNCIL_SOCIAL_CARE_MAX_FILE_MB: integer(20, { min: 1, max: 1_000 }),
  /** 0: everything that a return says is history. */
  COUNCIL_SOCIAL_CARE_HISTORY_DAYS: integer(0, { min: 0, max: 36_500 }),
  COUNCIL_SOCIAL_CARE_LEFT_OUT: choice(['list', 'withdraw'], 'list'),
  /** How the number of a child in a return relates to the council's own number of a person. */
  COUNCIL_SOCIAL_CARE_RETURN_IDS: text('{person_id}'),
};

type SideContext = Context<Config<typeof returnsSettings>>;

const UNREADABLE = 'drop-folder-unreadable-file';
const LONGEST_PAUSE_MS = 10_000;
const FORGET_MS = 24 * 3_600_000;

/** Begins in the background; what fails is tried again. */
export const startReturns = (context: SideContext, parts: Parts, index: PersonIndex | undefined): void => {
  const { config, log, metrics, onStop, readiness, signal } = context;
  if (config.COUNCIL_DROP_DIR === undefined) {
    log.info({ event: 'source.disabled' }, 'no drop folder is set: nothing is read from files');
    return;
  }
  const folder = createFolder(config.COUNCIL_DROP_DIR, config.COUNCIL_SOCIAL_CARE_PROCESSED);
  const known = createKnown(parts.database);
  const publishing: Publishing = {
    organisation: parts.organisation,
    known,
    source: parts.source,
    tokeniser: parts.tokeniser,
    index,
    personIdOf: personIdReader(config.COUNCIL_SOCIAL_CARE_RETURN_IDS),
    contact: parts.contact,
    withdrawsLeftOut: config.COUNCIL_SOCIAL_CARE_LEFT_OUT === 'withdraw',
    historyDays: config.COUNCIL_SOCIAL_CARE_HISTORY_DAYS,
  };
  /** The state of each file that was seen to in this process, by name. */
  const done = new Map<string, string>();
  const pollMs = config.COUNCIL_SOCIAL_CARE_DROP_POLL_MS;
  let problem: Error | undefined = new RetryableError(
    'starting',
    'The drop folder has not been looked at yet',
  );
  let migrated = false;
  let forgotAt = 0;
  const look = async (): Promise<number> => {
    await parts.source.ready();
    if (!migrated)
      await parts.database.migrate(new URL('./migrations', import.meta.url), 'returns_migrations');
    migrated = true;
    if (Date.now() - forgotAt > FORGET_MS) {
      await known.forget();
      forgotAt = Date.now();
    }
    const settled = (await folder.scan()).filter((one) => done.get(keyOf(one)) !== stampOf(one));
    let troubled: { error: unknown } | undefined;
    for (const one of await inOrder(folder, settled)) {
      try {
        if (await seeTo(context, folder, publishing, one)) done.set(keyOf(one), stampOf(one));
      } catch (error) {
        // What concerns one file does not hold up the others; bus and database concern them all.
        if (error instanceof RetryableError && error.code !== UNREADABLE) throw error;
        troubled = { error };
      }
    }
    if (troubled) throw troubled.error;
    problem = undefined;
    return pollMs;
  };
  const reading = runLoop({
    name: 'drop-folder',
    signal,
    step: look,
    retryMs: (failures) => Math.max(pollMs, Math.min(LONGEST_PAUSE_MS, 100 * 2 ** Math.min(failures, 10))),
    onError(error) {
      problem = problemOf(error);
    },
    log,
    metrics,
  });
  readiness('drop folder', async () => {
    if (problem) throw problem;
  });
  onStop('drop folder', () => reading);
};

/** Our own errors say what to do; the message of any other can hold the name of a file. */
const problemOf = (error: unknown): Error =>
  error instanceof RetryableError
    ? error
    : retryableFor(error, `The drop folder cannot be read now (${errorCode(error)})`);

const keyOf = ({ name }: Settled): string => name.toString('latin1');
const stampOf = ({ state }: Settled): string => `${state.size} ${state.mtimeMs} ${state.ctimeMs}`;

/** Header files first, so that the events of others carry what they say; then by name. */
const inOrder = async (folder: Folder, settled: readonly Settled[]): Promise<Settled[]> => {
  const ranked = await Promise.all(
    settled.map(async (one) => ({ one, rank: (await looksLikeHeader(folder, one.name)) ? 0 : 1 })),
  );
  return ranked
    .sort((a, b) => a.rank - b.rank || Buffer.compare(a.one.name, b.one.name))
    .map(({ one }) => one);
};

const looksLikeHeader = async (folder: Folder, name: Buffer): Promise<boolean> => {
  try {
    const file = await folder.open(name);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(1_000), 0, 1_000, 0);
      const start = buffer.subarray(0, bytesRead).toString('latin1').replaceAll('\0', '');
      return /UPN/i.test(start.split(/[\r\n]/)[0] ?? '') && !/^\W*</.test(start);
    } finally {
      await file.close();
    }
  } catch {
    return false;
  }
};

/** Whether the file is finished with. @throws RetryableError when bus or database cannot take it now */
const seeTo = async (
  context: SideContext,
  folder: Folder,
  publishing: Publishing,
  settled: Settled,
): Promise<boolean> => {
  const { config, log, metrics, signal } = context;
  const handle = await folder.open(settled.name).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw new RetryableError(
      UNREADABLE,
      `A file in the drop folder cannot be opened (${errorCode(error)}): look at its permissions`,
    );
  });
  if (handle === undefined) return true;
  const earlier = await folder.receiptOf(settled);
  const read = await (async () => {
    // Read before this process began; only that it went where it belongs can be missing.
    if (earlier && (await isOf(earlier, handle))) return 'earlier';
    const { COUNCIL_SOCIAL_CARE_MAX_FILE_MB: maxMegabytes } = config;
    return readReturn({ handle, name: settled.name }, publishing, { maxMegabytes, signal });
  })().finally(() => handle.close());
  if (read === 'earlier') {
    if (earlier) await folder.dispose(settled, earlier);
    return true;
  }
  if (read === undefined) return false;
  const { receipt } = read;
  await folder.receipt(settled.name, receipt);
  await read.finish();
  const refused = receipt.refused.length + receipt.refusedNotListed;
  const counted = (outcome: 'published' | 'duplicate' | 'not-shared' | 'refused', rows: number) => {
    if (rows > 0) metrics.sourceMessages.inc({ adapter: ADAPTER, outcome, reason: 'none' }, rows);
  };
  counted('published', receipt.published);
  counted('duplicate', receipt.unchanged);
  counted('not-shared', receipt.notShared);
  counted('refused', refused);
  const { kind, rows, published, unchanged, notShared, complete } = receipt;
  log.info(
    { event: 'file.read', kind, rows, published, unchanged, notShared, refused, complete },
    'a file of the drop folder was read',
  );
  await folder.dispose(settled, receipt);
  return true;
};
