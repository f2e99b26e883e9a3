import { setTimeout as delay } from 'node:timers/promises';
import { errorCode } from '@causeway/runtime/errors';
import {
  type LaneParts,
  type LaneSession,
  MAX_INPUT_RECORDS,
  openSession,
  type Pace,
  type StoppedPartition,
} from './session.ts';

type LaneStatus = { open: boolean; stopped: StoppedPartition[] };
export type Lane = { status(): LaneStatus; close(): Promise<void> };

const RESTART_MS = 200;
const MAX_RESTART_MS = 2_000;
/** Another instance has the lane: by then the group has told this one so, or it has the lane again. */
const FENCED_PAUSE_MS = 3_000;

/** Partition `lane` of every outbox, worked by one instance at a time. Runs until it is closed, through every failure. */
export const startLane = (lane: number, parts: LaneParts): Lane => {
  const { log, metrics } = parts;
  const closing = new AbortController();
  const pace: Pace = { records: MAX_INPUT_RECORDS };
  let session: LaneSession | null = null;

  const run = async () => {
    let pause = RESTART_MS;
    while (!closing.signal.aborted) {
      try {
        session = await openSession(lane, parts, pace);
        pause = RESTART_MS;
        while (!closing.signal.aborted) await session.step();
      } catch (error) {
        const code = errorCode(error);
        if (!closing.signal.aborted) {
          log.warn({ event: 'lane.restarted', lane, code }, 'Lane restarting from its ledger position');
          log.debug({ lane, err: error }, 'What stopped the lane');
          metrics.restarts.inc({ component: 'lane' });
          await delay(code === 'fenced' ? FENCED_PAUSE_MS : pause, null, { signal: closing.signal }).catch(
            () => {},
          );
          pause = Math.min(pause * 2, MAX_RESTART_MS);
        }
      } finally {
        await session?.close();
        session = null;
      }
    }
  };
  const running = run();

  return {
    status: () => ({ open: session !== null, stopped: session?.stopped() ?? [] }),
    close: async () => {
      closing.abort();
      await running;
    },
  };
};
