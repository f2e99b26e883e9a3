/** Reads back what officers make of tasks, and tells the sources of the events behind them. */
import type { Sink } from '@causeway/runtime/adapter/sink';
import { type LoopOptions, runLoop } from '@causeway/runtime/async/run-loop';
import { isPermanent, RetryableError } from '@causeway/runtime/errors';
import type { Logger } from '@causeway/runtime/telemetry/log';
import type { RmsClient } from './rms-client.ts';
import type { TaskStore } from './task-store.ts';

type OutcomeParts = {
  client: RmsClient;
  tasks: Pick<TaskStore, 'find' | 'cursor' | 'moveTo'>;
  acknowledge: Sink['acknowledge'];
  pollMs: number;
  log: Logger;
};

type State = Parameters<Sink['acknowledge']>[1]['state'];

/** What a page of the RMS says of one task. */
type Changed = { eventId: string; state: State; team: string | null; reference: string | null; at?: string };

/** The RMS's own words; `open` says nothing yet. */
const STATES: Record<string, State> = {
  seen: 'seen',
  accepted: 'accepted',
  'not-ours': 'not_ours',
  unable: 'unable',
};
/** Short and on one line; the RMS's words go to another organisation. */
const WORDS = /^[A-Za-z0-9][A-Za-z0-9 .,&'()/_:-]{0,99}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;
const MOST_PAGES = 100;

/** One look at the RMS: everything up to where it has nothing more. @throws RetryableError */
const readOutcomes = async (parts: OutcomeParts, signal: AbortSignal): Promise<void> => {
  let cursor = await parts.tasks.cursor();
  for (let pages = 0; pages < MOST_PAGES && !signal.aborted; pages += 1) {
    const query = cursor === undefined ? '' : `?after=${encodeURIComponent(cursor)}`;
    const answer = await parts.client.request({ method: 'GET', path: `/tasks/changes${query}`, signal });
    if (answer.kind !== 'done') throw new RetryableError('rms-unavailable', 'The RMS gives no outcomes now');
    const { changes = [], next } = (answer.body ?? {}) as { changes?: unknown[]; next?: unknown };
    if (!Array.isArray(changes)) throw new RetryableError('rms-unreadable', 'The RMS’s answer is no page');
    await passOn(parts, changes.flatMap(changeIn));
    if (typeof next !== 'string' || next === cursor) return;
    // Only now: what was read before a crash is read again, and said again without effect.
    await parts.tasks.moveTo(next);
    cursor = next;
    if (changes.length === 0) return;
  }
};

const passOn = async (
  { tasks, acknowledge, log }: OutcomeParts,
  changes: readonly Changed[],
): Promise<void> => {
  const positions = await tasks.find(changes.map(({ eventId }) => eventId));
  for (const { eventId, ...said } of changes) {
    const position = positions.get(eventId);
    if (position === undefined) continue;
    try {
      await acknowledge({ id: eventId, position }, said);
    } catch (error) {
      // Of an event that the inbox keeps no longer, nothing can be said any more.
      if (!isPermanent(error)) throw error;
      log.warn({ event: 'acknowledgement.not_sent', code: error.code, eventId }, 'task outcome not sent');
    }
  }
};

/** A task is known by the reference that it was given: the event's id. */
const changeIn = (change: unknown): Changed[] => {
  const { reference, status, team, caseReference, changedAt } = (change ?? {}) as Record<string, unknown>;
  const state = typeof status === 'string' && Object.hasOwn(STATES, status) ? STATES[status] : undefined;
  if (typeof reference !== 'string' || state === undefined) return [];
  const at = typeof changedAt === 'string' && INSTANT.test(changedAt) ? changedAt : undefined;
  return [
    {
      eventId: reference,
      state,
      team: short(team),
      reference: short(caseReference),
      ...(at !== undefined && { at }),
    },
  ];
};

const short = (value: unknown): string | null =>
  typeof value === 'string' && WORDS.test(value) ? value : null;

/** Reads through outages until `signal` is aborted; resolves then. */
export const followOutcomes = (
  parts: OutcomeParts,
  metrics: LoopOptions['metrics'],
  signal: AbortSignal,
): Promise<void> =>
  runLoop({
    name: 'task-outcomes',
    signal,
    async step() {
      await readOutcomes(parts, signal);
      return parts.pollMs;
    },
    retryMs: parts.pollMs,
    log: parts.log,
    metrics,
  });
