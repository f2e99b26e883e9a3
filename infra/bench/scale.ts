import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { print } from './report.ts';

/** One size of a partnership. `agreements` in all, shared out among as many sources as there are. */
export type Cell = {
  lanes: number;
  organisations: number;
  recipients: number;
  agreements: number;
  instances: number;
};

export type Measured = {
  eventsPerSecond: number;
  cpuMicros: number;
  exchangeMb: number[];
  brokerMb: number | null;
  startMs: number;
  /** Of outbox, inboxes and ledger together, on one broker. */
  bytesAnEvent: number;
};

const SMALL: Cell = { lanes: 4, organisations: 3, recipients: 2, agreements: 3, instances: 1 };
const WIDE: Cell = { ...SMALL, organisations: 60, agreements: 60 };

/** One thing grows at a time. */
const CELLS: Cell[] = [
  ...[4, 12, 24].map((lanes) => ({ ...SMALL, lanes })),
  { ...SMALL, lanes: 12, instances: 2 },
  ...[30, 100].map((organisations) => ({ ...SMALL, organisations, agreements: organisations })),
  ...[1, 10, 50].map((recipients) => ({ ...WIDE, recipients })),
  ...[10, 1_000].map((agreements) => ({ ...SMALL, organisations: 100, recipients: 10, agreements })),
];

const NAMES = ['lanes', 'organisations', 'recipients', 'agreements', 'instances'] as const;
const run = promisify(execFile);

/**
 * How throughput and memory of the exchange grow with the size of the partnership. Each cell is a system of its own, in a process of its own.
 * @param wanted cells as `lanes/organisations/recipients/agreements/instances`; all by default
 */
export const benchScale = async (wanted: readonly string[]): Promise<void> => {
  print(
    `| ${NAMES.join(' | ')} | events/s | releases/s | processor an event | exchange | broker | disk an event | start |`,
  );
  print(`|${'---|'.repeat(NAMES.length + 7)}`);
  for (const cell of wanted.length > 0 ? wanted.map(parseCell) : CELLS) {
    const measured = await measure(cell);
    const { eventsPerSecond, cpuMicros, exchangeMb, brokerMb, startMs, bytesAnEvent } = measured;
    const columns = [
      ...NAMES.map((name) => cell[name]),
      eventsPerSecond,
      eventsPerSecond * cell.recipients,
      `${cpuMicros.toFixed(0)} µs`,
      `${exchangeMb.join(' + ')} MB`,
      `${brokerMb} MB`,
      `${(bytesAnEvent / 1_000).toFixed(1)} kB`,
      `${(startMs / 1_000).toFixed(0)} s`,
    ];
    print(`| ${columns.join(' | ')} |`);
  }
};

const measure = async (cell: Cell): Promise<Measured> => {
  const env = { ...process.env, CAUSEWAY_LANES: String(cell.lanes) };
  const args = [join(import.meta.dirname, 'scale-cell.ts'), JSON.stringify(cell)];
  const { stdout } = await run(process.execPath, args, { env });
  return JSON.parse(stdout) as Measured;
};

const parseCell = (text: string): Cell => {
  const numbers = text.split('/').map(Number);
  if (numbers.length !== NAMES.length || !numbers.every((one) => Number.isInteger(one) && one > 0))
    throw new Error(`--cells takes ${NAMES.join('/')} such as 4/3/2/3/1, separated by spaces`);
  return Object.fromEntries(NAMES.map((name, index) => [name, numbers[index]])) as Cell;
};
