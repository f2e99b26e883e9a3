import { setTimeout as delay } from 'node:timers/promises';
import { type DeadLetter, deadLetterRecord } from '../bus/dead-letter.ts';
import { ATTRIBUTE_FORMS } from '../bus/envelope.ts';
import { topicsOf } from '../bus/topics.ts';
import { errorCode, RetryableError, retryableFor } from '../errors.ts';
import { sendInTime } from '../kafka/producer.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { isTracing, startSpan } from '../telemetry/tracing.ts';
import {
  createSourcePublisher,
  type PlannedGroup,
  type PublisherOptions,
  type PublishOutcome,
  type SourceMessage,
  type SourcePublisher,
} from './publish.ts';

export type SourceOptions = PublisherOptions & { metrics: Metrics };

export type Source = {
  /**
   * Publishes what the message says. Resolves once it is durable, and only then may the sender be told so.
   * Everything that waits at one time is published together, in the order of the calls. Where that fails, all of it fails, so that
   * what is sent again cannot arrive behind what was sent after it.
   * @throws RetryableError when it cannot be kept now
   */
  accept(message: SourceMessage): Promise<PublishOutcome>;
  /** Keeps what cannot be published. @throws RetryableError when it cannot be kept now */
  deadLetter(letter: DeadLetter): Promise<void>;
  /**
   * Resolves once everything accepted so far is also written into the source's memory. A sender that is told only then can crash the
   * source at any time: what it sent is known, and what it sends later is compared with it.
   */
  remembered(): Promise<void>;
  /** A readiness check. @throws RetryableError until everything needed for `accept` is there */
  ready(): Promise<void>;
  /** Waits for what is under way. */
  close(): Promise<void>;
};

/** Most messages that are planned together, and that wait planned for what is on its way to Kafka. */
const GROUP = 100;
const MOST_PLANNED = 1_000;
const RETRY_MS = 1_000;
const PRUNE_MS = 3_600_000;

const waitingIn = (planned: readonly { waiting: readonly unknown[] }[]): number =>
  planned.reduce((sum, { waiting }) => sum + waiting.length, 0);

type Waiting = {
  message: SourceMessage;
  resolve(outcome: PublishOutcome): void;
  reject(error: unknown): void;
};

/**
 * The bus side of a legacy system that is a source: publishes messages in groups, only what some agreement names, knows a message that was
 * sent before, and joins a withdrawal to the event that it withdraws. The work begins in the background and survives outages; until then
 * `accept` refuses with a RetryableError.
 */
