import { isPermanent } from '@causeway/runtime/errors';
import type { FetchedPartition, FetchedRecord } from '@causeway/runtime/kafka/broker-client';
import type { Query } from '@causeway/runtime/postgres/database';
import { parseInterest } from '@causeway/runtime/reference-data/interests';
import { parseSafeguard } from '@causeway/runtime/reference-data/safeguards';

/** What an organisation says of a person, by its own case reference. The person is left out. */
export type CaseRow = {
  organisation: string;
  kind: 'interest' | 'safeguard';
  key: string;
  writer: string;
  reference: string;
  reason: string;
  since: string;
  until: string | null;
  ends: string;
  published_at: string;
};
export type CaseRows = { published: CaseRow[]; withdrawn: Pick<CaseRow, 'organisation' | 'kind' | 'key'>[] };

/** What fetched records of `interests.<organisation>` and `safeguards.<organisation>` say; the last of each key counts. */
export function caseRows(fetched: readonly FetchedPartition[]): CaseRows {
  const last = new Map<string, CaseRow | CaseRows['withdrawn'][number]>();
  for (const { topic, records } of fetched) {
    const kind = topic.startsWith('interests.') ? 'interest' : 'safeguard';
    const organisation = topic.slice(topic.indexOf('.') + 1);
    for (const record of records) {
      const named = { organisation, kind, key: record.key?.toString('base64url') ?? '' } as const;
      const row = record.value === null ? named : rowOf(named, record);
      if (row) last.set(`${topic} ${named.key}`, row);
    }
  }
  const rows = [...last.values()];
  const published = rows.filter((row): row is CaseRow => 'reference' in row);
  return { published, withdrawn: rows.filter((row) => !('reference' in row)) };
}

/** Undefined where the record does not have its form: the one before goes on to count, as everywhere. */
function rowOf(
  named: Pick<CaseRow, 'organisation' | 'kind' | 'key'>,
  { value, timestamp }: FetchedRecord,
): CaseRow | undefined {
  const published_at = new Date(timestamp).toISOString();
  try {
    const bytes = value ?? Buffer.alloc(0);
    if (named.kind === 'safeguard') {
      const { writer, reference, kind, since, review } = parseSafeguard(bytes);
      return { ...named, writer, reference, reason: kind, since, until: null, ends: review, published_at };
    }
    const { writer, reference, reason, since, until = null, expires } = parseInterest(bytes, timestamp);
    return { ...named, writer, reference, reason, since, until, ends: expires, published_at };
  } catch (error) {
    if (isPermanent(error)) return undefined;
    throw error;
  }
}

/** Takes them in, in the transaction of `query`. */
export async function applyCases(query: Query, { published, withdrawn }: CaseRows): Promise<void> {
  if (published.length > 0) await query(PUBLISHED, [JSON.stringify(published)]);
  if (withdrawn.length > 0) await query(WITHDRAWN, [JSON.stringify(withdrawn)]);
}

const PUBLISHED = `
insert into person_case (organisation, kind, key, writer, reference, reason, since, until, ends, published_at)
select organisation, kind, key, writer, reference, reason, since, until, ends, published_at
from jsonb_to_recordset($1) as g(organisation text, kind text, key text, writer text, reference text, reason text,
  since date, until date, ends date, published_at timestamptz)
on conflict (organisation, kind, key) do update set writer = excluded.writer, reference = excluded.reference,
  reason = excluded.reason, since = excluded.since, until = excluded.until, ends = excluded.ends,
  published_at = excluded.published_at`;

const WITHDRAWN = `
delete from person_case c using jsonb_to_recordset($1) as g(organisation text, kind text, key text)
where c.organisation = g.organisation and c.kind = g.kind and c.key = g.key`;
