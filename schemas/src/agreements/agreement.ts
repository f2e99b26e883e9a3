import { createHash } from 'node:crypto';
import type { Where } from '../disclosure/conditions.ts';
import type { Generaliser } from '../disclosure/generalisers.ts';

export type AgreementStatus = 'draft' | 'active' | 'suspended' | 'ended';
type Permission = 'allowed' | 'ask-source' | 'barred';
type Classification = 'OFFICIAL' | 'OFFICIAL-SENSITIVE';
type Audience = 'all' | 'originator' | { knownAs: string[] };

/** One controller's own legal basis and approval. Dates are YYYY-MM-DD throughout. */
type Party = {
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

/**
 * SHA-256 in hexadecimal of the agreement in canonical JSON (keys sorted, no spaces). The status is left out: it
 * counts only when a version is loaded first, so a later change of it in the file is no other content.
 */
export function agreementDigest(agreement: Agreement): string {
  const { status: _, ...content } = agreement;
  return createHash('sha256').update(canonicalJson(content)).digest('hex');
}

/** JSON with the keys of every object in code unit order and nothing undefined: equal values give equal text. */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item) ?? 'null').join(',')}]`;
  const fields = value as Readonly<Record<string, unknown>>;
  let text = '';
  for (const key of Object.keys(fields).sort()) {
    if (fields[key] === undefined) continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(fields[key])}`;
  }
  return `{${text}}`;
}
