import { setTimeout as delay } from 'node:timers/promises';
import {
  type AgreementRecord,
  type AgreementsState,
  applyRecord,
  emptyState,
  versionKey,
} from '@causeway/schemas/agreements/log';
import { AGREEMENTS_TOPIC, AUDIT_LEDGER_TOPIC, CONSOLE_TRANSACTIONAL_ID } from '../bus/topics.ts';
import { errorCode, isPermanent, RetryableError } from '../errors.ts';
import type { KafkaRecord } from '../kafka/broker-client.ts';
import type { Kafka } from '../kafka/connect.ts';
import { type Reader, readLast, readToEnd } from '../kafka/reader.ts';
import type { TransactionalProducer } from '../kafka/transactional-producer.ts';
import type { Logger } from '../telemetry/log.ts';
import { lastRecord } from './chain-head.ts';
import { GENESIS, headAfter } from './ledger-record.ts';

/**
 * `ledger.console`: what people did. Changes of agreements and looks at personal data, chained as the other ledgers are.
 * Everybody who writes here or to `agreements` uses one transactional id, so that of two who do it at once the first is
 * fenced, reads again what is there now, and decides again: no change is lost and the chain has no fork.
 */

type Who = { by: string; organisation?: string | undefined };

export type AuditEntry = Who &
  (
    | { kind: 'agreement-version'; agreement: string; digest: string; reason: string }
    | { kind: 'agreement-status'; agreement: string; status: string; reason: string }
    /** Who signs checkpoints has changed: every key so far, as `verifier.txt` has them. */
    | { kind: 'checkpoint-keys'; keys: string[] }
    /** Personal data was looked at: whose (as tokens, never as identifiers), what for, and how much came back. */
    | { kind: 'look'; what: string; tokens?: string[]; position?: string; reason: string; found?: number }
  );

export type AuditRecord = AuditEntry & { sequence: number; previous: string; at: string };

export type AuditLedger = {
  /**
   * Resolves once the entries are on every in-sync replica: do what they record only then.
   * @throws RetryableError when that did not succeed within some seconds
   */
  record(entries: readonly AuditEntry[]): Promise<void>;
  /**
   * Changes agreements. `plan` gets what is true at that moment and may be called again when somebody else was faster;
   * what it returns is written together with its entries in the ledger, or not at all.
   * @throws what `plan` throws; RetryableError as above
   * @returns the records written and the state after them
   */
  change(plan: Plan, who?: Omit<Who, 'by'>): Promise<Changed>;
  close(): Promise<void>;
};

export type Plan = (state: AgreementsState) => readonly AgreementRecord[];
export type Changed = { records: readonly AgreementRecord[]; state: AgreementsState };

type Session = { writer: TransactionalProducer; reader: Reader; sequence: number; head: Buffer };

const DEADLINE_MS = 30_000;
const MAX_PAUSE_MS = 3_000;

/** Nothing is opened before the first use. Calls of one process follow each other; those of others are fenced. */
export const openAuditLedger = (
  kafka: Kafka,
  log: Logger,
  now: () => Date = () => new Date(),
): AuditLedger => {
  let session: Session | null = null;
  let tail: Promise<unknown> = Promise.resolve();

  const drop = async () => {
    const old = session;
    session = null;
    if (old) await Promise.allSettled([old.writer.close(), old.reader.close()]);
  };

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = tail.then(work);
    tail = result.catch(() => undefined);
    return result;
  };

  /**
   * Writes until it works or the deadline is over. After any failure everything is opened and read anew, and where the
   * answer to a commit was lost it is looked up first whether the write is there.
   */
  const write = async <T>(draft: (current: Session) => Promise<Draft<T>>): Promise<T> => {
    const deadline = Date.now() + DEADLINE_MS;
    let unsure: Draft<T> | null = null;
    for (let attempt = 1; ; attempt += 1) {
      try {
        session ??= await openSession(kafka);
        if (unsure && (await wasWritten(session.reader, unsure.output))) return unsure.result;
        unsure = await draft(session);
        const { output, sequence, head, result } = unsure;
        if (output.length === 0) return result;
        await session.writer.write(output);
        Object.assign(session, { sequence, head });
        return result;
      } catch (error) {
        if (error instanceof Refusal) throw error.cause;
        await drop();
        if (isPermanent(error)) throw error;
        if (Date.now() > deadline)
          throw new RetryableError(
            'console-ledger',
            'It could not be recorded, so it was not done. Try again.',
            {
              cause: error,
            },
          );
        log.debug({ code: errorCode(error), attempt }, 'The ledger of the console is opened again');
        // At random, so that two who keep fencing each other come apart.
        await delay(Math.random() * Math.min(MAX_PAUSE_MS, 50 * 2 ** attempt));
      }
    }
  };

  return {
    record: (entries) =>
      inTurn(() => write(async (current) => ({ ...chained(current, entries, now()), result: undefined }))),
    change: (plan, who = {}) =>
      inTurn(async () => {
        const records = await write(async (current) => {
          const state = await readAgreements(current.reader);
          const planned = planOrRefuse(plan, state);
          const entries = planned.map((record) => entryOf(record, who));
          const { output, sequence, head } = chained(current, entries, now());
          return { output: [...planned.map(agreementRecord), ...output], sequence, head, result: planned };
        });
        const reader = kafka.reader();
        try {
          return { records, state: await readBack(reader, records) };
        } finally {
          await reader.close();
        }
      }),
    close: () => inTurn(drop),
  };
};

