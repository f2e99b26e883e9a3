-- One row for each person whose whereabouts, or all of whose data, must not go out.
--
-- row_id, person_id, changed_at
-- restriction    shielded, processing-restricted or objection-upheld; anything else counts as shielded
select
  dim_person_id as row_id,
  dim_person_id as person_id,
  last_updated_dttm as changed_at,
  'shielded' as restriction
from child_social.dim_person
where is_restricted_flag <> 'N' and dim_person_id <> -1;
