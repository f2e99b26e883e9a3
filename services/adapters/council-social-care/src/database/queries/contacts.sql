-- Contacts that did not become a referral: what became of them, for whoever made them.
--
-- row_id, person_id, changed_at
-- outcome             ASSESSMENT, ENQUIRY, EARLY_HELP, SIGNPOSTED, ALREADY_OPEN, NOT_OURS or NFA; nothing while it is open
-- outcome_at          when that was decided
-- origin_reference    the partner's event that was the contact: /<organisation>/<event id>
-- optional: team, advice (goes to whoever made the contact, where an agreement says so), case_reference, exclude
select
  c.fact_contact_id as row_id,
  c.dim_person_id as person_id,
  c.last_updated_dttm as changed_at,
  c.outcome_code as outcome,
  c.outcome_dttm as outcome_at,
  c.origin_reference,
  c.contacted_dept_name as team
from child_social.fact_contacts c
where not exists (
  select 1 from child_social.fact_referrals r where r.fact_contact_id = c.fact_contact_id
);
