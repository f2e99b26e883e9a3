import type { AttemptRecord } from '../bus/delivery-log.ts';
import type { Envelope } from '../bus/envelope.ts';
import { errorCode } from '../errors.ts';
import type { FetchedRecord, KafkaRecord } from '../kafka/broker-client.ts';
import { startSpan } from '../telemetry/tracing.ts';
import type { Judge, Judged, Read } from './authorise.ts';
import type { Item } from './queue.ts';
import { pauseAfter, type Tried } from './retry-policy.ts';
import type { Clock, Outcome, Subscription } from './subscription.ts';

/** What came of one try, and what is to be done with the event. */
export type Result = {
  next: 'done' | 'park' | 'postpone' | 'bury' | 'stop';
  said: AttemptRecord | undefined;
  /** Published together with it. */
  also?: readonly KafkaRecord[];
  /** The event, where it could be read. */
  event?: Envelope;
  /** For the circuit: whether the receiver did well, is in trouble, or nothing was learnt about it. */
  receiver: 'well' | 'in-trouble' | 'unknown';
  record: FetchedRecord | undefined;
};

export type AttemptParts = {
  subscription: Subscription;
  judge: Judge;
  clock: Clock;
  /** From 0 to 1. */
  random(): number;
  /** The record of an item, from the inbox or from its dead letter; undefined where it is kept no longer. */
  recordOf(item: Item, partition: number): Promise<FetchedRecord | undefined>;
};

const UNREACHABLE_PAUSE_MS = 2_000;

/** Tries one event once and decides what comes next. @throws RetryableError when the bus or the registry is away */
export const attemptOnce = async (
  parts: AttemptParts,
  item: Item,
  partition: number,
  signal: AbortSignal,
): Promise<Result> => {
  const { judge, clock } = parts;
  const record = item.record ?? (await parts.recordOf(item, partition));
  const say = saying(parts, item, partition, clock.now());
  if (record === undefined) return { ...say('lost', 'not-kept'), next: 'done', record, receiver: 'unknown' };
  const read = await judge.read(record, item.envelope);
  if ('unreadable' in read)
    return { ...say('undecodable', read.unreadable), next: 'bury', record, receiver: 'unknown' };
  const nothing: Result = { next: 'done', said: undefined, receiver: 'unknown', record };
  if (parts.subscription.wants?.(read.event) === false) return nothing;
  const judged = await judge.judge(read, signal);
  if (judged.outcome === 'withhold')
    return {
      ...say('withheld', judged.reason, read),
      next: 'done',
      record,
      receiver: 'unknown',
      event: read.event,
    };
  signal.throwIfAborted();
  const outcome = await deliver(parts.subscription, item, partition, { ...read, ...judged }, signal);
  if (outcome.outcome === 'not-wanted') return nothing;
  item.firstTry ??= clock.now();
  if (outcome.outcome !== 'unreachable') item.tries += 1;
  const also = 'also' in outcome ? (outcome.also ?? []) : [];
  const result = resultOf(parts, item, outcome, (...said) => say(...said, read));
  return { ...result, also, event: read.event, record };
};

const deliver = async (
  subscription: Subscription,
  item: Item,
  partition: number,
  { event, data, schemaId }: Pick<Read, 'schemaId'> & Extract<Judged, { outcome: 'release' }>,
  signal: AbortSignal,
): Promise<Outcome> => {
  const { id, organisation } = subscription;
  const { traceparent, end } = startSpan('deliver', {
    kind: 'client',
    parent: event.traceparent,
    attributes: { organisation, subscription: id, event: event.id, type: event.type, number: item.tries + 1 },
  });
  try {
    const outcome = await subscription.deliver({
      ...(traceparent !== undefined && { traceparent }),
      event,
      data,
      schemaId,
      agreements: event.agreement,
      position: `${partition}-${item.position}`,
      since: item.since,
      number: item.tries + 1,
      redriven: item.redrive !== null,
      signal,
    });
    const code = outcome.outcome !== 'delivered' && 'code' in outcome ? outcome.code : undefined;
    end({ outcome: outcome.outcome }, code);
    return outcome;
  } catch (error) {
    end({ outcome: 'retry' }, errorCode(error));
    return { outcome: 'retry', code: errorCode(error) };
  }
};

type Said = [outcome: AttemptRecord['outcome'], code: string, read?: Read, status?: string];

const saying =
  ({ subscription, clock }: AttemptParts, item: Item, partition: number, begun: number) =>
  (...[outcome, code, read, status]: Said): { said: AttemptRecord } => ({
    said: {
      kind: 'attempt',
      subscription: subscription.name ?? subscription.id,
      position: `${partition}-${item.position}`,
      ...(read && { event: read.event.id, type: read.event.type, source: read.event.source }),
      outcome,
      code,
      ...(status !== undefined && { status }),
      attempt: item.tries,
      durationMs: Math.max(0, Math.round(clock.now() - begun)),
      ...(item.redrive !== null && { redrive: item.redrive }),
      ...(item.redrive !== null && item.letter !== null && { deadLetter: item.letter }),
      at: new Date(clock.now()).toISOString(),
    },
  });

type Say = (outcome: AttemptRecord['outcome'], code: string) => { said: AttemptRecord };

const resultOf = (
  { subscription, clock, random }: AttemptParts,
  item: Item,
  outcome: Exclude<Outcome, { outcome: 'not-wanted' }>,
  sayPlainly: Say,
): Omit<Result, 'record'> => {
  const now = clock.now();
  const say: Say = (word, code) => {
    const { said } = sayPlainly(word, code);
    return { said: outcome.status === undefined ? said : { ...said, status: outcome.status } };
  };
  switch (outcome.outcome) {
    case 'delivered':
      return { ...say('delivered', outcome.code ?? 'ok'), next: 'done', receiver: 'well' };
    case 'refused':
      return { ...say('refused', outcome.code), next: 'bury', receiver: 'well' };
    case 'unreachable':
      item.due = now + Math.max(outcome.afterMs ?? 0, UNREACHABLE_PAUSE_MS);
      return { ...say('unreachable', outcome.code), next: 'postpone', receiver: 'in-trouble' };
    case 'gone':
      item.due = now;
      return { ...say('gone', outcome.code), next: 'stop', receiver: 'unknown' };
    case 'retry': {
      const receiver = outcome.blame === 'receiver' ? 'in-trouble' : 'unknown';
      const tried: Tried = {
        tries: item.tries,
        sinceFirstMs: now - (item.firstTry ?? now),
        random: random(),
        afterMs: outcome.afterMs,
      };
      const pause = pauseAfter(subscription.schedule, tried);
      if (pause === null) return { ...say('gave-up', outcome.code), next: 'bury', receiver };
      item.due = now + pause;
      return { ...say('retry', outcome.code), next: 'park', receiver };
    }
  }
};