export const createSource = (options: SourceOptions): Source => {
  const { organisation, adapter, producer, log, metrics } = options;
  const closing = new AbortController();
  const queue: Waiting[] = [];
  let publisher: SourcePublisher | undefined;
  /** Planned and not yet on their way to Kafka, in order. */
  const planned: { group: PlannedGroup; waiting: Waiting[] }[] = [];
  let planning: Promise<void> | undefined;
  let publishing: Promise<void> | undefined;
  let failures = 0;

  const prepareUntilDone = async (): Promise<void> => {
    for (let told = ''; !closing.signal.aborted; ) {
      try {
        publisher = await createSourcePublisher(options);
        return;
      } catch (error) {
        const code = errorCode(error);
        if (code !== told)
          log.warn({ event: 'source.retrying', err: error }, 'the source cannot publish yet; retrying');
        told = code;
        await delay(RETRY_MS, undefined, { signal: closing.signal }).catch(() => undefined);
      }
    }
  };

  /** Plans what waits, while what was planned before is on its way. */
  const planWaiting = async (): Promise<void> => {
    // One turn of the event loop, so that messages of the same moment share a group.
    await new Promise(setImmediate);
    while (queue.length > 0) {
      const waiting = queue.slice(0, GROUP);
      const during = failures;
      try {
        if (publisher === undefined) throw new RetryableError('starting', 'The source is not ready yet');
        const group = await publisher.plan(waiting.map(({ message }) => message));
        if (during === failures) {
          planned.push({ group, waiting: queue.splice(0, group.planned.length) });
          publishing ??= publishPlanned();
        } else {
          // What was to go before it failed meanwhile, and everything that waited was refused with it.
          publisher.discard([group]);
        }
      } catch (error) {
        if (during === failures) refuse(queue.splice(0), error);
      }
      while (planned.length > 0 && waitingIn(planned) >= MOST_PLANNED) await publishing;
    }
    planning = undefined;
  };

  const publishPlanned = async (): Promise<void> => {
    while (publisher !== undefined && planned.length > 0) {
      const sent = planned.splice(0);
      const groups = sent.map(({ group }) => group);
      try {
        await publisher.publish(groups);
      } catch (error) {
        failures += 1;
        const behind = planned.splice(0);
        publisher.discard([...groups, ...behind.map(({ group }) => group)]);
        refuse([...[...sent, ...behind].flatMap(({ waiting }) => waiting), ...queue.splice(0)], error);
        break;
      }
      for (const { group, waiting } of sent) {
        for (const [index, { resolve }] of waiting.entries()) {
          const outcome = group.planned[index]?.outcome ?? { fate: 'not-shared' };
          count(outcome);
          resolve(outcome);
        }
      }
    }
    publishing = undefined;
  };

  const refuse = (refused: readonly Waiting[], error: unknown): void => {
    log.warn(
      { event: 'source.refused', err: error, messages: refused.length },
      'messages cannot be kept now',
    );
    metrics.eventsPublished.inc({ organisation, outcome: 'failed' }, refused.length);
    const reason = retryableFor(error, 'The message cannot be kept now', { cause: error });
    for (const { reject } of refused) reject(reason);
  };

  const count = (outcome: PublishOutcome): void => {
    if (outcome.fate === 'ignored') return;
    if (outcome.fate === 'dead-lettered') {
      metrics.deadLetters.inc({ organisation, component: adapter, reason: outcome.reason });
      metrics.eventsPublished.inc({ organisation, outcome: 'refused' });
    } else {
      const by = outcome.fate === 'published' ? outcome.ids.length : 1;
      metrics.eventsPublished.inc({ organisation, outcome: outcome.fate }, by);
    }
  };

  const pruning = setInterval(() => {
    publisher
      ?.prune()
      .catch((error) =>
        log.warn({ event: 'cleanup.failed', err: error }, 'old event ids could not be removed'),
      );
  }, PRUNE_MS);
  pruning.unref();
  void prepareUntilDone();

  return {
    accept: (message) => {
      const span = startSpan('accept', {
        kind: 'server',
        // What a legacy system sends in a header may be anything.
        parent: ATTRIBUTE_FORMS.trace.test(message.traceparent ?? '') ? message.traceparent : undefined,
        attributes: { organisation, adapter },
      });
      const traced =
        span.traceparent === message.traceparent ? message : { ...message, traceparent: span.traceparent };
      const accepted = new Promise<PublishOutcome>((resolve, reject) => {
        if (closing.signal.aborted) return reject(new RetryableError('stopping', 'The source is stopping'));
        queue.push({ message: traced, resolve, reject });
        planning ??= planWaiting();
      });
      if (isTracing())
        accepted.then(
          (outcome) => span.end({ outcome: outcome.fate, ...('ids' in outcome && { events: outcome.ids }) }),
          (error) => span.end({ outcome: 'failed' }, errorCode(error)),
        );
      return accepted;
    },
    async deadLetter(letter) {
      const { deadLetter } = topicsOf(organisation);
      const record = deadLetterRecord(deadLetter, adapter, `/${organisation}/${adapter}`, letter);
      await sendInTime(producer, [record]);
      metrics.deadLetters.inc({ organisation, component: adapter, reason: letter.reason });
    },
    async remembered() {
      await publisher?.recorded();
    },
    async ready() {
      if (publisher === undefined) throw new RetryableError('starting', 'The source is not ready yet');
    },
    async close() {
      closing.abort();
      clearInterval(pruning);
      // Preparing is not waited for: a bus that is away must not hold up the stop.
      await planning;
      await publishing;
      await publisher?.close();
    },
  };
};
