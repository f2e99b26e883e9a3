/** What becomes of everything that comes in: the way from a frame to its fate and its answer. */

import { type IntakeResult, reasonOf } from '@causeway/runtime/adapter/intake';
import type { DeadLetter } from '@causeway/runtime/bus/dead-letter';
import { errorCode } from '@causeway/runtime/errors';
import type { Registration } from '@causeway/runtime/source/registrations';
import type { Source } from '@causeway/runtime/source/source';
import type { Logger } from '@causeway/runtime/telemetry/log';
import type { Metrics } from '@causeway/runtime/telemetry/metrics';
import { parseInstant } from '@causeway/schemas/dates/hl7';
import type { Contact } from '@causeway/schemas/generated/types';
import { type AckAnswer, type AckMode, acknowledgement, controlIds } from './hl7/acknowledgement.ts';
import { messagesIn } from './hl7/batch.ts';
import { type Header, header, type Message, parseHeader, parseMessage, text } from './hl7/parser.ts';
import type { Frame, Oversize } from './mllp/framer.ts';
import type { Arrival, Reply } from './mllp/sender.ts';
import { type Mark, type Translation, translate, triggerOf } from './translate/translate.ts';

export const ADAPTER = 'nhs-trust';
const CONTENT_TYPE = 'application/hl7-v2';

export type IntakeOptions = Omit<Translation, 'contact'> & {
  source: Pick<Source, 'accept' | 'deadLetter'>;
  ackMode: AckMode;
  /** Whom partners ring about an event of this trust. */
  contact(): Contact;
  /** The safeguard that opens or closes with what the feed says of a person's address; `on` is the message's day. */
  safeguard(mark: Mark, on: string): Registration[];
  now(): Date;
  log: Logger;
  metrics: Metrics;
};

type Fate = IntakeResult & { answer: AckAnswer };
type Judged = Fate & { of: Header | undefined };

const ACCEPTED: AckAnswer = { verdict: 'accepted' };
const KEPT_WITH: Record<AckAnswer['verdict'], number> = { accepted: 0, rejected: 1, unavailable: 2 };

const dayOf = (message: Message, now: Date): string =>
  (parseInstant(text(message, header(message), 7)) ?? now.toISOString()).slice(0, 10);

const unavailable = (error: unknown): Fate => ({
  outcome: 'failed',
  reason: errorCode(error),
  answer: { verdict: 'unavailable', reason: 'cannot be kept now, send it again' },
});

