/** Empties the mailbox until the service stops: fetch, make durable, then acknowledge. */
import { runLoop } from '@causeway/runtime/async/run-loop';
import { withTimeout } from '@causeway/runtime/async/timeout';
import { errorCode, RetryableError } from '@causeway/runtime/errors';
import type { Source } from '@causeway/runtime/source/source';
import type { Logger } from '@causeway/runtime/telemetry/log';
import type { Metrics } from '@causeway/runtime/telemetry/metrics';
import type { Download, MeshClient } from './client.ts';
import { ADAPTER, type Intake } from './intake.ts';

type MailboxOptions = {
  client: MeshClient;
  intake: Intake;
  source: Pick<Source, 'remembered'>;
  /** How long an empty mailbox is left alone. */
  pollMs: number;
  /** Messages fetched or acknowledged at one time. */
  concurrency: number;
  signal: AbortSignal;
  log: Logger;
  metrics: Metrics;
};

type Mailbox = {
  /** A readiness check. @throws RetryableError while MESH does not answer or does not let us in */
  ready(): Promise<void>;
  /** Waits for what is under way. */
  close(): Promise<void>;
};

/** Messages that are compared, made durable and acknowledged together; also how much may lie in memory. */
const TOGETHER = 50;
const HANDSHAKE_MS = 24 * 3_600_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 60_000;
const REMEMBER_MS = 10_000;

type Fetched = { messageId: string; since: number; download: Download };

/** Begins in the background and survives outages. */
export const emptyMailbox = (options: MailboxOptions): Mailbox => {
  const { client, intake, source, concurrency, signal, log, metrics } = options;
  /** Why nothing can be fetched, and why nothing of what can be fetched could be finished. */
  let away: unknown = new RetryableError('mesh-unavailable', 'MESH has not answered yet');
  let stuck: unknown;
  let failure: unknown;
  let told = '';
  let shaken = Number.NEGATIVE_INFINITY;
  let failures = 0;

  /** Shows that somebody is there: at the start, once a day, and after MESH was away. */
  const handshake = async (): Promise<void> => {
    if (away === undefined && performance.now() - shaken < HANDSHAKE_MS) return;
    await client.handshake();
    shaken = performance.now();
    if (away !== undefined) log.info({ event: 'mailbox.opened' }, 'the mailbox is open');
    away = undefined;
    told = '';
  };

  /** Runs for each, some at a time; what fails is left in the mailbox and told. */
  const each = async <T, R>(
    items: readonly T[],
    work: (item: T) => Promise<R>,
  ): Promise<(R | undefined)[]> => {
    const results: (R | undefined)[] = [];
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < items.length && !signal.aborted) {
        const index = next++;
        try {
          results[index] = await work(items[index] as T);
        } catch (error) {
          missed(error);
        }
      }
    };
    await Promise.all(Array.from({ length: concurrency }, lane));
    return items.map((_, index) => results[index]);
  };

  const missed = (error: unknown): void => {
    failures += 1;
    failure = error;
    const code = errorCode(error);
    if (code !== told && !signal.aborted)
      log.warn({ event: 'source.retrying', err: error }, 'messages stay in the mailbox; retrying');
    told = code;
  };

  const fetched = async (messageId: string): Promise<Fetched | undefined> => {
    const since = performance.now();
    const download = await client.download(messageId);
    return download && { messageId, since, download };
  };

  /** Settles in the order of the messages' own times, as far as they came together. */
  const settled = async (arrived: readonly Fetched[]): Promise<Fetched[]> => {
    const judged = arrived.map((one) => ({ one, judged: intake.judge(one.download) }));
    judged.sort((a, b) => (a.judged.order < b.judged.order ? -1 : a.judged.order > b.judged.order ? 1 : 0));
    const done = await Promise.all(
      judged.map(({ one, judged: { settle } }) => settle().then((fate) => ({ one, fate }), missed)),
    );
    const kept = done.flatMap((result) => (result === undefined ? [] : [result]));
    // Only of what was published the source has something to write down.
    if (kept.some(({ fate }) => fate.outcome === 'published'))
      await withTimeout(REMEMBER_MS, 'database', source.remembered(), 'database-unavailable');
    return kept.map(({ one }) => one);
  };

  /** Makes durable what came, then acknowledges it; resolves with how many messages were taken out of the mailbox. */
  const finished = async (arrived: readonly Fetched[]): Promise<number> => {
    const kept = await settled(arrived);
    const acknowledged = await each(kept, async ({ messageId, since }) => {
      await client.acknowledge(messageId);
      metrics.acknowledgementDuration.observe({ adapter: ADAPTER }, (performance.now() - since) / 1_000);
      return messageId;
    });
    return acknowledged.filter((one) => one !== undefined).length;
  };

  /** Everything that is in the mailbox now: while some of it is finished, the next is fetched. */
  const round = async (): Promise<number> => {
    let taken = 0;
    for (let next: string | undefined, first = true; first || next !== undefined; first = false) {
      const page = await client.list(next);
      metrics.sourceWaiting.set({ adapter: ADAPTER }, page.waiting ?? page.messages.length);
      let finishing: Promise<number> = Promise.resolve(0);
      for (let from = 0; from < page.messages.length && !signal.aborted; from += TOGETHER) {
        const arrived = await each(page.messages.slice(from, from + TOGETHER), fetched);
        taken += await finishing;
        finishing = finished(arrived.filter((one) => one !== undefined));
        // Awaited in the next turn; until then a failure of it is nobody's.
        finishing.catch(() => undefined);
      }
      taken += await finishing;
      next = signal.aborted || page.messages.length === 0 ? undefined : page.next;
    }
    return taken;
  };

  let pause = FIRST_PAUSE_MS;
  const step = async (): Promise<number> => {
    failures = 0;
    let taken = 0;
    try {
      await handshake();
      taken = await round();
    } catch (error) {
      missed(error);
      away = error;
    }
    // One message that cannot be had now is no reason to call somebody; none that can be had is.
    stuck = failures > 0 && taken === 0 ? failure : undefined;
    if (failures === 0) told = '';
    if (taken > 0 || failures === 0) pause = FIRST_PAUSE_MS;
    if (failures === 0) return taken > 0 ? 0 : options.pollMs;
    const wait = pause * (0.5 + Math.random());
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    return wait;
  };
  const running = runLoop({ name: 'mailbox', signal, step, retryMs: FIRST_PAUSE_MS, log, metrics });

  return {
    async ready() {
      const problem = away ?? stuck;
      if (problem !== undefined) throw problem;
    },
    async close() {
      await running;
      client.close();
    },
  };
};
