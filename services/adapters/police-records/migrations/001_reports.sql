-- What a calling system sent under which key, so that a repeat has the same answer. Hashes of keys and bodies only.
create table idempotency (
  client text not null,
  key text not null,
  body text not null,
  -- Null until it is known.
  status int,
  answer jsonb,
  at timestamptz not null default now(),
  primary key (client, key)
);

create index idempotency_at on idempotency (at);

-- Which record of the RMS an event of ours came from, so that what others say of the event finds its record.
create table own_report (
  event_id text primary key,
  record_id text not null,
  reference text not null,
  at timestamptz not null default now()
);

-- Where the event lies that a task of the RMS was made of, so that what an officer makes of the task finds its source. Written before the
-- task is asked for: an officer can be quicker than we are.
create table task (
  event_id text primary key,
  -- `<partition>-<offset>` in the inbox.
  position text not null,
  at timestamptz not null default now()
);

-- Up to where the outcomes of tasks have been read, in the RMS's own words.
create table outcome_cursor (
  one boolean primary key default true check (one),
  cursor text not null
);
