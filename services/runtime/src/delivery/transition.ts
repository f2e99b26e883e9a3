import type { AttemptRecord } from '../bus/delivery-log.ts';
import type { Item } from './queue.ts';
import { pauseAfter, type Schedule } from './retry-policy.ts';
import type { DeliveryOutcome } from './subscription.ts';

export type Policy = {
  schedule: Schedule;
  /** From 0 to 1. */
  random(): number;
};

export type Effects = {
  next: 'done' | 'park' | 'postpone' | 'dead-letter' | 'stop';
  /** For the circuit: whether the receiver did well, is in trouble, or nothing was learnt about it. */
  receiver: 'well' | 'in-trouble' | 'unknown';
  /** As the attempt is reported. */
  outcome: AttemptRecord['outcome'];
  code: string;
};

const UNREACHABLE_PAUSE_MS = 2_000;

/** What the outcome of an attempt makes of an item. Pure: the given item stays as it is. `now` is milliseconds since 1970. */
export const transition = (
  before: Item,
  outcome: Exclude<DeliveryOutcome, { outcome: 'not-wanted' }>,
  { schedule, random }: Policy,
  now: number,
): { item: Item; effects: Effects } => {
  const tries = before.tries + (outcome.outcome === 'unreachable' ? 0 : 1);
  const firstTry = before.firstTry ?? now;
  const item = { ...before, tries, firstTry };
  const { code = 'ok' } = outcome;
  switch (outcome.outcome) {
    case 'delivered':
      return { item, effects: { next: 'done', receiver: 'well', outcome: 'delivered', code } };
    case 'refused':
      return { item, effects: { next: 'dead-letter', receiver: 'well', outcome: 'refused', code } };
    case 'unreachable': {
      const due = now + Math.max(outcome.afterMs ?? 0, UNREACHABLE_PAUSE_MS);
      const effects = { next: 'postpone', receiver: 'in-trouble', outcome: 'unreachable', code } as const;
      return { item: { ...item, due }, effects };
    }
    case 'gone': {
      const effects = { next: 'stop', receiver: 'unknown', outcome: 'gone', code } as const;
      return { item: { ...item, due: now }, effects };
    }
    case 'retry': {
      const receiver = outcome.blame === 'receiver' ? 'in-trouble' : 'unknown';
      const sinceFirstMs = now - firstTry;
      const pause = pauseAfter(schedule, { tries, sinceFirstMs, random: random(), afterMs: outcome.afterMs });
      if (pause === null)
        return { item, effects: { next: 'dead-letter', receiver, outcome: 'gave-up', code } };
      return {
        item: { ...item, due: now + pause },
        effects: { next: 'park', receiver, outcome: 'retry', code },
      };
    }
  }
};
