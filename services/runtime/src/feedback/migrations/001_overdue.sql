-- Events that somebody must have by a certain time: references and times, nothing about the person.

-- One instance at a time watches an inbox.
create table if not exists overdue_watcher (
  organisation text primary key,
  holder text not null,
  lease_until timestamptz not null
);

create table if not exists overdue_head (
  organisation text not null,
  partition int not null,
  -- Everything below has been looked at.
  head bigint not null,
  primary key (organisation, partition)
);

create table if not exists overdue_event (
  organisation text not null,
  partition int not null,
  position bigint not null,
  event_id text not null,
  source text not null,
  event_type text not null,
  subject text not null,
  priority text not null,
  agreement text not null,
  correlation_id text,
  deliver_by timestamptz,
  acknowledge_by timestamptz,
  delivered_at timestamptz,
  acknowledged_at timestamptz,
  -- When it was found to be overdue, why, and what it should have met. Written before the notice is published.
  noticed_at timestamptz,
  reason text,
  due_at timestamptz,
  told boolean not null default false,
  primary key (organisation, partition, position)
);

create index if not exists overdue_event_open on overdue_event (organisation, least(deliver_by, acknowledge_by))
  where not told and acknowledged_at is null;
