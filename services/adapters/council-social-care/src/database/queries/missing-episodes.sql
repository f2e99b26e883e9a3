-- Times when a looked-after child was missing or away without authorisation.
--
-- row_id, person_id, changed_at
-- kind                    M or Missing, A or Absent
-- started_at, ended_at    a time, or a day where no time is known
-- optional: interview_offered, interview_accepted (Y or N), police_told (Y or N), police_reference, placement_authority (GSS code),
--   circumstances, case_reference, exclude
select
  fact_missing_person_id as row_id,
  dim_person_id as person_id,
  last_updated_dttm as changed_at,
  missing_status as kind,
  start_dttm as started_at,
  end_dttm as ended_at,
  return_interview_offered as interview_offered,
  return_interview_accepted as interview_accepted,
  police_notified as police_told,
  police_reference
from child_social.fact_missing_person;
