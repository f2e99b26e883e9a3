import { RetryableError } from '@causeway/runtime/errors';
import type { Query } from '@causeway/runtime/postgres/database';
import type { DisclosureRows } from './rows.ts';

type ChainMove = { id: number; from: number; next: number };

/**
 * Takes rows in, and how far, in the transaction of `query`.
 * @throws RetryableError `taken-by-another` where another instance was faster: nothing is taken in twice
 */
export async function writeRows(query: Query, rows: DisclosureRows, moves: ChainMove[]): Promise<void> {
  const given = JSON.stringify(moves);
  const mine = await query(LOCK, [given]);
  if (mine.length !== moves.length)
    throw new RetryableError('taken-by-another', 'another instance has taken these records in');
  if (rows.events.length > 0) await query(EVENTS, [JSON.stringify(rows.events)]);
  if (rows.persons.length > 0) await query(PERSONS, [JSON.stringify(rows.persons)]);
  if (rows.disclosures.length > 0) await query(DISCLOSURES, [JSON.stringify(rows.disclosures)]);
  if (rows.agreements.length > 0) await query(AGREEMENTS, [JSON.stringify(rows.agreements)]);
  await query(MOVE, [given]);
}

const LOCK = `
select c.id from chain c join jsonb_to_recordset($1) as g(id smallint, "from" bigint) on c.id = g.id and c.next = g."from"
order by c.id for update of c`;

const MOVE = `
update chain c set next = g.next from jsonb_to_recordset($1) as g(id smallint, next bigint) where c.id = g.id`;

const EVENTS = `
insert into event
select chain, sequence, event_id, type, organisation, occurred_at, decided_at, classification, value_digest, position
from jsonb_to_recordset($1) as g(chain smallint, sequence bigint, event_id text, type text, organisation text,
  occurred_at text, decided_at timestamptz, classification text, value_digest text, position bigint)
on conflict do nothing`;

const PERSONS = `
insert into person
select token, chain, sequence, other
from jsonb_to_recordset($1) as g(token text, chain smallint, sequence bigint, other boolean)
on conflict do nothing`;

const DISCLOSURES = `
insert into disclosure
select chain, sequence, recipient, outcome, reason, agreements, view_id, value_digest, decided_at
from jsonb_to_recordset($1) as g(chain smallint, sequence bigint, recipient text, outcome text, reason text,
  agreements text[], view_id int, value_digest text, decided_at timestamptz)
on conflict do nothing`;

const AGREEMENTS = `
insert into disclosure_agreement
select agreement, decided_at, chain, sequence, recipient
from jsonb_to_recordset($1) as g(agreement text, decided_at timestamptz, chain smallint, sequence bigint, recipient text)
on conflict do nothing`;
