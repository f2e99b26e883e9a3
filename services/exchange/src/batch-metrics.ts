import type { LedgerRecord } from '@causeway/runtime/ledger/ledger-record';
import type { Metrics } from '@causeway/runtime/telemetry/metrics';

/** Counts what a committed batch did to one outbox. Each series is touched once a batch. */
export const countBatch = (metrics: Metrics, organisation: string, ledger: readonly LedgerRecord[]): void => {
  const decided = ledger.filter((record) => record.kind === 'decision');
  const gaps = ledger.filter(({ kind }) => kind === 'gap').length;
  const decisions = decided.flatMap((record) => record.decisions);
  const released = decisions.filter(({ outcome }) => outcome === 'released');
  const withheld = decisions.filter(({ outcome }) => outcome === 'withheld');
  const deadLetters = ledger.filter((record) => record.kind === 'dead-letter');

  if (decided.length > 0) metrics.recordsDecided.inc({ organisation }, decided.length);
  if (gaps > 0) metrics.ledgerGaps.inc({ organisation }, gaps);
  for (const [recipient, { length }] of Map.groupBy(released, (one) => one.recipient))
    metrics.recordsReleased.inc({ organisation, recipient }, length);
  for (const [recipient, all] of Map.groupBy(withheld, (one) => one.recipient))
    for (const [reason, { length }] of Map.groupBy(all, (one) => one.reason ?? ''))
      metrics.recordsWithheld.inc({ organisation, recipient, reason }, length);
  for (const [reason, { length }] of Map.groupBy(deadLetters, (one) => one.reason))
    metrics.deadLetters.inc({ component: 'exchange', organisation, reason }, length);
};
