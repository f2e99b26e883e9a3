-- Two periods of one child that begin on one day are two: the number tells them apart.
alter table return_case add column number integer not null default 1;
alter table return_case drop constraint return_case_pkey;
alter table return_case add primary key (kind, child, began, number);

-- What must not be told of a child, as the files said. It is kept for good: what protects a child does not end because no file mentions them.
create table return_protection (
  child text primary key,
  -- Where the child is must not go out.
  restricted boolean not null default false,
  -- Organisations that must not be told, or `all`, separated by spaces.
  exclude text not null default '',
  -- The day from which the child was placed for adoption, and whether the order was made.
  adoption_from text,
  adopted boolean not null default false
);
