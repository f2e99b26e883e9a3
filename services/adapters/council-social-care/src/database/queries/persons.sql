-- People of the index. Asked for by person_id, and by changed_at for those who have a case.
--
-- person_id              the system's number of the person; also in every other query, of the same type
-- changed_at             when the row was written last; null where that is not known
-- family_name, given_names, sex (M, F, 1, 2 or words), date_of_birth, expected_date_of_birth
-- nhs_number             ten digits or a number
-- nhs_number_verified    Y only where it was traced; any other number identifies nobody
-- upn
-- restricted             N or nothing: the address may go out. Anything else: it may not
-- address_line_1 … address_line_4, postcode, uprn, local_authority (GSS code)
select
  dim_person_id as person_id,
  last_updated_dttm as changed_at,
  surname as family_name,
  forename as given_names,
  gender_main_code as sex,
  birth_dttm as date_of_birth,
  expected_dob_dttm as expected_date_of_birth,
  nhs_id as nhs_number,
  nhs_id_verified_flag as nhs_number_verified,
  upn,
  is_restricted_flag as restricted,
  address_line_1,
  address_line_2,
  postcode,
  uprn
from child_social.dim_person
where dim_person_id <> -1;
