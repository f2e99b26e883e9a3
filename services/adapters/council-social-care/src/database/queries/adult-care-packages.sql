-- Care and support that adults receive. No event tells of it: it is why the council knows the person.
--
-- row_id, person_id, changed_at
-- start_date, end_date
select
  fact_care_package_id as row_id,
  dim_person_id as person_id,
  last_updated_dttm as changed_at,
  start_dttm as start_date,
  end_dttm as end_date
from adult_social.fact_care_packages;
