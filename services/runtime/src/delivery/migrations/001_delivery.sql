-- What a delivery remembers, as references to positions in an inbox: never a payload, never anything personal.

-- One row for each subscription and partition of its inbox; whoever holds the lease works it.
create table if not exists delivery_head (
  subscription text not null,
  partition int not null,
  -- Everything below has been delivered, passed over, dead-lettered or parked.
  head bigint not null,
  -- Grows with every change of hands: who writes under an older one is not the holder any more.
  epoch bigint not null default 0,
  holder text,
  lease_until timestamptz not null default '-infinity',
  primary key (subscription, partition)
);

-- Events that wait for another try, or behind one that does.
create table if not exists delivery_parked (
  subscription text not null,
  partition int not null,
  position bigint not null,
  event_id text not null,
  event_type text not null,
  subject text not null,
  priority text not null,
  corrects text,
  since timestamptz not null,
  tries int not null default 0,
  first_try timestamptz,
  due timestamptz,
  -- Offset of the dead letter that holds the record, where it was brought back by a redrive, and the request.
  letter bigint,
  redrive text,
  primary key (subscription, partition, position)
);

-- Dead letters that were asked to be tried again, until the holder of the partition takes them over.
create table if not exists delivery_redrive (
  subscription text not null,
  partition int not null,
  position bigint not null,
  letter bigint not null,
  request text not null,
  primary key (subscription, partition, position)
);

create table if not exists delivery_circuit (
  subscription text primary key,
  open_until timestamptz,
  opens int not null default 0
);

-- Who works here, so that each takes its share.
create table if not exists delivery_instance (
  instance text primary key,
  seen_at timestamptz not null
);
