import type { Logger } from '@causeway/runtime/telemetry/log';

/** The outboxes of a lane whose next record cannot be decided now, each by its organisation. */
type HeldPartitions = {
  /** Whether it is too early to try the record again. */
  isPaused(organisation: string): boolean;
  /** Milliseconds for which its next record has been held already. */
  heldFor(organisation: string): number;
  hold(organisation: string, code: string): void;
  release(organisation: string): void;
};

export const HOLD_PAUSE_MS = 250;

/** @param now milliseconds of a clock that is never set: by one that is put back by an hour a record would wait for an hour */
export const createHeldPartitions = (lane: number, log: Logger, now: () => number): HeldPartitions => {
  const held = new Map<string, { since: number; until: number }>();
  return {
    isPaused: (organisation) => (held.get(organisation)?.until ?? 0) > now(),
    heldFor: (organisation) => now() - (held.get(organisation)?.since ?? now()),
    hold: (organisation, code) => {
      const since = held.get(organisation)?.since;
      if (since === undefined)
        log.warn({ event: 'record.held', lane, organisation, code }, 'Record held until it can be decided');
      held.set(organisation, { since: since ?? now(), until: now() + HOLD_PAUSE_MS });
    },
    release: (organisation) => {
      held.delete(organisation);
    },
  };
};
