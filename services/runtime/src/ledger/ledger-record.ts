import { hash } from 'node:crypto';
import type { Classification, Priority } from '../bus/envelope.ts';

/**
 * The record of decisions. One chain per ledger partition; each record's value holds the head before it, and the
 * head after it is SHA-256(previous head ‖ value bytes). Plain JSON, so that it can be checked without any schema registry.
 */

export type LedgerDecision = {
  recipient: string;
  outcome: 'released' | 'withheld';
  reason?: string;
  /** `<id>/<version>` of the agreements that released it, or that were asked and did not. */
  agreements: string[];
  viewId?: number;
  /** SHA-256 of the released value, base64url. */
  valueDigest?: string;
};

type Common = {
  /** Counts from 0 in each partition. */
  sequence: number;
  /** Chain head before this record, base64url. */
  previous: string;
  /** Of the record in the outbox that this is about. */
  position: { topic: string; partition: number; offset: number };
  decidedAt: string;
  /** Next offset of the `agreements` topic when it was decided: everything before it had been taken into account. */
  agreementsOffset: number;
};

export type DecisionRecord = Common & {
  kind: 'decision';
  eventId: string;
  type: string;
  source: string;
  tokens: readonly string[];
  otherTokens: readonly string[];
  /** What the console answers "late?" and "how long?" with; older records lack them. */
  occurredAt?: string | undefined;
  priority?: Priority | undefined;
  actBy?: string | undefined;
  /** `/<organisation>/<event id>` that the event answers. */
  inResponseTo?: string | undefined;
  classification: Classification;
  /** SHA-256 of the value as it came, base64url. */
  valueDigest: string;
  decisions: LedgerDecision[];
};

/** The record could not be decided and is in the dead-letter topic. */
export type DeadLetterRecord = Common & { kind: 'dead-letter'; reason: string; valueDigest: string };

/** Outbox records that were gone before they were read: from `position.offset` up to, not including, `until`. */
export type GapRecord = Common & { kind: 'gap'; until: number };

export type LedgerRecord = DecisionRecord | DeadLetterRecord | GapRecord;

/** Head of a chain before its first record. */
export const GENESIS: Buffer = Buffer.alloc(32);

/** SHA-256 as base64url, 43 characters. */
export const digestOf = (bytes: Buffer): string => hash('sha256', bytes, 'base64url');

/** Head of the chain after a record: SHA-256(previous head ‖ value bytes). */
export const headAfter = (previous: Buffer, value: Buffer): Buffer =>
  hash('sha256', Buffer.concat([previous, value]), 'buffer');

export const encodeLedgerRecord = (record: LedgerRecord): Buffer => Buffer.from(JSON.stringify(record));

/** @throws SyntaxError where the bytes are no JSON */
export const parseLedgerRecord = (value: Buffer): LedgerRecord => JSON.parse(value.toString('utf8'));

/** Input offset that follows what a ledger record covers. */
export const nextInput = (record: LedgerRecord): number =>
  record.kind === 'gap' ? record.until : record.position.offset + 1;

/** What the ledger of the console holds: no input is behind it, so it has no position to check. */
const CONSOLE_LEDGER = 'ledger.console';

/** Whatever JSON it is: a record that names no input would switch the checks after it off. */
const coversInput = (record: LedgerRecord | null): record is LedgerRecord =>
  typeof record === 'object' &&
  Number.isSafeInteger(record?.position?.offset) &&
  (record?.kind === 'gap'
    ? Number.isSafeInteger(record.until) && record.until > record.position.offset
    : record?.kind === 'decision' || record?.kind === 'dead-letter');

const saysWhatWasDone = (record: { kind?: unknown } | null): boolean =>
  typeof record === 'object' && typeof record?.kind === 'string';

export type ChainState = { sequence: number; head: Buffer; next: number };

export const emptyChain = (): ChainState => ({ sequence: 0, head: GENESIS, next: 0 });

/**
 * The chain before a record whose predecessors were deleted, as far as the record itself says it; undefined where it is
 * the first of its chain or not readable. Nothing is known of it until a checkpoint agrees with what follows.
 */
export const startOfChain = (value: Buffer | null): ChainState | undefined => {
  try {
    const { sequence, previous } = parseLedgerRecord(value ?? Buffer.alloc(0));
    const head = Buffer.from(previous, 'base64url');
    const later = Number.isSafeInteger(sequence) && sequence > 0 && head.length === GENESIS.length;
    return later ? { sequence, head, next: 0 } : undefined;
  } catch {
    return undefined;
  }
};

/**
 * Checks one record against the chain so far.
 * @returns the chain after it, or in `problem` what is wrong with this record
 */
export const verifyRecord = (
  chain: ChainState,
  value: Buffer | null,
  ledger: { topic: string; partition: number },
): { chain: ChainState } | { problem: string } => {
  if (value === null) return { problem: 'the record has no value' };
  let record: LedgerRecord;
  try {
    record = parseLedgerRecord(value);
  } catch {
    return { problem: 'the value is not JSON' };
  }
  const ofConsole = ledger.topic === CONSOLE_LEDGER;
  if (!(ofConsole ? saysWhatWasDone(record) : coversInput(record)))
    return {
      problem: ofConsole ? 'it does not say what was done' : 'it does not say which input it is about',
    };
  if (record.sequence !== chain.sequence)
    return {
      problem: `sequence ${record.sequence} where ${chain.sequence} is due: records are missing, repeated or out of order`,
    };
  if (record.previous !== chain.head.toString('base64url'))
    return { problem: 'the head it names is not that of the record before it: one of the two was changed' };
  if (ofConsole)
    return { chain: { sequence: chain.sequence + 1, head: headAfter(chain.head, value), next: 0 } };
  if (
    record.position?.partition !== ledger.partition ||
    record.position.topic !== ledger.topic.replace(/^ledger\./, 'outbox.')
  )
    return { problem: 'it is about another outbox or partition' };
  if (record.position.offset < chain.next)
    return { problem: `input offset ${record.position.offset} was decided before` };
  return {
    chain: { sequence: chain.sequence + 1, head: headAfter(chain.head, value), next: nextInput(record) },
  };
};
