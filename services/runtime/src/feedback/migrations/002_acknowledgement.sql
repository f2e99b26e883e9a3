-- What a recipient said last of an event after it was handed over, so that the same words become one event whatever happens in between.
create table if not exists delivery_acknowledgement (
  organisation text not null,
  partition int not null,
  position bigint not null,
  -- A hash of the words: a reference need not stand here.
  said text not null,
  said_at timestamptz not null,
  published boolean not null default false,
  noted_at timestamptz not null default now(),
  primary key (organisation, partition, position)
);
