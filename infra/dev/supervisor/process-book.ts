import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startedAt } from '../../common/processes.ts';

/** A process of ours: `started` tells it apart from a later process that was given the same number. */
type ProcessRecord = { name: string; pid: number; started: string; stopSignal: NodeJS.Signals };
type Book = { launcher: ProcessRecord; parts: ProcessRecord[] };
type ProcessBook = {
  add(record: Omit<ProcessRecord, 'started'>): void;
  remove(pid: number): void;
  clear(): void;
};

function isRunning(record: Pick<ProcessRecord, 'pid' | 'started'>): boolean {
  return startedAt(record.pid) === record.started;
}

const bookPath = (home: string) => join(home, 'processes.json');

function readBook(home: string): Book | null {
  try {
    return JSON.parse(readFileSync(bookPath(home), 'utf8'));
  } catch {
    return null;
  }
}

/** Keeps the list of running children in `processes.json`, so that a later start can end what a killed one left. */
export function openProcessBook(home: string): ProcessBook {
  const launcher: ProcessRecord = {
    name: 'launcher',
    pid: process.pid,
    started: startedAt(process.pid) ?? '',
    stopSignal: 'SIGTERM',
  };
  let parts: ProcessRecord[] = [];
  const write = () => {
    const path = bookPath(home);
    writeFileSync(`${path}.new`, JSON.stringify({ launcher, parts } satisfies Book));
    renameSync(`${path}.new`, path);
  };
  write();
  return {
    add(record) {
      parts.push({ ...record, started: startedAt(record.pid) ?? '' });
      write();
    },
    remove(pid) {
      parts = parts.filter((part) => part.pid !== pid);
      write();
    },
    clear() {
      rmSync(bookPath(home), { force: true });
    },
  };
}

/** The launcher that is using this home now, if there is one; it may be this process. */
export function runningLauncher(home: string): number | null {
  const book = readBook(home);
  if (!book || !isRunning(book.launcher)) return null;
  return book.launcher.pid;
}

/**
 * Ends what a launcher that was killed left running, and only that: a number that now belongs to
 * another process is left alone. Answers with the names of the parts that were ended.
 */
export async function endLeftovers(home: string, patienceMs = 5_000): Promise<string[]> {
  const left = (readBook(home)?.parts ?? []).filter(isRunning);
  for (const record of left) signal(record, record.stopSignal);
  const deadline = Date.now() + patienceMs;
  while (left.some(isRunning) && Date.now() < deadline) await delay(50);
  for (const record of left.filter(isRunning)) signal(record, 'SIGKILL');
  while (left.some(isRunning)) await delay(20);
  rmSync(bookPath(home), { force: true });
  return left.map((record) => record.name);
}

function signal(record: ProcessRecord, name: NodeJS.Signals) {
  try {
    if (isRunning(record)) process.kill(record.pid, name);
  } catch {
    // It ended between the look and the signal.
  }
}
