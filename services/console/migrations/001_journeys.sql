-- What became of events, as far as ledgers, deliveries and dead letters say it. All of it can be made again from the topics;
-- nothing personal is in it: events, subscriptions and organisations are named by ids.

-- How far each partition has been taken in. Written in the transaction that takes its records in.
create table followed (
  topic text not null,
  partition int not null,
  next bigint not null,
  primary key (topic, partition)
);

-- One event on its way to one recipient to whom it was released.
create table journey (
  source text not null,
  event_id text not null,
  recipient text not null,
  type text not null,
  partition int not null,
  agreements text[] not null,
  priority text,
  act_by timestamptz,
  occurred_at timestamptz,
  released_at timestamptz not null,
  delivered_at timestamptz,
  acknowledged_at timestamptz,
  overdue_told_at timestamptz,
  ended text,
  primary key (source, event_id, recipient)
);
create index journey_undelivered on journey (recipient, partition, released_at) where delivered_at is null and ended is null;
create index journey_pressing on journey (released_at)
  where acknowledged_at is null and (priority = 'immediate' or act_by is not null);
create index journey_by_partition on journey (recipient, partition, released_at);
create index journey_released on journey (released_at);

-- Deliveries and acknowledgements that wait for the journey they belong to: topics are read side by side.
create table outcome (
  source text not null,
  event_id text not null,
  recipient text not null,
  leg text not null,
  at timestamptz not null,
  primary key (source, event_id, recipient, leg)
);

-- Events counted by the time the broker took their decision in. outcome: released, or the reason for withholding.
-- recipient is empty in rows that count each decided event once.
create table flow (
  at timestamptz not null,
  source text not null,
  recipient text not null,
  type text not null,
  outcome text not null,
  events int not null,
  primary key (at, source, recipient, type, outcome)
);

-- How far a subscription, a sink or a pulling client has come in each partition of its inbox.
create table reader (
  organisation text not null,
  name text not null,
  partition int not null,
  pulls boolean not null,
  through timestamptz not null,
  last_at timestamptz not null,
  last_code text not null,
  primary key (organisation, name, partition)
);
create table reader_type (
  organisation text not null,
  name text not null,
  type text not null,
  primary key (organisation, name, type)
);

-- Deliveries that are being tried again.
create table open_delivery (
  organisation text not null,
  name text not null,
  position text not null,
  source text,
  event_id text,
  type text,
  since timestamptz not null,
  attempts int not null,
  code text not null,
  primary key (organisation, name, position)
);

create table lag_sample (
  at timestamptz not null,
  organisation text not null,
  kind text not null,
  name text not null,
  events bigint not null,
  seconds double precision not null,
  primary key (kind, organisation, name, at)
);
create index lag_sample_at on lag_sample (at);

create table dead_letter (
  organisation text not null,
  "offset" bigint not null,
  at timestamptz not null,
  component text not null,
  reason text not null,
  origin text not null,
  attempts int not null,
  content_type text,
  type text,
  source text,
  bytes int not null,
  state text not null default 'waiting',
  primary key (organisation, "offset")
);
create index dead_letter_groups on dead_letter (organisation, state, component, reason);
create index dead_letter_at on dead_letter (at desc, organisation, "offset");

create table redrive (
  id text primary key,
  organisation text not null,
  dead_letter bigint not null,
  batch text not null,
  asked_by text not null,
  reason text not null,
  asked_at timestamptz not null,
  outcome text,
  code text,
  settled_at timestamptz
);
create index redrive_of on redrive (organisation, dead_letter, asked_at desc);
create index redrive_batch on redrive (batch);

-- How long events took, per agreement: counts in buckets of a quarter of a power of two seconds.
create table duration_day (
  agreement text not null,
  day date not null,
  leg text not null,
  bucket int not null,
  events int not null,
  primary key (agreement, day, leg, bucket)
);

create table release_month (
  agreement text not null,
  month date not null,
  events int not null,
  primary key (agreement, month)
);
