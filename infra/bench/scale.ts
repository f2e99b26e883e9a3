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
  /** In the logs of one broker; `inbox` is that of all recipients together. */
  bytesAnEvent: { outbox: number; inbox: number; ledger: number };
};

const SMALL: Cell = { lanes: 4, organisations: 3, recipients: 2, agreements: 3, instances: 1 };
/** As many sources as agreements: each view of a source and a recipient takes the registry a moment before anything is measured. */
const WIDE: Cell = { ...SMALL, organisations: 60, agreements: 6 };

/** One thing grows at a time. */
const CELLS: Cell[] = [
  ...[4, 12, 24].map((lanes) => ({ ...SMALL, lanes })),
  { ...SMALL, lanes: 12, instances: 2 },
  ...[30, 100].map((organisations) => ({ ...SMALL, organisations, agreements: organisations })),
  ...[1, 10, 50].map((recipients) => ({ ...WIDE, recipients })),
  ...[10, 1_000].map((agreements) => ({ ...SMALL, organisations: 100, recipients: 10, agreements })),
];

/** Columns after the names. */
const MEASURES = 7;
const NAMES = ['lanes', 'organisations', 'recipients', 'agreements', 'instances'] as const;
const run = promisify(execFile);

/** Five million events a day, and the rate of a peak. */
const NATIONAL = { eventsPerDay: 5_000_000, peakPerSecond: 1_500 };
/** Days that topics are kept, from `services/runtime/src/bus/topics.ts`; ledgers for ever. */
const KEPT = { outbox: 7, inbox: 30 };
const REPLICAS = 3;
const GB = 1e9;

/**
 * How throughput and memory of the exchange grow with the size of the partnership, and what each size means for a nation. Each cell is a system of
 * its own, in a process of its own; one that fails leaves a line that says so, and the others follow.
 * @param wanted cells as `lanes/organisations/recipients/agreements/instances`; all by default
 */
export const benchScale = async (wanted: readonly string[]): Promise<void> => {
  print(
    `| ${NAMES.join(' | ')} | events/s | releases/s | processor an event | exchange | broker | disk an event: outbox + inboxes + ledger | start |`,
  );
  print(`|${'---|'.repeat(NAMES.length + MEASURES)}`);
  const conclusions: string[] = [];
  for (const cell of wanted.length > 0 ? wanted.map(parseCell) : CELLS) {
    const measured = await measure(cell);
    if (measured === null) {
      print(`| ${NAMES.map((name) => cell[name]).join(' | ')} |${' failed |'.repeat(MEASURES)}`);
      continue;
    }
    conclusions.push(conclude(cell, measured));
    const { eventsPerSecond, cpuMicros, exchangeMb, brokerMb, startMs, bytesAnEvent } = measured;
    const columns = [
      ...NAMES.map((name) => cell[name]),
      eventsPerSecond,
      eventsPerSecond * cell.recipients,
      `${cpuMicros.toFixed(0)} µs`,
      `${exchangeMb.join(' + ')} MB`,
      `${brokerMb} MB`,
      `${Object.values(bytesAnEvent)
        .map((bytes) => (bytes / 1_000).toFixed(1))
        .join(' + ')} kB`,
      `${(startMs / 1_000).toFixed(0)} s`,
    ];
    print(`| ${columns.join(' | ')} |`);
  }
  const { eventsPerDay, peakPerSecond } = NATIONAL;
  print(
    `\n${eventsPerDay / 1e6} million events a day, ${peakPerSecond} a second in a peak, ${REPLICAS} replicas:\n`,
  );
  print(
    `| ${NAMES.join(' | ')} | cores in a peak | rate here ÷ peak | outboxes and inboxes | ledgers, a day |`,
  );
  print(`|${'---|'.repeat(NAMES.length + 4)}`);
  for (const line of conclusions) print(line);
};

/** What one size means for national volumes, if processor time and bytes of an event stay what they are. */
const conclude = (cell: Cell, { cpuMicros, eventsPerSecond, bytesAnEvent }: Measured): string => {
  const { eventsPerDay, peakPerSecond } = NATIONAL;
  const stored = (bytes: number, days: number) => (bytes * eventsPerDay * days * REPLICAS) / GB;
  const kept = stored(bytesAnEvent.outbox, KEPT.outbox) + stored(bytesAnEvent.inbox, KEPT.inbox);
  const columns = [
    ...NAMES.map((name) => cell[name]),
    ((cpuMicros * peakPerSecond) / 1e6).toFixed(2),
    (eventsPerSecond / peakPerSecond).toFixed(1),
    `${kept.toFixed(0)} GB`,
    `${stored(bytesAnEvent.ledger, 1).toFixed(0)} GB`,
  ];
  return `| ${columns.join(' | ')} |`;
};

const measure = async (cell: Cell): Promise<Measured | null> => {
  const env = { ...process.env, CAUSEWAY_LANES: String(cell.lanes) };
  const args = [join(import.meta.dirname, 'scale-cell.ts'), JSON.stringify(cell)];
  try {
    const { stdout } = await run(process.execPath, args, { env });
    return JSON.parse(stdout) as Measured;
  } catch (error) {
    process.stderr.write(`${(error as { stderr?: string }).stderr ?? error}\n`);
    return null;
  }
};

const parseCell = (text: string): Cell => {
  const numbers = text.split('/').map(Number);
  if (numbers.length !== NAMES.length || !numbers.every((one) => Number.isInteger(one) && one > 0))
    throw new Error(`--cells takes ${NAMES.join('/')} such as 4/3/2/3/1, separated by spaces`);
  return Object.fromEntries(NAMES.map((name, index) => [name, numbers[index]])) as Cell;
};
