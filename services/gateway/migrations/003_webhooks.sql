-- Standing orders of partners to have their inbox brought to an endpoint. Heads and parked events are the delivery core's.

create table webhook_subscription (
  id text primary key,
  organisation text not null,
  endpoint text not null,
  -- Null: every type.
  types text[],
  filter jsonb,
  status text not null check (status in ('active', 'paused', 'disabled', 'expired')),
  -- Why it was disabled: a stable word.
  reason text,
  expires timestamptz,
  -- Sealed with WEBHOOK_KEY. The previous one signs too until its time.
  secret bytea not null,
  previous_secret bytea,
  previous_until timestamptz,
  created_at timestamptz not null default now(),
  -- Grows with each change, so that every instance takes it up.
  revision bigint not null default 1
);

create index webhook_subscription_organisation on webhook_subscription (organisation);

-- The last tries, for whoever looks for the cause of a failure; `deliveries.<organisation>` keeps them all. `answer`: the first
-- characters of what the endpoint said, without numbers and without any word of the event.
create table webhook_attempt (
  id bigint generated always as identity primary key,
  subscription text not null references webhook_subscription on delete cascade,
  position text not null,
  event_id text,
  event_type text,
  attempt int not null,
  outcome text not null,
  code text not null,
  status text,
  duration_ms int not null,
  answer text,
  at timestamptz not null
);

create index webhook_attempt_subscription on webhook_attempt (subscription, id desc);

-- Which dead letters of `dead-letter.<organisation>` are a subscription's: positions only, the letters stay in Kafka.
create table webhook_dead_letter (
  organisation text not null,
  letter bigint not null,
  subscription text not null,
  partition int not null,
  position bigint not null,
  event_id text,
  event_type text,
  reason text not null,
  at timestamptz not null,
  redriven_at timestamptz,
  primary key (organisation, letter)
);

create index webhook_dead_letter_subscription on webhook_dead_letter (subscription, letter);

create table webhook_dead_letter_head (
  organisation text primary key,
  head bigint not null
);
