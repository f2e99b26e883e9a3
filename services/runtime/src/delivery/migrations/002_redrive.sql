-- Up to which request in `redrive.<organisation>` the work is done.
create table if not exists redrive_position (
  organisation text not null,
  component text not null,
  next bigint not null,
  primary key (organisation, component)
);
