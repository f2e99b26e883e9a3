-- What a source remembers: which events it has published, and the last event of each fact about a visit.
-- Neither holds personal data: ids are hashes, visits are tokens.

create table recent_event (
  id text primary key,
  published_at timestamptz not null default now()
);

create index recent_event_published_at on recent_event (published_at);

create table remembered_fact (
  visit text not null,
  fact text not null,
  event_id text not null,
  published_at timestamptz not null default now(),
  primary key (visit, fact)
);

create index remembered_fact_published_at on remembered_fact (published_at);
