/**
 * A council's front door: it looks at what came into `inbound_contact`, says that it has seen it, and a few seconds later what it makes of
 * it. For a child whom it takes on it opens a referral in the case-management system, and decides on it after a while.
 * As a program it does so for ever, well or badly as its setting says, and shows at `GET /` what lies on its desk, at `GET /contacts` the same as JSON.
 */
import { createServer, type Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { errorCode } from '@causeway/runtime/errors';
import { connectDatabase, type Database, type Query } from '@causeway/runtime/postgres/database';
import { choice, integer, loadConfig, port, serviceSettings, url } from '@causeway/runtime/service/config';
import { createLogger } from '@causeway/runtime/telemetry/log';
import { isRecord, isText } from '../contacts/wording.ts';
import { prepareCouncilDatabase } from './prepare.ts';
import { prepareContactTable, refuseRealDatabase } from './prepare-contacts.ts';

/**
 * `late`: it commits an answer seconds after it wrote it. `odd`: it writes words that are none of the list first. `silent`: it says nothing.
 * `locked`: somebody reorganises the table for some seconds.
 */
export type DeskBehaviour = 'well' | 'late' | 'odd' | 'silent' | 'locked';

type DeskOptions = {
  database: Database;
  /** Each after the one before, milliseconds: seen, answered, and for a referral decided. */
  pauseMs: number;
  behave?(): DeskBehaviour;
  heard?(what: string, contactId: number): void;
};

const LATE_MS = 3_000;
const AT_ONCE = 50;
const CHILDRENS_DOOR = "Children's services front door";
const ADULTS_DOOR = 'Adult social care front door';
const ASSESSMENT = 'Assessment team north';
const OUTCOMES = ['assessment', 'assessment', 'enquiry', 'early_help', 'signposted'];

type Contact = { contact_id: number; event_id: string; event_source: string; event: { data?: unknown } };

/** One look at the desk: everything that is due. @throws RetryableError */
export const workTheDesk = async (options: DeskOptions): Promise<void> => {
  const behaviour = options.behave?.() ?? 'well';
  if (behaviour === 'silent') return;
  if (behaviour === 'locked') return lockTheTable(options.database);
  await options.database.transaction(async (query) => {
    await see(query, options, behaviour);
    await answer(query, options);
    await decide(query, options);
    if (behaviour === 'late') await delay(LATE_MS);
  });
};

const see = async (query: Query, { heard }: DeskOptions, behaviour: DeskBehaviour): Promise<void> => {
  const rows = await query<{ contact_id: number }>(
    `update inbound_contact set state = $1 where contact_id in
       (select contact_id from inbound_contact where state = 'new' or ($1 = 'seen' and state = 'On my desk')
        order by act_by_at nulls last, contact_id limit ${AT_ONCE} for update skip locked)
     returning contact_id`,
    [behaviour === 'odd' ? 'On my desk' : 'seen'],
  );
  for (const { contact_id } of rows) heard?.(behaviour === 'odd' ? 'odd' : 'seen', contact_id);
};

const answer = async (query: Query, { pauseMs, heard }: DeskOptions): Promise<void> => {
  const rows = await query<Contact>(
    `select contact_id, event_id, event_source, event from inbound_contact
     where state = 'seen' and standing = 'current' and received_at < now() - $1 * interval '1 millisecond'
     order by contact_id limit ${AT_ONCE} for update skip locked`,
    [pauseMs],
  );
  for (const contact of rows) {
    const ours = contact.contact_id % 6 !== 0;
    const children = ours ? childrenIn(contact.event.data) : [];
    const referrals: number[] = [];
    for (const child of children) referrals.push(await openReferral(query, contact, child));
    const reference = referrals[0] === undefined ? `C-${contact.contact_id}` : `R-${referrals[0]}`;
    await query('update inbound_contact set state = $2, team = $3, reference = $4 where contact_id = $1', [
      contact.contact_id,
      ours ? 'accepted' : 'not-ours',
      isRecord(contact.event.data) && contact.event.data.personCategory === 'adult'
        ? ADULTS_DOOR
        : CHILDRENS_DOOR,
      reference,
    ]);
    heard?.(ours ? 'accepted' : 'not-ours', contact.contact_id);
  }
};

type Child = { familyName: string; givenName: string; dateOfBirth: string };

/** The child who is the subject, or the children of the household; without name and date of birth nobody can be found. */
const childrenIn = (data: unknown): Child[] => {
  if (!isRecord(data)) return [];
  const listed = Array.isArray(data.children) ? data.children.filter(isRecord) : [];
  const subjects = data.personCategory === 'child' ? [data] : [];
  return [...subjects, ...listed].flatMap(({ person }) => {
    const { name, dateOfBirth } = isRecord(person) ? person : {};
    const born = isRecord(dateOfBirth) ? dateOfBirth.value : undefined;
    if (!isRecord(name) || !isText(name.familyName) || !isText(born) || !/^\d{4}-\d\d-\d\d$/.test(born))
      return [];
    const given = Array.isArray(name.givenNames) ? name.givenNames[0] : undefined;
    return [{ familyName: name.familyName, givenName: isText(given) ? given : '', dateOfBirth: born }];
  });
};

const openReferral = async (query: Query, contact: Contact, child: Child): Promise<number> => {
  const source = /^\/[^/]+\/nhs/.test(contact.event_source) ? '3E' : '6';
  const origin = `/${contact.event_source.split('/')[1]}/${contact.event_id}`;
  const [opened] = await query<{ referral_id: number }>(
    `insert into casework.referral (person_id, source_code, need_code, accepted_at, origin_reference, team)
     values ($1, $2, 'N1', clock_timestamp(), $3, $4) returning referral_id`,
    [await personIdOf(query, child), source, origin, ASSESSMENT],
  );
  return opened?.referral_id ?? 0;
};

/** Somebody whom the council does not know yet is put into its records, by what the partner said. */
const personIdOf = async (query: Query, { familyName, givenName, dateOfBirth }: Child): Promise<number> => {
  const [known] = await query<{ person_id: number }>(
    `select person_id from casework.person
     where lower(family_name) = lower($1) and lower(given_names) like lower($2) || '%' and date_of_birth = $3 order by person_id`,
    [familyName, givenName, dateOfBirth],
  );
  if (known !== undefined) return known.person_id;
  const [added] = await query<{ person_id: number }>(
    `insert into casework.person (person_id, family_name, given_names, date_of_birth)
     select greatest(coalesce(max(person_id), 0), $4) + 1, $1, $2, $3 from casework.person returning person_id`,
    [familyName, givenName, dateOfBirth, FIRST_NEW_PERSON],
  );
  return added?.person_id ?? 0;
};

const FIRST_NEW_PERSON = 5_000_000;

/** Of the referrals that began as a partner's event. */
const decide = async (query: Query, { pauseMs, heard }: DeskOptions): Promise<void> => {
  const rows = await query<{ referral_id: number }>(
    `update casework.referral set outcome = ($2::text[])[1 + referral_id % ${OUTCOMES.length}],
       outcome_at = clock_timestamp(), updated_at = clock_timestamp()
     where origin_reference is not null and outcome is null and accepted_at < now() - $1 * interval '1 millisecond'
     returning referral_id`,
    [pauseMs, OUTCOMES],
  );
  for (const { referral_id } of rows) heard?.('decided', referral_id);
};

const lockTheTable = (database: Database): Promise<void> =>
  database.transaction(async (query) => {
    await query('lock table inbound_contact in access exclusive mode');
    await delay(LATE_MS);
  });

const SHOWN = `
  select contact_id, state, priority, act_by, act_by_at, person_name, date_of_birth, summary, ring, handling, match, received_from, received_at,
    standing, corrected_by, corrects, team, reference, note, event_id, event_type
  from inbound_contact order by contact_id desc limit 200`;

type Shown = Record<string, string | number | null>;

const lineOf = (row: Shown): string =>
  [
    `#${row.contact_id} ${row.state}${row.reference === null ? '' : ` (${row.team}, ${row.reference})`}`,
    row.standing === 'current' ? row.priority : `${row.standing} by #${row.corrected_by}`,
    row.act_by_at === null ? null : `act by ${row.act_by}`,
    `${row.person_name}, born ${row.date_of_birth}`,
    row.summary,
    `ring ${row.ring}`,
    `match: ${row.match}`,
  ]
    .filter((part) => part !== null)
    .join(' | ');

/** The desk as somebody would look at it; nobody in it exists, so it asks nobody who they are. */
export const showTheDesk = (database: Pick<Database, 'query'>): Server =>
  createServer(async (request, response) => {
    try {
      const rows = await database.query<Shown>(SHOWN);
      const isJson = request.url === '/contacts';
      response.writeHead(200, {
        'content-type': isJson ? 'application/json' : 'text/plain; charset=utf-8',
        'cache-control': 'no-store',
      });
      response.end(isJson ? JSON.stringify(rows) : `${rows.map(lineOf).join('\n')}\n`);
    } catch {
      response.writeHead(503).end();
    }
  });

const settings = {
  ...serviceSettings,
  COUNCIL_DATABASE_URL: url(),
  COUNCIL_SOCIAL_CARE_DESK_PORT: port(8088),
  COUNCIL_SOCIAL_CARE_DESK_BEHAVIOUR: choice(['well', 'late', 'odd', 'silent', 'locked', 'random'], 'well'),
  COUNCIL_SOCIAL_CARE_DESK_PAUSE_MS: integer(3_000, { min: 0, max: 3_600_000 }),
};

const ANY: readonly DeskBehaviour[] = ['well', 'well', 'well', 'late', 'odd', 'silent', 'locked'];
const LOOK_MS = 1_000;

if (import.meta.main) {
  const config = loadConfig(settings);
  const log = createLogger('council-social-care-sink-simulator', config.LOG_LEVEL);
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => stop.abort());
  const { COUNCIL_SOCIAL_CARE_DESK_BEHAVIOUR: behaviour } = config;
  const database = connectDatabase({
    url: config.COUNCIL_DATABASE_URL,
    schema: 'public',
    connections: 2,
    log,
  });
  await refuseRealDatabase(database);
  await prepareCouncilDatabase(config.COUNCIL_DATABASE_URL);
  await prepareContactTable(database);
  const server = showTheDesk(database).listen(config.COUNCIL_SOCIAL_CARE_DESK_PORT, '127.0.0.1');
  log.info(
    { event: 'simulator.started', port: config.COUNCIL_SOCIAL_CARE_DESK_PORT },
    'simulated desk running',
  );
  while (!stop.signal.aborted) {
    await workTheDesk({
      database,
      pauseMs: config.COUNCIL_SOCIAL_CARE_DESK_PAUSE_MS,
      behave: () =>
        behaviour === 'random' ? (ANY[Math.floor(Math.random() * ANY.length)] ?? 'well') : behaviour,
      heard: (what, number) => log.debug({ what, number }, 'the simulated front door did something'),
    }).catch((error) =>
      log.warn(
        { event: 'simulator.retrying', code: errorCode(error) },
        'the simulated desk failed; retrying',
      ),
    );
    await delay(LOOK_MS, undefined, { signal: stop.signal }).catch(() => undefined);
  }
  server.close();
  await database.close();
  process.exit(0);
}
