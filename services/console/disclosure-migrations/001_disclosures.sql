-- What the ledgers say of every event and every recipient, for searches. A schema of its own: dropping it makes the console
-- build it again from Kafka. Persons are tokens here as everywhere.

-- How far each ledger partition has been taken in. Written in the transaction that takes its records in.
create table chain (
  id smallint generated always as identity primary key,
  topic text not null,
  partition int not null,
  next bigint not null,
  unique (topic, partition)
);

create table event (
  chain smallint not null,
  sequence bigint not null,
  event_id text not null,
  type text not null,
  organisation text not null,
  occurred_at text,
  decided_at timestamptz not null,
  classification text not null,
  value_digest text not null,
  position bigint not null,
  primary key (chain, sequence)
);
create index event_by_id on event (event_id);

create table person (
  token text collate "C" not null,
  chain smallint not null,
  sequence bigint not null,
  -- Whether the person is another one that the event names, not the one it is about.
  other boolean not null,
  primary key (token, chain, sequence)
);

create table disclosure (
  chain smallint not null,
  sequence bigint not null,
  recipient text not null,
  outcome text not null,
  reason text,
  agreements text[] not null,
  view_id int,
  value_digest text,
  decided_at timestamptz not null,
  primary key (chain, sequence, recipient)
);
create index disclosure_by_recipient on disclosure (recipient, decided_at desc);

create table disclosure_agreement (
  agreement text not null,
  decided_at timestamptz not null,
  chain smallint not null,
  sequence bigint not null,
  recipient text not null,
  primary key (agreement, decided_at, chain, sequence, recipient)
);
