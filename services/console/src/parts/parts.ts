import { runLoop } from '@causeway/runtime/async/run-loop';
import { withTimeout } from '@causeway/runtime/async/timeout';
import type { Logger } from '@causeway/runtime/telemetry/log';

/** A part of the system that the console keeps an eye on; with an organisation it is that one's adapter. */
type WatchedPart = { name: string; organisation?: string; probe: () => Promise<Probed> };
type Probed = { ok: true } | { ok: false; detail: string };

export type PartState = {
  name: string;
  organisation?: string;
  /** `not-known` before the first look. `not-ready`: it answers, and says that it cannot work. */
  status: 'not-known' | 'up' | 'not-ready' | 'away';
  since: number;
  detail: string;
};

type PartsWatch = { now(): PartState[]; close(): Promise<void> };

const EVERY_MS = 2_000;
const DEADLINE_MS = 2_500;
/** One look that failed may be a busy moment; two in a row are not. Well within the 15 s that people are promised. */
const FAILURES = 2;

/** Looks at every part every two seconds. */
export function watchParts(
  parts: readonly WatchedPart[],
  { log, clock = Date.now, everyMs = EVERY_MS }: { log: Logger; clock?: () => number; everyMs?: number },
): PartsWatch {
  const stop = new AbortController();
  const states = parts.map(
    ({ name, organisation }): PartState => ({
      name,
      ...(organisation === undefined ? {} : { organisation }),
      status: 'not-known',
      since: clock(),
      detail: '',
    }),
  );

  const look = (part: WatchedPart, state: PartState) => {
    let failures = 0;
    const step = async () => {
      const { status, detail } = await probed(part);
      failures = status === 'up' ? 0 : failures + 1;
      const certain = status === 'up' || state.status !== 'up' || failures >= FAILURES;
      if (certain && state.status !== status) Object.assign(state, { status, since: clock() });
      if (certain) state.detail = detail;
      return everyMs;
    };
    return runLoop({ name: 'parts', signal: stop.signal, step, retryMs: everyMs, log });
  };
  const running = parts.map((part, i) => look(part, states[i] as PartState));

  return {
    now: () => states.map((state) => ({ ...state })),
    async close() {
      stop.abort();
      await Promise.all(running);
    },
  };
}

async function probed({ probe }: WatchedPart): Promise<Pick<PartState, 'status' | 'detail'>> {
  try {
    const answer = await withTimeout(DEADLINE_MS, 'part', probe());
    return answer.ok ? { status: 'up', detail: '' } : { status: 'not-ready', detail: answer.detail };
  } catch {
    return { status: 'away', detail: '' };
  }
}

/** A service of ours, by its `/ready`: it names the checks that fail. */
async function probeService(admin: string): Promise<Probed> {
  const answer = await fetch(`${admin}/ready`, { signal: AbortSignal.timeout(DEADLINE_MS) });
  if (answer.ok) return { ok: true };
  const body = (await answer.json().catch(() => ({}))) as {
    phase?: string;
    checks?: Record<string, { ok: boolean }>;
  };
  const failing = Object.entries(body.checks ?? {})
    .filter(([, { ok }]) => !ok)
    .map(([name]) => name);
  const detail =
    failing.length > 0 ? `it waits for ${failing.join(', ')}` : body.phase ? `it is ${body.phase}` : '';
  return { ok: false, detail };
}

/** Anything with an HTTP address that answers a plain question. */
export async function probeAddress(url: string): Promise<Probed> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(DEADLINE_MS) });
  await answer.body?.cancel();
  return answer.status < 500 ? { ok: true } : { ok: false, detail: `it answers ${answer.status}` };
}

const PART = /^([a-z][a-z0-9-]*)(?:@([a-z][a-z0-9-]+))?=(https?:\/\/\S+)$/;

/**
 * `name=admin address` or, for an adapter, `name@organisation=admin address`.
 *
 * @throws Error for anything else
 */
export function parsePart(text: string): WatchedPart {
  const [, name, organisation, url] = PART.exec(text) ?? [];
  if (!name || !url) throw new Error('write name=http://host:port, or name@organisation=http://host:port');
  const admin = url.replace(/\/+$/, '');
  return { name, ...(organisation ? { organisation } : {}), probe: () => probeService(admin) };
}
