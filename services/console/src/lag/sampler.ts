import { startLoop } from '@causeway/runtime/async/run-loop';
import type { Logger } from '@causeway/runtime/telemetry/log';
import type { Metrics } from '@causeway/runtime/telemetry/metrics';
import type { Measured } from '../measurement/report.ts';
import { lagReport } from '../measurement/report.ts';
import type { Store } from '../store/store.ts';
import {
  forget,
  keepSamples,
  type LagLook,
  type LagSampleRow,
  lookAtDeliveries,
  thin,
} from './lag-samples.ts';

type LagSampler = {
  /** The latest look; undefined before the first one. */
  now(): LagLook | undefined;
  close(): Promise<void>;
};

const EVERY_MS = 10_000;
const HOUSEKEEPING_MS = 10 * 60_000;
const RETRY_MS = 2_000;

/** Looks at deliveries every ten seconds and keeps each look, with the exchange's lag beside it, for seven days. */
export function startLagSampler(parts: {
  store: Store;
  measured: () => Measured;
  log: Logger;
  metrics?: Pick<Metrics, 'loopRestarts'>;
  clock?: () => number;
  everyMs?: number;
}): LagSampler {
  const { store, measured, log, metrics, clock = Date.now, everyMs = EVERY_MS } = parts;
  let latest: LagLook | undefined;
  let housekept = 0;

  const step = async () => {
    await store.migrated;
    latest = await lookAtDeliveries(store.query, clock());
    const at = Math.floor(latest.at / EVERY_MS) * EVERY_MS;
    await keepSamples(store.query, at, sampleRows(measured(), latest));
    if (clock() - housekept >= HOUSEKEEPING_MS) {
      housekept = clock();
      await store.transaction(thin);
      await store.transaction(forget);
    }
    return everyMs - (clock() % everyMs);
  };

  const loop = startLoop({
    name: 'lag-sampler',
    step,
    retryMs: RETRY_MS,
    log,
    metrics,
  });

  return {
    now: () => latest,
    close: loop.close,
  };
}

/** One look as rows of the history. While the broker is away its last figures are no figures. */
export function sampleRows(measured: Measured, look: LagLook): LagSampleRow[] {
  const exchange = measured.connection.status === 'live' ? lagReport(measured).organisations : [];
  const inboxes = new Map<string, { events: number; seconds: number }>();
  for (const { organisation, events, seconds } of look.inboxes) {
    const sum = inboxes.get(organisation) ?? { events: 0, seconds: 0 };
    inboxes.set(organisation, { events: sum.events + events, seconds: Math.max(sum.seconds, seconds) });
  }
  const nothing = { events: 0, seconds: 0 };
  return [
    ...exchange.map(({ organisation, events, seconds }) => ({
      organisation,
      kind: 'exchange' as const,
      name: '',
      events,
      seconds,
    })),
    ...measured.organisations.map(({ id }) => ({
      organisation: id,
      kind: 'inbox' as const,
      name: '',
      ...(inboxes.get(id) ?? nothing),
    })),
    ...look.readers.map(({ organisation, name, events, seconds }) => ({
      organisation,
      kind: 'reader' as const,
      name,
      events,
      seconds,
    })),
    ...look.inboxes.map(({ organisation, type, events, seconds }) => ({
      organisation,
      kind: 'type' as const,
      name: type,
      events,
      seconds,
    })),
  ];
}
