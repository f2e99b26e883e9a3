import { type Agreements, FRESH_MS } from '../agreements.ts';
import { schemaIdOf } from '../avro.ts';
import { type Rulebook, rulebookOf, ukDate } from '../decide.ts';
import type { Decode } from '../decoder.ts';
import { isPermanent } from '../errors.ts';
import { decodeHeaders, type Envelope } from '../event.ts';
import { handOver, narrow } from '../hand-over.ts';
import type { FetchedRecord } from '../kafka-session.ts';
import type { Clock } from './subscription.ts';

/** An inbox record, read. */
export type Read = { event: Envelope; data: unknown; schemaId: number };

export type Judged =
  | { outcome: 'release'; data: unknown; agreements: string[] }
  | { outcome: 'withhold'; reason: string };

export type JudgeParts = {
  organisation: string;
  decode: Decode;
  agreements: Pick<Agreements, 'state' | 'freshWithin'>;
  clock: Clock;
};

/** Asks the one function that decides what may be handed over, at the moment of each try. */
export type Judge = {
  /** Null for a record that nobody will ever be able to read. @throws RetryableError while it may become readable */
  read(record: FetchedRecord): Promise<Read | { unreadable: string }>;
  /** Waits until the agreements are known to be current, then decides. */
  judge(read: Read, signal: AbortSignal): Promise<Judged>;
};

const STALE_PAUSE_MS = 50;

export const createJudge = ({ organisation, decode, agreements, clock }: JudgeParts): Judge => {
  let known: { state: unknown; rules: Rulebook } | undefined;
  const rules = (): Rulebook => {
    const state = agreements.state();
    if (known?.state !== state) known = { state, rules: rulebookOf(state) };
    return known.rules;
  };

  return {
    async read(record) {
      try {
        const event = decodeHeaders(record.headers);
        return { event, data: await decode(record.value), schemaId: schemaIdOf(record.value) };
      } catch (error) {
        if (isPermanent(error)) return { unreadable: error.code };
        throw error;
      }
    },
    async judge({ event, data }, signal) {
      while (!agreements.freshWithin(FRESH_MS)) {
        signal.throwIfAborted();
        await new Promise((resolve) => setTimeout(resolve, STALE_PAUSE_MS));
      }
      const today = ukDate(new Date(clock.now()));
      const decision = handOver({ rules: rules(), event, recipient: organisation, today });
      if (decision.outcome === 'withhold') return decision;
      const released = decision.release === 'whole' ? data : narrow(data, decision.release);
      return { outcome: 'release', data: released, agreements: decision.agreements };
    },
  };
};
