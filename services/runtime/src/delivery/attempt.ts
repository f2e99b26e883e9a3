import type { AttemptRecord } from '../bus/delivery-log.ts';
import type { Envelope } from '../bus/envelope.ts';
import type { DeliveryDecision } from '../disclosure/delivery-decision.ts';
import { errorCode } from '../errors.ts';
import type { FetchedRecord, KafkaRecord } from '../kafka/broker-client.ts';
import { startSpan } from '../telemetry/tracing.ts';
import type { Authoriser, Read } from './authorise.ts';
import type { Item } from './queue.ts';
import type { Clock, DeliveryOutcome, Subscription } from './subscription.ts';
import { type Effects, transition } from './transition.ts';

/** What came of one try, and what is to be done with the event. */
export type Result = {
  next: Effects['next'];
  /** The item after an attempt; undefined where none was made. */
  item?: Item;
  report: AttemptRecord | undefined;
  /** Published together with it. */
  also?: readonly KafkaRecord[];
  /** The event, where it could be read. */
  event?: Envelope;
  receiver: Effects['receiver'];
  record: FetchedRecord | undefined;
};

export type AttemptParts = {
  subscription: Subscription;
  authoriser: Authoriser;
  clock: Clock;
  /** From 0 to 1. */
  random(): number;
  /** The record of an item, from the inbox or from its dead letter; undefined where it is kept no longer. */
  recordOf(item: Item, partition: number): Promise<FetchedRecord | undefined>;
};

/** Tries one event once and decides what comes next. @throws RetryableError when the bus or the registry is away */
export const attemptOnce = async (
  parts: AttemptParts,
  item: Item,
  partition: number,
  signal: AbortSignal,
): Promise<Result> => {
  const { authoriser, clock } = parts;
  const record = item.record ?? (await parts.recordOf(item, partition));
  const begun = clock.now();
  const reported = reporting(parts, item, partition, begun);
  if (record === undefined)
    return { ...reported('lost', 'not-kept'), next: 'done', record, receiver: 'unknown' };
  const read = await authoriser.read(record, item.envelope);
  if ('unreadable' in read)
    return { ...reported('undecodable', read.unreadable), next: 'dead-letter', record, receiver: 'unknown' };
  const nothing: Result = { next: 'done', report: undefined, receiver: 'unknown', record };
  if (parts.subscription.wants?.(read.event) === false) return nothing;
  const decision = await authoriser.authorise(read, signal);
  if (decision.outcome === 'withhold')
    return {
      ...reported('withheld', decision.reason, read),
      next: 'done',
      record,
      receiver: 'unknown',
      event: read.event,
    };
  signal.throwIfAborted();
  const outcome = await deliver(parts.subscription, item, partition, { ...read, ...decision }, signal);
  if (outcome.outcome === 'not-wanted') return nothing;
  const policy = { schedule: parts.subscription.schedule, random: parts.random };
  const { item: tried, effects } = transition(item, outcome, policy, clock.now());
  const { next, receiver } = effects;
  const report = reporting(parts, tried, partition, begun);
  return {
    ...report(effects.outcome, effects.code, read, outcome.status),
    next,
    receiver,
    item: tried,
    also: 'also' in outcome ? (outcome.also ?? []) : [],
    event: read.event,
    record,
  };
};

const deliver = async (
  subscription: Subscription,
  item: Item,
  partition: number,
  { event, data, schemaId }: Pick<Read, 'schemaId'> & Extract<DeliveryDecision, { outcome: 'release' }>,
  signal: AbortSignal,
): Promise<DeliveryOutcome> => {
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

type Reported = [outcome: AttemptRecord['outcome'], code: string, read?: Read, status?: string];

const reporting =
  ({ subscription, clock }: AttemptParts, item: Item, partition: number, begun: number) =>
  (...[outcome, code, read, status]: Reported): { report: AttemptRecord } => ({
    report: {
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
      ...(item.redrive !== null && item.deadLetter !== null && { deadLetter: item.deadLetter }),
      at: new Date(clock.now()).toISOString(),
    },
  });
