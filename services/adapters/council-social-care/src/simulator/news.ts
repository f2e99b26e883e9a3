/** What happens in a simulated council: cases begin and end, and some of what was entered was wrong. */
import type pg from 'pg';

type Client = Pick<pg.Client, 'query'>;

/** Writes one thing into the database; false where there is nobody to whom it could happen. */
type Happening = (client: Client) => Promise<boolean>;

const happens =
  (sql: string): Happening =>
  async (client) => {
    const { rowCount } = await client.query(sql);
    return (rowCount ?? 0) > 0;
  };

/** Somebody whom the condition lets, another one each time. */
const somebody = (condition: string): string =>
  `(select person.person_id from casework.person
    where date_of_birth > current_date - interval '17 years' and ${condition} order by random() limit 1)`;

const HAS_NO_PLAN = `not exists (
  select from casework.child_protection_plan as plan
  where plan.person_id = person.person_id and (ended_on is null or started_on = current_date))`;
const IS_IN_CARE =
  'exists (select from casework.care_episode as episode where episode.person_id = person.person_id and ended_on is null)';
const IS_NOT_MISSING =
  'not exists (select from casework.missing_episode as episode where episode.person_id = person.person_id and ended_at is null)';

const enquiryOpened = happens(`
  with referral as (
    insert into casework.referral (person_id, source_code, need_code, duty, accepted_at, outcome, outcome_at, team)
    select person_id, '2A', 'N1', 'S47', clock_timestamp(), 'S47', clock_timestamp(), 'Assessment team south'
    from ${somebody(HAS_NO_PLAN)} as child
    returning referral_id, person_id
  ), enquiry as (
    insert into casework.section47_enquiry (referral_id, person_id, joint, team, comments)
    select referral_id, person_id, case when referral_id % 3 = 0 then 'N' else 'Y' end, 'Assessment team south', 'Invented.' from referral
    returning enquiry_id, person_id
  )
  insert into casework.conference (enquiry_id, person_id, kind, due_on)
  select enquiry_id, person_id, 'ICPC', current_date + 21 from enquiry`);

const planBegun = happens(`
  with plan as (
    insert into casework.child_protection_plan (referral_id, person_id, started_on, initial_category, team)
    select
      (select max(referral_id) from casework.section47_enquiry as enquiry where enquiry.person_id = child.person_id),
      person_id, current_date, (array['NEG', 'EMO', 'PHY'])[1 + floor(random() * 3)::int], 'Child protection north'
    from ${somebody(HAS_NO_PLAN)} as child
    returning plan_id, person_id
  )
  insert into casework.conference (plan_id, person_id, kind, due_on)
  select plan_id, person_id, 'RCPC', current_date + 90 from plan`);

const planEnded = happens(`
  update casework.child_protection_plan set ended_on = current_date, latest_category = initial_category, updated_at = clock_timestamp()
  where plan_id = (
    select plan_id from casework.child_protection_plan where ended_on is null order by started_on, plan_id limit 1)`);

const placementChanged = happens(`
  with ended as (
    update casework.care_episode set ended_on = current_date, end_reason = 'X1', updated_at = clock_timestamp()
    where episode_id = (
      select episode_id from casework.care_episode where ended_on is null and started_on < current_date order by random() limit 1)
    returning *
  )
  insert into casework.care_episode (person_id, started_on, start_reason, legal_status, placement_type, placement_provider,
    placement_postcode, team)
  select person_id, current_date, 'P', legal_status, 'U6', 'PR4', 'WE2 3CD', team from ended`);

const wentMissing = happens(`
  insert into casework.missing_episode (person_id, kind, police_told)
  select person_id, 'M', 'Y' from ${somebody(`${IS_IN_CARE} and ${IS_NOT_MISSING}`)} as child`);

const cameBack = happens(`
  update casework.missing_episode set ended_at = clock_timestamp(), interview_offered = 'Y', updated_at = clock_timestamp()
  where episode_id = (select min(episode_id) from casework.missing_episode where ended_at is null)`);

const contactClosed = happens(`
  insert into casework.contact (person_id, source_code, outcome, outcome_at, team)
  select person_id, '2A', 'NFA', clock_timestamp(), 'Front door' from ${somebody(HAS_NO_PLAN)} as child`);

/** The wrong date, and nobody notes that the row was edited. */
const planCorrected = happens(`
  update casework.child_protection_plan set started_on = started_on - 1
  where plan_id = (select max(plan_id) from casework.child_protection_plan where ended_on is null)`);

/** Opened for the wrong child. */
const enquiryDeleted = happens(`
  delete from casework.section47_enquiry
  where enquiry_id = (select min(enquiry_id) from casework.section47_enquiry where started_at < now() - interval '20 seconds')`);

const numberTraced = happens(`
  update casework.person set nhs_number_verified = 'Y', updated_at = clock_timestamp()
  where person_id = (select min(person_id) from casework.person where nhs_number_verified = 'N' and nhs_number is not null)`);

/** In this order, again and again. */
export const HAPPENINGS: readonly Happening[] = [
  enquiryOpened,
  planBegun,
  wentMissing,
  placementChanged,
  planEnded,
  contactClosed,
  cameBack,
  planCorrected,
  enquiryOpened,
  enquiryDeleted,
  planBegun,
  numberTraced,
];
