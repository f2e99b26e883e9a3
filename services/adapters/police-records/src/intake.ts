/** What becomes of everything that comes in: from the bytes of a request to its fate and its answer. */

import { createHash } from 'node:crypto';
import { type IntakeResult, reasonOf as reasonOfFate } from '@causeway/runtime/adapter/intake';
import type { DeadLetter } from '@causeway/runtime/bus/dead-letter';
import { eventId } from '@causeway/runtime/bus/envelope';
import type { Tokeniser } from '@causeway/runtime/bus/pseudonyms';
import { errorCode, retryableFor } from '@causeway/runtime/errors';
import type { Source } from '@causeway/runtime/source/source';
import type { Logger } from '@causeway/runtime/telemetry/log';
import type { Metrics } from '@causeway/runtime/telemetry/metrics';
import type { Contact } from '@causeway/schemas/generated/types';
import type { Document, Fault, Reading } from './read-document.ts';
import {
  isNamed,
  type OwnReport,
  type ReportStore,
  type Request,
  type StoredAnswer,
} from './report-store.ts';
import { type Translated, translate } from './translate.ts';

export const ADAPTER = 'police-records';
const CONTENT_TYPE = 'application/vnd.api+json';

type IntakeOptions = {
  organisation: string;
  source: Pick<Source, 'accept' | 'deadLetter'>;
  store: Pick<ReportStore, 'claim' | 'answered' | 'remember'>;
  read(raw: Buffer): Reading;
  tokeniser: Tokeniser;
  /** Whom partners ring about an event of this force. */
  contact(): Contact;
  log: Logger;
  metrics: Metrics;
};

/** What came of one document. `reason` is a code; `reports` are the events that are on the bus now. */
type Settled = IntakeResult & { answer: StoredAnswer; reports: OwnReport[] };

export type Intake = {
  /** @throws RetryableError when it cannot be kept now; Problem-free: every other fate is an answer */
  handle(request: Request): Promise<StoredAnswer>;
  /** Once more, what was kept as a dead letter. @throws RetryableError */
  again(raw: Buffer): Promise<Settled>;
};

const REUSED: StoredAnswer = {
  status: 422,
  body: {
    type: 'urn:causeway:problem:idempotency-key-reused',
    title: 'The idempotency key was used for another document',
    status: 422,
    detail: 'Send each document under a key of its own, and the same key only with the same bytes.',
  },
};

