import type { Agreements } from '@causeway/runtime/agreements';
import { type Rulebook, rulebookOf, ukDate } from '@causeway/runtime/decide';
import type { Organisation, Organisations } from '@causeway/runtime/organisations';

/** What a decision is made from, as it stands at one moment. */
export type Ruling = {
  rules: Rulebook;
  /** Next offset of the agreements topic: what this ruling has taken into account. */
  agreementsOffset: number;
  organisation(id: string): Organisation | undefined;
  today: string;
};

/** The current ruling; the rulebook is built once for each state of the agreements. */
export const createRules = (agreements: Agreements, organisations: Organisations): (() => Ruling) => {
  let builtFrom: unknown = null;
  let rules: Rulebook = new Map();
  return () => {
    const state = agreements.state();
    if (state !== builtFrom) {
      rules = rulebookOf(state);
      builtFrom = state;
    }
    return {
      rules,
      agreementsOffset: agreements.offset(),
      organisation: organisations.get,
      today: ukDate(new Date()),
    };
  };
};
