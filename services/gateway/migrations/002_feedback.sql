-- Where in an organisation's inbox the feedback on one of its events lies. The feedback itself stays in the inbox.

create table feedback_position (
  organisation text not null,
  partition int not null,
  position bigint not null,
  -- The organisation's own event that is answered.
  event_id text not null,
  primary key (organisation, partition, position)
);

create index feedback_position_event on feedback_position (organisation, event_id);

-- Everything below has been looked at.
create table feedback_head (
  organisation text not null,
  partition int not null,
  head bigint not null,
  primary key (organisation, partition)
);
