-- Child protection plans of this authority; not the temporary ones of another.
--
-- row_id, person_id, changed_at
-- plan_type           CPP, or UCP for an unborn child
-- start_date, end_date
-- initial_category    NEG, PHY, SAB, EMO or MUL
-- optional: latest_category, expected_date_of_delivery, next_review_date, team, mother_person_id (of an unborn child), referral_id,
--   case_reference, exclude
select
  p.fact_cp_plan_id as row_id,
  p.dim_person_id as person_id,
  p.last_updated_dttm as changed_at,
  p.plan_type_code as plan_type,
  p.start_dttm as start_date,
  p.end_dttm as end_date,
  p.init_category_code as initial_category,
  p.cp_category_code as latest_category,
  (
    select min(c.due_dttm) from child_social.fact_cp_conference c
    where c.fact_cp_plan_id = p.fact_cp_plan_id and c.meeting_dttm is null and c.dim_lookup_mtg_type_id_code = 'RCPC'
  ) as next_review_date,
  p.dim_department_id_desc as team,
  p.dim_mother_person_id as mother_person_id,
  p.fact_referral_id as referral_id
from child_social.fact_cp_plan p
where p.is_ola <> 'Y';
