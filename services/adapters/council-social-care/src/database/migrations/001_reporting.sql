-- What the adapter knows of the council's reporting views. `said` and `identity` hold what is needed to withdraw what was said, also of somebody
-- who is gone from the index: codes and dates of cases, names and identifiers, no address and no free text.

create table reporting_view (
  view text primary key,
  -- Part of the events' ids: what is read anew after this table was lost is not taken for what was published before.
  generation text not null,
  -- The council's clock when the adapter first read the view; what was written before is history.
  began_at text not null,
  -- The first whole reading is done.
  complete boolean not null default false,
  -- How far it has been read, as the council's database wrote it.
  mark_changed_at text,
  mark_row_id text,
  swept_at timestamptz
);

create table reporting_row (
  view text not null,
  row_id text not null,
  person_id text not null,
  version int not null,
  hash text not null,
  -- Why the row as it is now says nothing.
  problem text,
  said json,
  stands json,
  renew_on date,
  primary key (view, row_id)
);

create index reporting_row_person on reporting_row (person_id);
create index reporting_row_renew on reporting_row (renew_on) where renew_on is not null;

create table reporting_person (
  person_id text primary key,
  hash text not null,
  identity json not null
);

-- What is to be published, written together with the state that it leads to.
create table reporting_outgoing (
  id bigint generated always as identity primary key,
  message json not null
);

-- A sweep that is under way. Nothing is lost with it: the next one begins anew.
create unlogged table reporting_swept (
  view text not null,
  row_id text not null,
  primary key (view, row_id)
);

create unlogged table reporting_found (
  view text not null,
  row_id text not null,
  row json not null,
  primary key (view, row_id)
);
