-- What the file source remembers of the council's returns: who a child is, and what was last said about each case. Children are tokens here;
-- dates, codes, postcodes and pupil numbers are not, so the table is for the council's own database only.

create table return_child (
  child text primary key,
  sex text,
  born text,
  upn text,
  seen_at timestamptz not null default now()
);

create table return_case (
  kind text not null,
  child text not null,
  -- When it began, as the last file said; with the child, what names it in a file.
  began text not null,
  -- What names it towards partners, for good.
  reference text not null,
  -- What was said of its beginning and end; null: nothing yet.
  start_said jsonb,
  end_said jsonb,
  -- Whether that was said as history.
  start_history boolean not null default false,
  end_history boolean not null default false,
  -- How often something was said: what is said again after it was taken back is another event.
  said integer not null default 0,
  seen_at timestamptz not null default now(),
  primary key (kind, child, began)
);

create index return_case_seen_at on return_case (seen_at);

-- When a file was first begun: what is said because of it has this time, also when a crash makes it be read again.
create table return_file (
  file text primary key,
  first_read_at timestamptz not null default now()
);
