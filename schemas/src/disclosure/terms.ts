import type { Where } from './conditions.ts';
import type { Generaliser } from './generalisers.ts';

export type AgreementStatus = 'draft' | 'active' | 'suspended' | 'ended';
export type Permission = 'allowed' | 'ask-source' | 'barred';
export type Classification = 'OFFICIAL' | 'OFFICIAL-SENSITIVE';
export type Audience = 'all' | 'originator' | { knownAs: string[] };

/** One controller's own legal basis and approval. Dates are YYYY-MM-DD throughout. */
export type Party = {
  regime: 'uk-gdpr' | 'dpa2018-part3';
  article6?: string;
  article9?: string;
  schedule1?: number[];
  schedule8?: number[];
  approvedBy?: string;
  approvedAt?: string;
};

/** What is released of one event type, as the agreement writes it: paths of leaves and blocks. */
export type Released = {
  fields: string[];
  generalise: Record<string, Generaliser>;
  necessity: Record<string, string>;
};

/** A data-sharing agreement with every default filled in. */
export type Agreement = {
  id: string;
  version: number;
  /** As written in the file; what counts afterwards is the fold of the agreements log. */
  status: AgreementStatus;
  title: string;
  from: string;
  to: string[];
  parties: Record<string, Party>;
  purpose: string;
  gateways: string[];
  confidentiality: 'consent' | 'statute' | 'overriding-public-interest' | 'not-applicable';
  dpia?: { reference: string; approvedAt: string };
  recipient: { retention: string; onward: Permission };
  disclosureToSubject: Permission;
  /** First and last day (included), the day of review, and the days after it until releases stop. */
  valid: { from: string; until: string; review: string; graceDays: number };
  marking: { ceiling: Classification; handling: string[] };
  contacts: { dataProtection: string; incident: string };
  baseline?: { hours: number; method: string };
  audience: Audience;
  matching: 'verified' | 'demographic';
  where: Where;
  history: boolean;
  feedback: boolean;
  release: Record<string, Released>;
};

/** A problem with the steps that lead to it from the top of the document. */
export type Found = { path: Array<string | number>; atKey?: boolean; message: string };