/** Makes the handler of an MLLP server. */
export const createIntake = (options: IntakeOptions): ((arrival: Arrival) => Promise<Reply>) => {
  const { source, log, metrics } = options;
  const nextControlId = controlIds(options.now());

  /** Keeps the bytes as a dead letter; the answer given is the one once they are kept. */
  const keep = async (
    raw: Buffer,
    reason: string,
    answer: AckAnswer,
    whole?: DeadLetter['whole'],
  ): Promise<Fate> => {
    try {
      await source.deadLetter({
        raw,
        reason,
        attempts: 1,
        contentType: CONTENT_TYPE,
        ...(whole && { whole }),
      });
      return { outcome: answer.verdict === 'accepted' ? 'dead-lettered' : 'refused', reason, answer };
    } catch (error) {
      return unavailable(error);
    }
  };

  /** What cannot be translated is kept, and what it says of the person's safety holds all the same. */
  const keepMarked = async (
    raw: Buffer,
    message: Message,
    reason: string,
    mark: Mark | undefined,
  ): Promise<Fate> => {
    try {
      if (mark !== undefined) {
        await source.accept({
          raw,
          contentType: CONTENT_TYPE,
          identity: identityOf(message),
          content: message.content,
          facts: [],
          registrations: options.safeguard(mark, dayOf(message, options.now())),
        });
      }
    } catch (error) {
      return unavailable(error);
    }
    return keep(raw, reason, ACCEPTED);
  };

  const publish = async (raw: Buffer, message: Message): Promise<Fate> => {
    const translated = translate(message, { ...options, contact: options.contact() });
    const { mark } = translated;
    if (translated.kind === 'undecodable') return keepMarked(raw, message, translated.reason, mark);
    if (translated.kind === 'ignored' && mark === undefined) {
      return { outcome: 'ignored', reason: translated.reason, answer: ACCEPTED };
    }
    try {
      const registrations = mark === undefined ? [] : options.safeguard(mark, dayOf(message, options.now()));
      const fate = await source.accept({
        raw,
        contentType: CONTENT_TYPE,
        identity: identityOf(message),
        content: message.content,
        facts: translated.kind === 'ignored' ? [] : translated.facts,
        registrations,
      });
      if (fate.fate === 'published' && fate.ids.length === 0)
        return { outcome: 'published', reason: 'safeguard-only', answer: ACCEPTED };
      if (translated.kind === 'ignored')
        return { outcome: 'ignored', reason: translated.reason, answer: ACCEPTED };
      return { outcome: fate.fate, reason: reasonOf(fate), answer: ACCEPTED };
    } catch (error) {
      return unavailable(error);
    }
  };

  const judge = async (raw: Buffer): Promise<Judged> => {
    const parsed = parseMessage(raw);
    if (parsed.kind === 'message') return { ...(await publish(raw, parsed.message)), of: parsed.header };
    if (parsed.kind === 'undecodable') {
      return { ...(await keep(raw, parsed.reason, ACCEPTED)), of: parsed.header };
    }
    const answer: AckAnswer = { verdict: 'rejected', reason: 'no-header' };
    if (raw.length === 0) return { outcome: 'refused', reason: 'no-header', answer, of: undefined };
    return { ...(await keep(raw, 'no-header', answer)), of: undefined };
  };

  /** A frame of several messages has one answer: for its first header, and no better than the worst of them. */
  const whole = async (content: Buffer, since: number): Promise<Reply> => {
    const messages = messagesIn(content);
    if (messages.length === 0) {
      count({ outcome: 'ignored', reason: 'empty-batch', answer: ACCEPTED }, since);
      return reply(undefined, ACCEPTED, 'go-on');
    }
    const judged = await Promise.all(messages.map(judge));
    for (const one of judged) count(one, since);
    const worst = judged.reduce((a, b) =>
      KEPT_WITH[b.answer.verdict] > KEPT_WITH[a.answer.verdict] ? b : a,
    );
    return reply(judged[0]?.of, worst.answer, worst.answer.verdict === 'unavailable' ? 'hold' : 'go-on');
  };

  const tooLarge = async (frame: Oversize, since: number): Promise<Reply> => {
    const { head, length, sha256 } = frame;
    const answer: AckAnswer = { verdict: 'rejected', reason: 'too-large' };
    const fate = await keep(head, 'too-large', answer, { length, sha256 });
    count(fate, since);
    return reply(parseHeader(head), fate.answer, 'close');
  };

  /** Half a message, or bytes outside any frame: kept, and answered only where the sender has fallen silent. */
  const remnant = async (raw: Buffer, reason: string, silent: boolean, since: number): Promise<Reply> => {
    const of = reason === 'cut-short' ? parseHeader(raw) : undefined;
    const verdict = of === undefined ? 'rejected' : 'unavailable';
    const fate = raw.length === 0 ? undefined : await keep(raw, reason, { verdict, reason });
    if (fate !== undefined) count(fate, since);
    return silent ? reply(of, fate?.answer ?? { verdict, reason }, 'close') : { next: 'go-on' };
  };

  const reply = (of: Header | undefined, answer: AckAnswer, next: Reply['next']): Reply => ({
    answer: acknowledgement(of, options.ackMode, answer, { controlId: nextControlId(), at: options.now() }),
    next,
  });

  const count = ({ outcome, reason }: Fate, since: number): void => {
    metrics.sourceMessages.inc({ adapter: ADAPTER, outcome, reason });
    metrics.acknowledgementDuration.observe({ adapter: ADAPTER }, (performance.now() - since) / 1000);
    if (outcome === 'dead-lettered' || outcome === 'refused')
      log.warn({ event: 'source.dead_lettered', outcome, reason }, 'message kept as a dead letter');
    else log.debug({ outcome, reason }, 'message answered');
  };

  return async ({ frame, silent }) => {
    const since = performance.now();
    const done: Record<Exclude<Frame['kind'], 'oversize'>, (content: Buffer) => Promise<Reply>> = {
      message: (content) => whole(content, since),
      'cut-short': (content) => remnant(content, 'cut-short', silent, since),
      'outside-frame': (content) => remnant(content, 'outside-frame', silent, since),
    };
    try {
      return frame.kind === 'oversize' ? await tooLarge(frame, since) : await done[frame.kind](frame.content);
    } catch (error) {
      // Nobody may lose a message to a defect of ours: the sender keeps it and sends it again.
      log.error({ event: 'source.failed', err: error }, 'a message could not be handled');
      return { next: 'close' };
    }
  };
};

/** The source system's own identity of a message: who sent it, its control number, and what it announces. */
const identityOf = (message: Message): string[] => {
  const msh = header(message);
  return [3, 4, 10].map((field) => text(message, msh, field) ?? '').concat(triggerOf(message) ?? '');
};
