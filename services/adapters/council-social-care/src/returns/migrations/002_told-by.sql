-- Which reading of which file said the last of it: a file that a crash interrupts and that is read again counts what it said before as its own.
alter table return_case add column told_by text;
alter table return_child add column told_by text;
alter table return_file add column finished_at timestamptz;
