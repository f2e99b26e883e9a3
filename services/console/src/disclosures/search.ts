import type { Tokeniser } from '@causeway/runtime/bus/pseudonyms';
import { reasonSeenBy } from '@causeway/runtime/disclosure/release-decision';
import { isPermanent } from '@causeway/runtime/errors';
import type { AuditLedger } from '@causeway/runtime/ledger/audit-ledger';
import type { Links } from '@causeway/runtime/reference-data/identity-links';
import { Problem } from '@causeway/runtime/service/http-server';
import type { Viewer } from '../access/viewer.ts';
import type { DisclosureIndex } from './follow.ts';

export const SCHEMES = ['nhs', 'upn', 'pnc', 'cro'] as const;
export type Scheme = (typeof SCHEMES)[number];

type Recipient = {
  recipient: string;
  outcome: string;
  reason: string | null;
  agreements: string[];
  valueDigest: string | null;
};

/** One event, and what became of it for each recipient that the viewer may know of. */
export type Disclosure = {
  eventId: string;
  type: string;
  source: string;
  /** When it happened, as the source says it; null in ledgers of before that was recorded. */
  occurredAt: string | null;
  decidedAt: string;
  classification: string;
  /** The person is named in the event, which is about somebody else. */
  other: boolean;
  recipients: Recipient[];
  /** Where the proof is. */
  ledger: { topic: string; partition: number; sequence: number };
};

export type Found = {
  disclosures: Disclosure[];
  /** There are older ones, which were left off. */
  more: boolean;
  /** Whether the index held everything that was decided up to a moment ago. */
  current: boolean;
};

export type Disclosures = {
  /**
   * Every release and refusal about a person, newest first, also under the identities that are linked to this one. The
   * search itself is recorded before it is answered: with the token, never with the identifier.
   * @throws Problem 422 `invalid-identifier`; RetryableError where the index or the ledger is away
   */
  search(viewer: Viewer, person: { scheme: Scheme; value: string; reason: string }): Promise<Found>;
  /** The same by event. Not recorded: an event id names nobody. */
  ofEvent(viewer: Viewer, eventId: string): Promise<Found>;
  /** The latest to a recipient, or under an agreement version (`<id>/<version>`). */
  ofRecipient(viewer: Viewer, recipient: string): Promise<Found>;
  ofAgreement(viewer: Viewer, agreement: string): Promise<Found>;
};

const MOST = 1_000;

export const createDisclosures = (parts: {
  index: DisclosureIndex;
  links: Pick<Links, 'expand'>;
  tokeniser: Tokeniser;
  ledger: Pick<AuditLedger, 'record'>;
}): Disclosures => {
  const { index, links, tokeniser, ledger } = parts;

  const find = async (places: string, value: unknown, { organisation }: Viewer): Promise<Found> => {
    const { current } = index.standing();
    const rows = await index.database.query<Row>(queryFor(places), [value, organisation ?? null, MOST + 1]);
    return {
      disclosures: rows.slice(0, MOST).map((row) => disclosureOf(row, organisation)),
      more: rows.length > MOST,
      current,
    };
  };

  return {
    search: async (viewer, { scheme, value, reason }) => {
      const tokens = tokensOf(tokeniser, scheme, value);
      const found = await find(BY_PERSON, [...links.expand(tokens)], viewer);
      await ledger.record([
        {
          kind: 'look',
          what: 'disclosure-search',
          by: viewer.subject,
          ...(viewer.organisation === undefined ? {} : { organisation: viewer.organisation }),
          tokens,
          reason,
          found: found.disclosures.length,
        },
      ]);
      return found;
    },
    ofEvent: (viewer, eventId) => find(BY_EVENT, eventId, viewer),
    ofRecipient: (viewer, recipient) => find(BY_RECIPIENT, recipient, viewer),
    ofAgreement: (viewer, agreement) => find(BY_AGREEMENT, agreement, viewer),
  };
};

/** By the former partnership key too: what was decided before the change is found like everything since. */
const tokensOf = (tokeniser: Tokeniser, scheme: Scheme, value: string): string[] => {
  try {
    return [tokeniser, tokeniser.former].flatMap((maker) => maker?.[scheme](value) ?? []);
  } catch (error) {
    // The message says what the scheme looks like, and never what was typed.
    if (isPermanent(error)) throw new Problem(422, 'invalid-identifier', 'No such identifier', error.message);
    throw error;
  }
};

const BY_PERSON = `
select chain, sequence, bool_and(other) as other from person where token = any($1::text[]) group by chain, sequence`;
const BY_EVENT = 'select chain, sequence, false as other from event where event_id = $1';
const BY_RECIPIENT = `
select chain, sequence, false as other from disclosure where recipient = $1 order by decided_at desc limit $3`;
const BY_AGREEMENT = `
select distinct chain, sequence, false as other from (
  select chain, sequence from disclosure_agreement where agreement = $1 order by decided_at desc limit $3) latest`;

type Row = {
  event_id: string;
  type: string;
  organisation: string;
  occurred_at: string | null;
  decided_at: Date;
  classification: string;
  other: boolean;
  topic: string;
  partition: number;
  sequence: number;
  recipients: {
    recipient: string;
    outcome: string;
    reason: string | null;
    agreements: string[];
    digest: string | null;
  }[];
};

/** One's own side: what one published, and what was released to one. A refusal does not exist for who was refused. */
const queryFor = (places: string): string => `
with place as (${places})
select e.event_id, e.type, e.organisation, e.occurred_at, e.decided_at, e.classification, p.other,
  c.topic, c.partition, e.sequence,
  coalesce((select jsonb_agg(jsonb_build_object('recipient', d.recipient, 'outcome', d.outcome, 'reason', d.reason,
      'agreements', d.agreements, 'digest', d.value_digest) order by d.recipient)
    from disclosure d where d.chain = e.chain and d.sequence = e.sequence), '[]') as recipients
from place p join event e using (chain, sequence) join chain c on c.id = e.chain
where $2::text is null or e.organisation = $2 or exists (
  select 1 from disclosure d
  where d.chain = e.chain and d.sequence = e.sequence and d.recipient = $2 and d.outcome = 'released')
order by e.decided_at desc, e.chain, e.sequence desc
limit $3`;

const disclosureOf = (row: Row, organisation: string | undefined): Disclosure => ({
  eventId: row.event_id,
  type: row.type,
  source: row.organisation,
  occurredAt: row.occurred_at,
  decidedAt: row.decided_at.toISOString(),
  classification: row.classification,
  other: row.other,
  recipients: row.recipients
    .filter(
      ({ recipient, outcome }) =>
        organisation === undefined ||
        organisation === row.organisation ||
        (recipient === organisation && outcome === 'released'),
    )
    .map(({ digest, reason, ...rest }) => ({
      ...rest,
      reason: reason && reasonSeenBy(organisation ?? row.organisation, row.organisation, reason),
      valueDigest: digest,
    })),
  ledger: { topic: row.topic, partition: row.partition, sequence: row.sequence },
});
