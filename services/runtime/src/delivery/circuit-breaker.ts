/**
 * A receiver that keeps failing is left alone for a while, so that it can recover and its events need not all be tried
 * and parked to find out the same thing. After the pause one event is tried; if it arrives, everything goes on.
 */
export type CircuitSettings = {
  /** Failures of the receiver in a row, of at least two events, after which it is left alone. */
  failures: number;
  /** The first pause, milliseconds; each further one is twice as long, up to the longest. */
  pauseMs: number;
  longestPauseMs: number;
};

export const SINK_CIRCUIT: CircuitSettings = { failures: 5, pauseMs: 5_000, longestPauseMs: 30_000 };
export const WEBHOOK_CIRCUIT: CircuitSettings = { failures: 10, pauseMs: 30_000, longestPauseMs: 900_000 };

/** `openUntil` null: closed. `opens` counts the pauses since it was last closed. */
export type CircuitState = { openUntil: number | null; opens: number };

export type Circuit = {
  /** `closed`: go on. `open`: try nothing and read nothing. `half-open`: try one event. */
  state(now: number): 'closed' | 'open' | 'half-open';
  /** When it is worth to look again, milliseconds since 1970; null while closed. */
  until(): number | null;
  /** True where this changed something worth writing down. */
  succeeded(): boolean;
  failed(event: string, now: number): boolean;
  snapshot(): CircuitState;
};

export const createCircuit = (
  settings: CircuitSettings,
  initial: CircuitState = { openUntil: null, opens: 0 },
): Circuit => {
  let { openUntil, opens } = initial;
  let streak = 0;
  let events = new Set<string>();

  const open = (now: number): true => {
    openUntil = now + Math.min(settings.pauseMs * 2 ** Math.min(opens, 30), settings.longestPauseMs);
    opens += 1;
    return true;
  };

  return {
    state: (now) => (openUntil === null ? 'closed' : now < openUntil ? 'open' : 'half-open'),
    until: () => openUntil,
    succeeded() {
      const changed = openUntil !== null;
      streak = 0;
      events = new Set();
      openUntil = null;
      opens = 0;
      return changed;
    },
    failed(event, now) {
      streak += 1;
      if (events.size < 2) events.add(event);
      if (openUntil !== null) return open(now);
      // One event alone may be what the receiver cannot stand; its own schedule spaces it.
      return streak >= settings.failures && events.size > 1 && open(now);
    },
    snapshot: () => ({ openUntil, opens }),
  };
};
