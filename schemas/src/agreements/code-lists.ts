import confidentiality from '../../code-lists/confidentiality.json' with { type: 'json' };
import gateways from '../../code-lists/gateways.json' with { type: 'json' };
import handling from '../../code-lists/handling.json' with { type: 'json' };
import interests from '../../code-lists/interests.json' with { type: 'json' };
import purpose from '../../code-lists/purpose.json' with { type: 'json' };
import safeguards from '../../code-lists/safeguards.json' with { type: 'json' };

export type Code = {
  code: string;
  title: string;
  source?: string;
  /** Legal gateways only: the date (YYYY-MM-DD) on which the provision came into force; null if none is known. */
  inForceFrom?: string | null;
};
export type CodeList = { title: string; source: string; codes: Code[] };

/** The coded words of agreements, handling conditions, interests and safeguards, each with its source. */
export const CODE_LISTS = {
  purpose,
  gateways,
  confidentiality,
  handling,
  interests,
  safeguards,
} satisfies Record<string, CodeList>;
