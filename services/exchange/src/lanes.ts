import { RetryableError } from '@causeway/runtime/errors';
import { type Lane, startLane } from './lane.ts';
import type { LaneParts, StoppedPartition } from './session.ts';

export type Lanes = {
  /** Called with every new assignment: starts what is new, ends what went to another instance, keeps the rest. */
  assign(lanes: number[]): void;
  /** @throws RetryableError while this instance has no assignment yet or a lane of it is not open */
  check(): void;
  close(): Promise<void>;
};

/** The lanes that this instance works now. Where two instances have a lane for a moment, one fences the other. */
export const createLanes = (parts: LaneParts): Lanes => {
  const running = new Map<number, Lane>();
  const ending = new Set<Promise<void>>();
  let assigned = false;

  const end = (number: number, lane: Lane) => {
    running.delete(number);
    const ended = lane.close().finally(() => ending.delete(ended));
    ending.add(ended);
  };

  return {
    assign: (lanes) => {
      assigned = true;
      parts.log.info({ event: 'lane.assigned', lanes }, 'Lanes assigned');
      for (const [number, lane] of running) if (!lanes.includes(number)) end(number, lane);
      for (const number of lanes) if (!running.has(number)) running.set(number, startLane(number, parts));
    },
    check: () => {
      if (!assigned) throw new RetryableError('no-assignment', 'Not a member of the group of lanes yet');
      const closed = [...running].filter(([, lane]) => !lane.status().open).map(([number]) => number);
      if (closed.length > 0) throw new RetryableError('lane-closed', `Lanes not open: ${closed.join(', ')}`);
      const stopped = [...running.values()].flatMap((lane) => lane.status().stopped);
      if (stopped.length > 0)
        throw new RetryableError('partition-stopped', `Waiting for an operator: ${textOf(stopped)}`);
    },
    close: async () => {
      for (const [number, lane] of running) end(number, lane);
      await Promise.all(ending);
    },
  };
};

/** Each organisation once, however many of its partitions have stopped. */
const textOf = (stopped: readonly StoppedPartition[]): string =>
  [...Map.groupBy(stopped, ({ organisation }) => organisation)]
    .map(
      ([organisation, all]) =>
        `${organisation} (${[...new Set(all.map(({ reason }) => reason))].join(', ')})`,
    )
    .join(', ');
