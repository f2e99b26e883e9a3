import type { PartitionLag } from '../measurement/lag.ts';
import { HISTORY_MS, type Measured } from '../measurement/report.ts';
import type { OrganisationSample, Sample } from '../measurement/throughput.ts';

export const NO_LOOKS: Measured = {
  connection: { status: 'starting' },
  organisations: [],
  samples: [],
  partitions: new Map(),
};

type Flow = { id: string; name: string; perSecond: number; releasedPerSecond: number; stoppedForMs?: number };

const LOOK_MS = 2_000;

/** A quarter of an hour of looks at made-up flows that rise and fall; `stoppedForMs` is a stopped exchange. */
export function measuredFlows(flows: Flow[], until: number): Measured {
  const count = Math.floor(HISTORY_MS / LOOK_MS);
  const start = until - count * LOOK_MS;
  const samples = Array.from({ length: count + 1 }, (_, i): Sample => {
    const at = start + i * LOOK_MS;
    return { at, organisations: new Map(flows.map((flow) => [flow.id, sampleOf(flow, start, at, until)])) };
  });
  return {
    connection: { status: 'live' },
    organisations: flows.map(({ id, name }) => ({ id, name })),
    samples,
    partitions: new Map<string, PartitionLag[]>(),
  };
}

function sampleOf(flow: Flow, start: number, at: number, until: number): OrganisationSample {
  const published = counted(flow.perSecond, start, at);
  const stoppedAt = until - (flow.stoppedForMs ?? 0);
  const waiting = at <= stoppedAt ? 0 : published - counted(flow.perSecond, start, stoppedAt);
  return {
    published,
    released: counted(flow.releasedPerSecond, start, Math.min(at, stoppedAt)),
    waiting,
    oldest: waiting > 0 ? { partition: 0, offset: 1_000, at: stoppedAt } : null,
    lastEventAt: published > 0 ? at - 400 : null,
  };
}

/** Events of a flow that swells and ebbs around `perSecond`. */
function counted(perSecond: number, start: number, at: number): number {
  const seconds = (at - start) / 1000;
  const swell = (Math.sin(seconds / 70) * 30 + Math.sin(seconds / 17) * 6 + seconds) * perSecond;
  return Math.max(0, Math.round(swell));
}
