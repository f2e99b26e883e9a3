-- Episodes of care of looked-after children, as in the return SSDA903.
--
-- row_id, person_id, changed_at
-- start_date, end_date    DECOM, DEC
-- legal_status            LS
-- optional: start_reason (RNE), end_reason (REC), placement_type (PLACE), placement_provider (PLACE_PROVIDER), placement_postcode,
--   placement_authority (GSS code), team, case_reference, exclude
select
  fact_care_episodes_id as row_id,
  dim_person_id as person_id,
  last_updated_dttm as changed_at,
  care_start_date as start_date,
  care_reason_code as start_reason,
  legal_status_code as legal_status,
  place_code as placement_type,
  place_provider_code as placement_provider,
  place_postcode as placement_postcode,
  place_la_gss_code as placement_authority,
  care_end_date as end_date,
  care_reason_end_code as end_reason,
  dim_department_id_desc as team
from child_social.fact_care_episodes;
