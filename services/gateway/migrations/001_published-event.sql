-- What was published over HTTP, so that an event that is sent again is known for a repeat, and other content under the
-- same id is refused. The digest is of the whole event: nothing personal can be read from a row.

create table published_event (
  organisation text not null,
  event_id text not null,
  digest text not null,
  -- Whether the bus has acknowledged it: until then it is sent again when it is asked for again.
  confirmed boolean not null default false,
  published_at timestamptz not null default now(),
  primary key (organisation, event_id)
);

create index published_event_published_at on published_event (published_at);
