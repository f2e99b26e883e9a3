-- Which of an organisation's systems sent it: two adapters of one organisation are told apart by it.
alter table flow add column system text not null default '';
alter table flow drop constraint flow_pkey;
alter table flow add primary key (at, source, system, recipient, type, outcome);

-- When a request was put into its topic. Asked and not sent is sent again with the same id until it is there.
alter table redrive add column sent_at timestamptz;
update redrive set sent_at = asked_at;
create index redrive_unsent on redrive (asked_at) where sent_at is null;

-- What organisations say of people: by the case that they call it, never by the tokens that it is about.
create table person_case (
  organisation text not null,
  kind text not null,
  key text not null,
  writer text not null,
  reference text not null,
  reason text not null,
  since date not null,
  until date,
  -- Of an interest the last day on which it counts, of a safeguard the day on which somebody has to look at it again.
  ends date not null,
  published_at timestamptz not null,
  primary key (organisation, kind, key)
);
create index person_case_newest on person_case (organisation, kind, published_at desc, key);
