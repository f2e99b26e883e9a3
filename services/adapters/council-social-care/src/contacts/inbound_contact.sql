-- What partners tell the council, one row for each event, for the people at the front door. Created and owned by the council's DBA,
-- in a database of the council; the adapter never creates or alters it.
--
-- PostgreSQL. Run it with the schema as search path. Afterwards, with the adapter's own log-in in place of causeway_adapter:
--
--   grant select, insert on inbound_contact to causeway_adapter;
--   grant update (standing, corrects, corrected_by, told_state, told_team, told_reference, note) on inbound_contact to causeway_adapter;
--
-- and for the council's people, or the form through which they answer:
--
--   grant select, update (state, team, reference) on inbound_contact to front_door;
--
-- Further columns are the council's business, as long as each may be null or has a default.
create table inbound_contact (
  contact_id bigint generated always as identity primary key,

  -- What a duty worker needs, on one line.
  -- The council's word about the contact: new, seen, accepted, not-ours, unable. The partner is told when it changes.
  state text not null default 'new',
  priority text not null,
  -- In local time; act_by_at is the same for sorting.
  act_by text not null,
  -- `not released` where no agreement lets the council know.
  person_name text not null,
  date_of_birth text not null,
  summary text not null,
  -- Whom to ring about it.
  ring text not null,
  -- Conditions that the partner has set, such as do not tell alleged person.
  handling text not null,
  -- verified: a certain identifier is that of somebody whom the council knows. possible: name and date of birth only, so
  -- make sure who it is. not-compared: the partner tells of everybody, find the person first.
  match text not null,
  received_from text not null,
  received_at timestamptz not null default now(),
  -- current, corrected or withdrawn: the partner has said since that it was otherwise, in the contact corrected_by.
  standing text not null default 'current',
  corrected_by bigint references inbound_contact on delete set null,
  -- The earlier contact that this one corrects or withdraws.
  corrects bigint references inbound_contact on delete set null,

  -- What the council answers besides its state. No names of people: both go to the partner.
  team text,
  reference text,
  -- What the adapter has to say to whoever answered. May be left out, or its right to update it.
  note text,

  -- The event, for forms and further work.
  act_by_at timestamptz,
  happened_at timestamptz not null,
  event_id text not null,
  event_source text not null,
  event_type text not null,
  event_corrects text,
  inbox_position text not null,
  event jsonb not null,

  -- What the partner has been told so far. The adapter's own: where they differ from the council's word, it has something to tell.
  told_state text,
  told_team text,
  told_reference text,

  unique (event_id, event_source)
);

create index inbound_contact_untold on inbound_contact (contact_id)
  where state is distinct from 'new'
    and (told_state is distinct from state or told_team is distinct from team or told_reference is distinct from reference);

create index inbound_contact_corrects on inbound_contact (event_corrects) where event_corrects is not null;

create index inbound_contact_desk on inbound_contact (state, act_by_at) where standing = 'current';
