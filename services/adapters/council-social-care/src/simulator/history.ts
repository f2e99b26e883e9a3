/** What a simulated council has on its books before anybody looks: children with plans and in care, adults who receive care. */
import {
  EXAMPLE_ADULTS,
  EXAMPLE_CHILDREN,
  type ExamplePerson,
  exampleAdult,
  exampleChild,
} from '@causeway/schemas/identifiers/example-people';
import type pg from 'pg';

type Client = Pick<pg.Client, 'query'>;

/** The adults whom the council knows: every tenth patient of the simulated hospital. */
const KNOWN_ADULTS = Array.from({ length: EXAMPLE_ADULTS / 10 }, (_, index) => 10 * index + 1);

const CHILDREN = Array.from({ length: EXAMPLE_CHILDREN }, (_, n) => n);

const numbered = (people: readonly ExamplePerson[]) => JSON.stringify(people);

/** Long before the adapter first looks, so that it is history to it. */
const LONG_AGO = "now() - interval '40 days'";

const PEOPLE = `
  insert into casework.person (person_id, family_name, given_names, date_of_birth, sex, nhs_number, nhs_number_verified, upn,
    restricted, address_line_1, address_line_2, postcode, updated_at)
  select (p ->> 'councilId')::bigint, p ->> 'familyName', p ->> 'givenName', (p ->> 'dateOfBirth')::date,
    case p ->> 'sex' when 'male' then 'M' else 'F' end, (p ->> 'nhsNumber')::numeric,
    case when n % 25 = 4 then 'N' else 'Y' end, p ->> 'upn', case when n % 40 = 7 then 'Y' else 'N' end,
    p -> 'address' -> 'lines' ->> 0, p -> 'address' -> 'lines' ->> 1, p -> 'address' ->> 'postcode', ${LONG_AGO}
  from jsonb_array_elements($1::jsonb) with ordinality as listed (p, n)`;

/** Of every six children one has a plan, one had one. */
const PLANS = `
  insert into casework.child_protection_plan (person_id, started_on, ended_on, initial_category, latest_category, team, updated_at)
  select id::bigint, current_date - 200 - n::int, case when n % 6 = 2 then current_date - 50 end,
    (array['NEG', 'EMO', 'PHY', 'SAB', 'MUL'])[1 + n % 5], 'NEG', 'Child protection north', ${LONG_AGO}
  from unnest($1::text[]) with ordinality as listed (id, n) where n % 6 in (1, 2)`;

/** Of every eight children one is in care, half of those in a second placement. */
const EPISODES = `
  insert into casework.care_episode (person_id, started_on, start_reason, legal_status, placement_type, placement_provider,
    placement_postcode, ended_on, end_reason, team, updated_at)
  select id::bigint, current_date - days, reason, case when n % 16 = 4 then 'C2' else 'V2' end, place, 'PR1', 'WE1 2AB', until, ending,
    'Looked-after children', ${LONG_AGO}
  from unnest($1::text[]) with ordinality as listed (id, n)
  cross join lateral (values
    (300, 'S', 'U1', case when n % 16 = 4 then current_date - 100 end, case when n % 16 = 4 then 'X1' end),
    (100, 'P', 'K2', null, null)) as episode (days, reason, place, until, ending)
  where n % 8 = 4 and (reason = 'S' or n % 16 = 4)`;

const PACKAGES = `
  insert into casework.care_package (person_id, kind, started_on, updated_at)
  select id::bigint, 'Home care', current_date - 400 - n::int, ${LONG_AGO} from unnest($1::text[]) with ordinality as listed (id, n)`;

/** Fills an empty database; does nothing to one that has people in it. */
export const fillHistory = async (client: Client): Promise<void> => {
  const children = CHILDREN.map(exampleChild);
  const adults = KNOWN_ADULTS.map(exampleAdult);
  await client.query('begin');
  try {
    await client.query('lock table casework.person in exclusive mode');
    const { rowCount } = await client.query('select from casework.person where person_id < 5000000 limit 1');
    if (rowCount === 0) {
      const idsOf = (people: readonly ExamplePerson[]) => people.map(({ councilId }) => councilId);
      await client.query(PEOPLE, [numbered(children)]);
      await client.query(PEOPLE, [numbered(adults)]);
      await client.query(PLANS, [idsOf(children)]);
      await client.query(EPISODES, [idsOf(children)]);
      await client.query(PACKAGES, [idsOf(adults)]);
    }
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
};
