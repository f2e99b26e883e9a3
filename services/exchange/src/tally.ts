import type { LedgerDecision } from '@causeway/runtime/ledger/ledger-record';
import type { Metrics } from '@causeway/runtime/telemetry/metrics';

/** Counts what a batch does to one outbox, so that metrics are touched once a batch and only when it is committed. */
export type Tally = {
  decided(decisions: readonly LedgerDecision[]): void;
  deadLetter(reason: string): void;
  gap(): void;
  count(metrics: Metrics): void;
};

export const createTally = (organisation: string): Tally => {
  let [events, gaps] = [0, 0];
  const released = new Map<string, number>();
  const withheld = new Map<string, Map<string, number>>();
  const letters = new Map<string, number>();

  return {
    decided: (decisions) => {
      events += 1;
      for (const { recipient, outcome, reason = '' } of decisions) {
        if (outcome === 'released') addOne(released, recipient);
        else {
          const reasons = withheld.get(recipient) ?? new Map<string, number>();
          withheld.set(recipient, reasons);
          addOne(reasons, reason);
        }
      }
    },
    deadLetter: (reason) => addOne(letters, reason),
    gap: () => {
      gaps += 1;
    },
    count: (metrics) => {
      if (events > 0) metrics.recordsDecided.inc({ organisation }, events);
      if (gaps > 0) metrics.ledgerGaps.inc({ organisation }, gaps);
      for (const [recipient, by] of released) metrics.recordsReleased.inc({ organisation, recipient }, by);
      for (const [recipient, reasons] of withheld)
        for (const [reason, by] of reasons)
          metrics.recordsWithheld.inc({ organisation, recipient, reason }, by);
      for (const [reason, by] of letters)
        metrics.deadLetters.inc({ component: 'exchange', organisation, reason }, by);
    },
  };
};

const addOne = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);
