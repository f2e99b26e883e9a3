-- The newest failures are read from its end, instead of sorting all of them for a page.
drop index dead_letter_at;
create index dead_letter_newest on dead_letter (at, organisation, "offset");
