-- Up to where acknowledgements that were given elsewhere have been heard in `deliveries.<organisation>`.
create table if not exists overdue_heard (
  organisation text not null,
  partition int not null,
  head bigint not null,
  primary key (organisation, partition)
);
