import type { Anchors } from './checkpoint.ts';
import { type ChainState, emptyChain, startOfChain, verifyRecord } from './ledger-record.ts';

/** What was found wrong, and with which record: in words, and as `<topic>/<partition>` and sequence. */
type LedgerProblem = { name: string; sequence: number; problem: string };

/** A chain that is whole. `first`: its oldest record here, above 0 where retention has deleted what was before. */
export type WholeChain = { name: string; first: number; records: number; head: string };

type Verification = {
  /** Checks the next record of a chain; after its first problem the rest of that chain is passed over. */
  take(topic: string, partition: number, value: Buffer | null): LedgerProblem | undefined;
  /** To be called after the last record: what is missing at the end, and what is not vouched for at the beginning. */
  finish(): LedgerProblem[];
  whole(): WholeChain[];
};

type Chain = {
  state: ChainState;
  first: number;
  /** A beginning that was deleted is taken from the first record, until a checkpoint agrees with what follows. */
  anchored: boolean;
  broken: boolean;
};

/**
 * Checks ledger records, each chain in its order, against each other and against signed checkpoints. A chain whose
 * head was deleted by retention is whole if a checkpoint vouches for a head in what is left.
 */
export const createVerification = (anchors: Anchors): Verification => {
  const chains = new Map<string, Chain>();

  const take: Verification['take'] = (topic, partition, value) => {
    const name = `${topic}/${partition}`;
    let chain = chains.get(name);
    if (!chain) {
      const start = startOfChain(value);
      chain = {
        state: start ?? emptyChain(),
        first: start?.sequence ?? 0,
        anchored: start === undefined,
        broken: false,
      };
      chains.set(name, chain);
    }
    if (chain.broken) return undefined;
    const fail = (problem: string): LedgerProblem => {
      chain.broken = true;
      return { name, sequence: chain.state.sequence, problem };
    };
    const result = verifyRecord(chain.state, value, { topic, partition });
    if ('problem' in result) return fail(result.problem);
    const expected = anchors.headAt(name, result.chain.sequence);
    if (expected !== undefined) {
      if (expected !== result.chain.head.toString('base64url'))
        return fail(
          'a signed checkpoint has another head after it: this chain was recreated, or it was changed',
        );
      chain.anchored = true;
    }
    chain.state = result.chain;
    return undefined;
  };

  const finish = (): LedgerProblem[] => {
    const problems: LedgerProblem[] = anchors.contradictions().map(({ name, records }) => ({
      name,
      sequence: records - 1,
      problem: `two signed checkpoints have different heads after ${records} records: what they counted was replaced between them`,
    }));
    for (const { name } of problems) {
      const chain = chains.get(name);
      if (chain) chain.broken = true;
    }
    for (const name of new Set([...anchors.names(), ...chains.keys()])) {
      const chain = chains.get(name);
      if (chain?.broken) continue;
      const sequence = chain?.state.sequence ?? 0;
      const latest = anchors.latest(name);
      if (latest && latest.records > sequence)
        problems.push({
          name,
          sequence,
          problem: `it ends here, and the checkpoint of ${latest.at} counted ${latest.records} records: ${latest.records - sequence} are missing at its end`,
        });
      else if (chain && !chain.anchored)
        problems.push({
          name,
          sequence: chain.first,
          problem: `it begins here, and no checkpoint vouches for what is left: ${chain.first} records are missing at its beginning`,
        });
      else continue;
      if (chain) chain.broken = true;
    }
    return problems;
  };

  return {
    take,
    finish,
    whole: () =>
      [...chains]
        .filter(([, { broken }]) => !broken)
        .map(([name, { first, state }]) => ({
          name,
          first,
          records: state.sequence,
          head: state.head.toString('base64url'),
        }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
};
