import type { Metrics } from '@causeway/runtime/telemetry/metrics';
import { currentVersions } from '@causeway/schemas/agreements/log';
import { sampleRows } from '../lag/sampler.ts';
import type { AppReaders } from './app.ts';

/** What the console sees of others, for Prometheus: how far behind everybody is, which parts answer, when agreements end. */
export function showGauges(
  metrics: Metrics,
  readers: Pick<AppReaders, 'measured' | 'lag' | 'parts' | 'agreements'>,
) {
  const look = readers.lag();
  if (look)
    for (const { organisation, kind, name, events, seconds } of sampleRows(readers.measured(), look)) {
      if (kind === 'type') continue;
      metrics.lagEvents.set({ organisation, kind, name }, events);
      metrics.lagSeconds.set({ organisation, kind, name }, seconds);
    }
  for (const { name, status } of readers.parts())
    if (status !== 'not-known') metrics.partUp.set({ part: name }, status === 'up' ? 1 : 0);
  for (const { id, version, agreement } of currentVersions(readers.agreements()))
    metrics.agreementEnds.set({ agreement: `${id}/${version}` }, endOf(agreement.valid.until));
}

/** The last day is included. */
const endOf = (until: string): number => Date.parse(`${until}T00:00:00Z`) / 1_000 + 86_400;