export const createIntake = (options: IntakeOptions): Intake => {
  const { organisation, source, store, log, metrics } = options;

  /** Keeps what cannot be published, and says why. */
  const keep = async (
    raw: Buffer,
    reason: string,
    answer: StoredAnswer,
    keepable = true,
  ): Promise<Settled> => {
    const letter: DeadLetter = { raw, reason, attempts: 1, contentType: CONTENT_TYPE };
    // Above the marking of this bus: that it came is kept, and nothing of what it says.
    const sha256 = () => createHash('sha256').update(raw).digest('hex');
    const told = keepable
      ? letter
      : { ...letter, raw: Buffer.alloc(0), whole: { length: raw.length, sha256: sha256() } };
    await source.deadLetter(told);
    const outcome = answer.status < 300 ? 'dead-lettered' : 'refused';
    return { outcome, reason, answer, reports: [] };
  };

  const settle = async (raw: Buffer): Promise<Settled> => {
    const reading = options.read(raw);
    if (reading.kind === 'not-json') return keep(raw, 'not-json', NOT_JSON);
    if (reading.kind === 'faulty')
      return keep(raw, reasonOf(reading.faults, reading.keepable), refusal(reading.faults), reading.keepable);
    const { document, content } = reading;
    const translated = translate(document, {
      organisation,
      tokeniser: options.tokeniser,
      contact: options.contact(),
    });
    if (translated.kind === 'faulty')
      return keep(raw, reasonOf(translated.faults, true), refusal(translated.faults));
    if (translated.kind === 'skeleton') return keep(raw, 'not-modelled', accepted('kept', [], []));
    return publish(raw, document, content, translated);
  };

  const publish = async (
    raw: Buffer,
    document: Document,
    content: Buffer,
    { facts, identity, reference, warnings }: Extract<Translated, { kind: 'facts' }>,
  ): Promise<Settled> => {
    const fate = await source.accept({ raw, contentType: CONTENT_TYPE, identity, content, facts });
    // The ids derive from the document alone: what is sent again is answered with the same ones.
    const ids = facts.map((_, index) => eventId(identity, content, index));
    const isShared = fate.fate === 'published' || fate.fate === 'duplicate';
    if (fate.fate === 'dead-lettered')
      return {
        outcome: 'refused',
        reason: fate.reason,
        answer: refusal([{ pointer: '', problem: `cannot become an event: ${fate.reason}` }]),
        reports: [],
      };
    return {
      outcome: fate.fate,
      reason: reasonOfFate(fate),
      answer: isShared ? accepted('published', ids, warnings) : accepted('not-shared', [], warnings),
      reports: isShared ? ids.map((id) => ({ eventId: id, recordId: document.id, reference })) : [],
    };
  };

  return {
    async handle(request) {
      const since = performance.now();
      try {
        const claim = await store.claim(request);
        if (claim.kind === 'answered') return count('duplicate', 'repeated-key', since, claim.answer);
        if (claim.kind === 'reused') return count('refused', 'key-reused', since, REUSED);
        const { outcome, reason, answer, reports } = await settle(request.raw);
        // An agreement can come into force: only who names its documents is promised the same answer for that.
        if (outcome !== 'not-shared' || isNamed(request)) await store.answered(request, answer, reports);
        if (outcome === 'refused' || outcome === 'dead-lettered')
          log.warn(
            { event: 'source.dead_lettered', outcome, reason, client: request.client },
            'message kept as a dead letter',
          );
        return count(outcome, reason, since, answer);
      } catch (error) {
        metrics.sourceMessages.inc({ adapter: ADAPTER, outcome: 'failed', reason: errorCode(error) });
        // Whatever it was, the sender has it still and sends it again.
        throw retryableFor(error, 'The document cannot be kept now', { cause: error });
      }
    },
    async again(raw) {
      const settled = await settle(raw);
      if (settled.reports.length > 0) await store.remember(settled.reports);
      return settled;
    },
  };

  function count(
    outcome: IntakeResult['outcome'],
    reason: string,
    since: number,
    answer: StoredAnswer,
  ): StoredAnswer {
    metrics.sourceMessages.inc({ adapter: ADAPTER, outcome, reason });
    metrics.acknowledgementDuration.observe({ adapter: ADAPTER }, (performance.now() - since) / 1_000);
    return answer;
  }
};

/** `kept`: taken and not published, until somebody models the form. `not-shared`: no agreement names it. */
const accepted = (
  outcome: 'published' | 'not-shared' | 'kept',
  events: readonly string[],
  warnings: readonly Fault[],
): StoredAnswer => ({ status: 202, body: { outcome, events, warnings } });

const refusal = (faults: readonly Fault[]): StoredAnswer => ({
  status: 422,
  body: {
    type: 'urn:causeway:problem:invalid-document',
    title: 'The document cannot be taken as it is',
    status: 422,
    detail:
      'Correct what the member faults names and send it again under a new key. Nothing of it was published.',
    faults,
  },
});

const NOT_JSON: StoredAnswer = {
  status: 400,
  body: {
    type: 'urn:causeway:problem:not-json',
    title: 'The body is not JSON in UTF-8',
    status: 400,
    detail: 'Send one JSON:API document.',
  },
};

const REASONS: readonly [part: RegExp, reason: string][] = [
  [/\/consentOverriddenBecause$/, 'no-consent'],
  [/\/handlingConditions$/, 'no-handling-conditions'],
];

const reasonOf = (faults: readonly Fault[], keepable: boolean): string => {
  if (!keepable) return 'marking-too-high';
  return (
    REASONS.find(([part]) => faults.every(({ pointer }) => part.test(pointer)))?.[1] ?? 'invalid-document'
  );
};
