/** What becomes of every message of the mailbox: the way from its bytes to something durable, after which it may be acknowledged. */
import { type IntakeResult, reasonOf } from '@causeway/runtime/adapter/intake';
import type { DeadLetter } from '@causeway/runtime/bus/dead-letter';
import type { SourceMessage } from '@causeway/runtime/source/publish';
import type { Registration } from '@causeway/runtime/source/registrations';
import type { ShieldingMark } from '@causeway/runtime/source/shielding';
import type { Source } from '@causeway/runtime/source/source';
import type { Logger } from '@causeway/runtime/telemetry/log';
import type { Metrics } from '@causeway/runtime/telemetry/metrics';
import type { Contact } from '@causeway/schemas/generated/types';
import type { Download } from './client.ts';
import type { Mark, NotificationIdentity, NotificationOutcome } from './notification.ts';
import { translate } from './translate.ts';

export const ADAPTER = 'nhs-mesh';

type IntakeOptions = {
  source: Pick<Source, 'accept' | 'deadLetter'>;
  /** Workflow ids whose messages are read. */
  workflows: ReadonlySet<string>;
  /** Whom partners ring about an event. */
  contact(): Contact;
  /** The record that opens or closes a safeguard. */
  shielding(mark: ShieldingMark): Registration;
  now(): Date;
  log: Logger;
  metrics: Metrics;
};

/** A message that was read, and what is to be done with it. */
type Judged = {
  /** Where it stands among others: they are settled in this order. */
  order: string;
  /** Resolves once nothing of it can be lost. @throws RetryableError when it cannot be kept now */
  settle(): Promise<IntakeResult>;
};

export type Intake = {
  judge(download: Download): Judged;
  /** Bytes alone, such as those of a dead letter. */
  judgeBytes(raw: Buffer, contentType: string): Judged;
};

/** What cannot be compared goes first. */
const UNORDERED = '';

export const createIntake = (options: IntakeOptions): Intake => {
  const { source, metrics, log } = options;

  const counted = (order: string, settle: () => Promise<IntakeResult>): Judged => ({
    order,
    async settle() {
      const fate = await settle();
      metrics.sourceMessages.inc({ adapter: ADAPTER, ...fate });
      if (fate.outcome === 'dead-lettered')
        log.warn({ event: 'source.dead_lettered', ...fate }, 'message kept as a dead letter');
      else log.debug(fate, 'message settled');
      return fate;
    },
  });

  const ignored = (reason: string): Judged =>
    counted(UNORDERED, async () => ({ outcome: 'ignored', reason }));

  const kept = (
    letter: Omit<DeadLetter, 'attempts'>,
    registrations: SourceMessage['registrations'] = [],
  ): Judged =>
    counted(UNORDERED, async () => {
      // What a message says of a person's safety holds, whatever else is wrong with it.
      if (registrations.length > 0 && letter.raw !== null)
        await source.accept({
          ...messageOf(letter.raw, letter.contentType ?? '', undefined),
          facts: [],
          registrations,
        });
      await source.deadLetter({ ...letter, attempts: 1 });
      return { outcome: 'dead-lettered', reason: letter.reason };
    });

  const registrationsOf = (marks: readonly Mark[] = []): Registration[] => {
    const on = options.now().toISOString().slice(0, 10);
    return marks.map((mark) => options.shielding({ ...mark, on: mark.order?.slice(0, 10) ?? on }));
  };

  const outcomesOf = (raw: Buffer): NotificationOutcome[] | 'defect' => {
    try {
      return translate(raw, { contact: options.contact(), now: options.now() });
    } catch (error) {
      // A defect of ours must not hold up the mailbox: the message is kept, and can be redriven after a fix.
      log.error({ event: 'source.failed', err: error }, 'a message could not be translated');
      return 'defect';
    }
  };

  const judgeOutcome = (raw: Buffer, contentType: string, outcome: NotificationOutcome): Judged => {
    if (outcome.kind === 'ignored') return ignored(outcome.reason);
    if (outcome.kind === 'undecodable')
      return kept({ raw, contentType, reason: outcome.reason }, registrationsOf(outcome.marks));
    const { said, facts, marks } = outcome;
    return counted(said.order, async () => {
      const message = { ...messageOf(raw, contentType, said), facts, registrations: registrationsOf(marks) };
      const fate = await source.accept(message);
      if (fate.fate === 'published')
        return { outcome: 'published', reason: fate.ids.length > 0 ? 'none' : 'safeguard-only' };
      return { outcome: fate.fate, reason: reasonOf(fate) };
    });
  };

  const judgeBytes: Intake['judgeBytes'] = (raw, contentType) => {
    const outcomes = outcomesOf(raw);
    if (outcomes === 'defect') return kept({ raw, contentType, reason: 'translation-failed' });
    return together(outcomes.map((outcome) => judgeOutcome(raw, contentType, outcome)));
  };

  return {
    judgeBytes,
    judge({ workflow, isReport, encrypted, contentType, body }) {
      if (isReport) return ignored('report');
      if (body.kind === 'oversize') {
        const { head, length, sha256 } = body;
        return kept({ raw: head, contentType, reason: 'too-large', whole: { length, sha256 } });
      }
      const raw = body.bytes;
      if (!options.workflows.has(workflow)) return kept({ raw, contentType, reason: 'unknown-workflow' });
      if (encrypted) return kept({ raw, contentType, reason: 'encrypted' });
      if (body.kind === 'damaged') return kept({ raw, contentType, reason: 'damaged-compression' });
      return judgeBytes(raw, contentType);
    },
  };
};

/** The notifications of one message, in their own order; of their fates the one that needs somebody most. */
const together = (judged: readonly Judged[]): Judged => {
  const inOrder = judged.toSorted((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0));
  return {
    order: inOrder[0]?.order ?? UNORDERED,
    async settle() {
      const fates = await Promise.all(inOrder.map(({ settle }) => settle()));
      const found = ['dead-lettered', 'published'].flatMap((wanted) =>
        fates.filter(({ outcome }) => outcome === wanted),
      );
      return (found[0] ?? fates[0]) as IntakeResult;
    },
  };
};

const messageOf = (raw: Buffer, contentType: string, said: NotificationIdentity | undefined) => ({
  raw,
  contentType,
  identity: said?.identity ?? ['unreadable'],
  content: said === undefined ? raw : Buffer.from(said.content, 'utf8'),
});
