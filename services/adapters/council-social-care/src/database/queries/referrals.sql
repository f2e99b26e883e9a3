-- Referrals, and what became of them.
--
-- row_id, person_id, changed_at
-- received_at         when it came
-- accepted_at         when the council took on a duty; nothing while it has not
-- source_code         ReferralSource of the Children in need census, 1A to 10
-- duty                S17, S20, S31 or S47 of the Children Act 1989, S9 or S42 of the Care Act 2014
-- closed_at           when the case was closed
-- outcome, outcome_at, origin_reference    as in contacts.sql
-- optional: need_code (N1 to N9 of the census), team, summary (why the person was referred), advice, case_reference, exclude
select
  fact_referral_id as row_id,
  dim_person_id as person_id,
  last_updated_dttm as changed_at,
  refrl_start_dttm as received_at,
  accepted_dttm as accepted_at,
  dim_lookup_cont_sorc_id_code as source_code,
  dim_lookup_category_of_need_code as need_code,
  duty_code as duty,
  refrl_end_dttm as closed_at,
  outcome_code as outcome,
  outcome_dttm as outcome_at,
  origin_reference,
  dim_department_id_desc as team,
  reason_comments as summary
from child_social.fact_referrals;