type PlainRecord = KafkaRecord & { partition: number };

/** What is to be written, the chain after it, and what is answered then. */
type Draft<T> = { output: PlainRecord[]; sequence: number; head: Buffer; result: T };

/** What a plan throws is an answer, not an outage to be waited out. */
class Refusal extends Error {}

const planOrRefuse = (plan: Plan, state: AgreementsState): readonly AgreementRecord[] => {
  try {
    return plan(state);
  } catch (error) {
    throw new Refusal('refused', { cause: error });
  }
};

/** How far back a write is looked for whose answer was lost. */
const RECENT = 1_000;

const wasWritten = async (reader: Reader, output: readonly PlainRecord[]): Promise<boolean> => {
  const wanted = output.findLast(({ topic }) => topic === AUDIT_LEDGER_TOPIC)?.value;
  if (!wanted) return false;
  const at = { topic: AUDIT_LEDGER_TOPIC, partition: 0 };
  for await (const { value } of readLast(reader, at, RECENT)) if (value?.equals(wanted)) return true;
  return false;
};

const WRITTEN_TO = [AUDIT_LEDGER_TOPIC, AGREEMENTS_TOPIC].map((topic) => ({ topic, partition: 0 }));

const openSession = async (kafka: Kafka): Promise<Session> => {
  // Fences whoever wrote before: what is read after this is final.
  const writer = await kafka.writer(CONSOLE_TRANSACTIONAL_ID, { visible: true });
  const reader = kafka.reader();
  try {
    // Somebody may have been told that it is done; a write that failed is looked up before it is repeated.
    await writer.settle(WRITTEN_TO, () => true);
    const last = await lastRecord(reader, { topic: AUDIT_LEDGER_TOPIC, partition: 0 });
    if (!last) return { writer, reader, sequence: 0, head: GENESIS };
    const { sequence, previous } = JSON.parse(last.value.toString('utf8')) as AuditRecord;
    return {
      writer,
      reader,
      sequence: sequence + 1,
      head: headAfter(Buffer.from(previous, 'base64url'), last.value),
    };
  } catch (error) {
    await Promise.allSettled([writer.close(), reader.close()]);
    throw error;
  }
};

const chained = (from: { sequence: number; head: Buffer }, entries: readonly AuditEntry[], now: Date) => {
  let { sequence, head } = from;
  const output: PlainRecord[] = [];
  for (const entry of entries) {
    const record: AuditRecord = {
      sequence,
      previous: head.toString('base64url'),
      at: now.toISOString(),
      ...entry,
    };
    const value = Buffer.from(JSON.stringify(record));
    output.push({ topic: AUDIT_LEDGER_TOPIC, partition: 0, value });
    head = headAfter(head, value);
    sequence += 1;
  }
  return { output, sequence, head };
};

const entryOf = (record: AgreementRecord, who: Omit<Who, 'by'>): AuditEntry => {
  const common = { by: record.by, ...who, agreement: versionKey(record) };
  return record.kind === 'version'
    ? { kind: 'agreement-version', ...common, digest: record.digest, reason: 'a new version was loaded' }
    : { kind: 'agreement-status', ...common, status: record.status, reason: record.reason };
};

const agreementRecord = (record: AgreementRecord): PlainRecord => ({
  topic: AGREEMENTS_TOPIC,
  partition: 0,
  key: versionKey(record),
  value: Buffer.from(JSON.stringify(record)),
});

/**
 * The fold of every committed record of the agreements topic.
 * @throws RetryableError when Kafka is away
 */
export const readAgreements = async (reader: Reader): Promise<AgreementsState> => {
  let state = emptyState();
  for await (const { value } of readToEnd(reader, { topic: AGREEMENTS_TOPIC, partition: 0 }, 0))
    if (value) state = applyRecord(state, JSON.parse(value.toString('utf8')) as AgreementRecord);
  return state;
};

/** A commit is answered a moment before its records can be read: whoever asks next shall find them. */
const readBack = async (reader: Reader, records: readonly AgreementRecord[]): Promise<AgreementsState> => {
  const wanted = JSON.stringify(records.at(-1));
  for (;;) {
    let state = emptyState();
    let found = records.length === 0;
    for await (const { value } of readToEnd(reader, { topic: AGREEMENTS_TOPIC, partition: 0 }, 0)) {
      if (!value) continue;
      const text = value.toString('utf8');
      found ||= text === wanted;
      state = applyRecord(state, JSON.parse(text) as AgreementRecord);
    }
    if (found) return state;
    await delay(5);
  }
};
