-- A redrive whose requester is not known here was stored under another word.
update redrive set asked_by = 'unknown' where asked_by = 'somebody';
