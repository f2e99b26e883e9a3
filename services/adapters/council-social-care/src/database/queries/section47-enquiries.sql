-- Enquiries under section 47 of the Children Act 1989.
--
-- row_id, person_id, changed_at
-- started_at    when it began
-- optional: joint (Y: together with the police), conference_due (a date), team, allegation, referral_id, case_reference, exclude
select
  s.fact_s47_id as row_id,
  s.dim_person_id as person_id,
  s.last_updated_dttm as changed_at,
  s.start_dttm as started_at,
  s.joint_investigation_flag as joint,
  (
    select min(c.due_dttm) from child_social.fact_cp_conference c
    where c.fact_s47_id = s.fact_s47_id and c.dim_lookup_mtg_type_id_code = 'ICPC'
  ) as conference_due,
  s.completed_by_dept_name as team,
  s.reason_comments as allegation,
  s.fact_referral_id as referral_id
from child_social.fact_s47 s;
