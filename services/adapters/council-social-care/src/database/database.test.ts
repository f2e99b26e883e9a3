import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createTokeniser } from '@causeway/runtime/bus/pseudonyms';
import { topicsOf } from '@causeway/runtime/bus/topics';
import { parseInterest } from '@causeway/runtime/reference-data/interests';
import { parseSafeguard } from '@causeway/runtime/reference-data/safeguards';
import { exampleChild } from '@causeway/schemas/identifiers/example-people';
import { createTestBus, type TestBus } from '@causeway/testing/bus';
import {
  adapterOf,
  addChild,
  createTestCouncil,
  createTestPoll,
  outboxOf,
  shareEverything,
  shortType,
  startAdapter,
  type TestAdapter,
  type TestCouncil,
  type TestPoll,
  until,
} from './testing.ts';

const PLANS = 'child-protection-plans';
const BEGUN = 'child-protection-plan.begun';
const ENDED = 'child-protection-plan.ended';
const idOf = (n: number) => exampleChild(n).councilId;

describe('a council database that is polled', { timeout: 120_000 }, () => {
  let bus: TestBus;
  let council: TestCouncil;
  let adapter: TestAdapter;
  let poll: TestPoll;
  const organisation = () => bus.organisations[0] ?? '';
  const outbox = () => outboxOf(bus, organisation());
  const eventsOf = async (n: number) =>
    (await outbox()).filter(({ data }) => data.person.identifiers.localId === idOf(n));
  /** What was said about a child, in order. */
  const saidOf = async (n: number) => (await eventsOf(n)).map(shortType);
  const interestsOf = async (n: number) => {
    const tokeniser = createTokeniser(Buffer.from(adapter.env.PARTNERSHIP_KEY ?? ''));
    const token = tokeniser.local(organisation(), 'person', idOf(n));
    const records = await bus.records(topicsOf(organisation()).interests);
    const latest = new Map(
      records.map(({ key, value, timestamp }) => [String(key), value && parseInterest(value, timestamp)]),
    );
    return [...latest.values()].flatMap((interest) => (interest?.tokens.includes(token) ? [interest] : []));
  };
  const safeguards = async () =>
    (await bus.records(topicsOf(organisation()).safeguards)).map(
      ({ value }) => value && parseSafeguard(value),
    );
  const deadLetters = async () =>
    (await bus.records(topicsOf(organisation()).deadLetter)).map(({ headers, value }) => ({
      reason: String(headers['dl-reason']),
      letter: JSON.parse(String(value)),
    }));
  const addPlan = (planId: number, n: number, startedOn = '2026-03-02', category = 'NEG') =>
    council.query(
      'insert into casework.child_protection_plan (plan_id, person_id, started_on, initial_category) values ($1, $2, $3, $4)',
      [planId, idOf(n), startedOn, category],
    );
  /** As the system writes it, with a new time. */
  const editPlan = (planId: number, change: string) =>
    council.query(
      `update casework.child_protection_plan set ${change}, updated_at = clock_timestamp() where plan_id = $1`,
      [planId],
    );

  before(async () => {
    [bus, council] = await Promise.all([createTestBus(1), createTestCouncil()]);
    await shareEverything(bus, organisation());
    adapter = adapterOf(bus, organisation(), council);
    for (let n = 1; n <= 40; n += 1) await addChild(council, n, n === 9 ? { restricted: 'Y' } : {});
    await addPlan(7, 1);
    await editPlan(7, 'ended_on = null');
    poll = await createTestPoll(bus, adapter);
    await poll.sweep();
  });
  after(async () => {
    await poll?.close();
    await Promise.all([council?.drop(), bus?.close()]);
  });

  it('publishes what was there before it as history, and the open case as an interest', async () => {
    const [plan] = await eventsOf(1);
    assert.equal(plan && shortType(plan), BEGUN);
    assert.equal(plan?.event.replay, true);
    assert.equal(plan?.data.cppStartDate, '2026-03-02');
    // NHS number, pupil number, and name with date of birth.
    assert.equal(plan?.event.tokens.length, 3);
    const [interest] = await interestsOf(1);
    assert.equal(interest?.reason, 'child-protection-plan');
    assert.equal(interest?.since, '2026-03-02');
    assert.equal(interest?.until, undefined);
  });

  it('says a new plan as news, its end, and that the end was a mistake, and keeps the interest in step', async () => {
    await addPlan(20, 2);
    await poll.changes(PLANS);
    await editPlan(20, "ended_on = '2026-06-01', latest_category = 'EMO'");
    await poll.changes(PLANS);
    assert.equal((await interestsOf(2))[0]?.until, '2026-06-01');
    await editPlan(20, 'ended_on = null');
    await poll.changes(PLANS);
    assert.deepEqual(await saidOf(2), [BEGUN, ENDED, 'child-protection-plan-end.voided']);
    const [begun, ended, voided] = await eventsOf(2);
    assert.equal(begun?.event.replay, false);
    assert.equal(ended?.data.latestCategoryOfAbuse, 'EMO');
    assert.equal(voided?.event.corrects, ended?.event.id);
    assert.deepEqual(voided?.data.voids, { caseReference: 'CPP-20', fact: 'child-protection-plan-end' });
    assert.deepEqual(
      (await interestsOf(2)).map((interest) => interest.until),
      [undefined],
    );
  });

  it('notices an edit that leaves the time of the row as it was, and says how the case stands now', async () => {
    await addPlan(30, 3);
    await poll.changes(PLANS);
    await council.query(
      "update casework.child_protection_plan set started_on = '2026-02-02' where plan_id = 30",
    );
    await poll.sweep(PLANS);
    await editPlan(30, "ended_on = '2026-06-01', initial_category = 'EMO'");
    await poll.changes(PLANS);
    await editPlan(30, "ended_on = '2026-06-02'");
    await poll.changes(PLANS);
    const corrected = 'child-protection-plan.corrected';
    assert.deepEqual(await saidOf(3), [BEGUN, corrected, corrected, ENDED, corrected]);
    const [begun, first, second, ended, third] = await eventsOf(3);
    assert.equal(first?.event.corrects, begun?.event.id);
    assert.equal(first?.data.cppStartDate, '2026-02-02');
    assert.equal(second?.event.corrects, first?.event.id);
    assert.equal(second?.data.initialCategoryOfAbuse, 'EMO');
    assert.equal(third?.event.corrects, ended?.event.id);
    assert.deepEqual(
      [third?.data.cppStartDate, third?.data.cppEndDate, third?.data.initialCategoryOfAbuse],
      ['2026-02-02', '2026-06-02', 'EMO'],
    );
    // A team that changes makes nothing wrong that was said.
    await editPlan(30, "team = 'South'");
    await poll.changes(PLANS);
    assert.equal((await saidOf(3)).length, 5);
  });

  it('withdraws what a deleted row had said, the last thing first, and takes the interest back', async () => {
    await council.query(
      "insert into casework.care_episode (episode_id, person_id, started_on, start_reason, legal_status, ended_on, end_reason) values (40, $1, '2026-01-05', 'S', 'C2', '2026-05-01', 'E4A')",
      [idOf(4)],
    );
    await addPlan(41, 4);
    await poll.changes();
    assert.equal((await interestsOf(4)).length, 1);
    await council.query('delete from casework.care_episode where episode_id = 40');
    await council.query('delete from casework.child_protection_plan where plan_id = 41');
    await poll.changes();
    const said = [BEGUN, 'care-episode.begun', 'care-episode.ended'];
    assert.deepEqual(await saidOf(4), said);
    await poll.sweep();
    assert.deepEqual(await saidOf(4), [
      ...said,
      'child-protection-plan.voided',
      'care-episode-end.voided',
      'care-episode.voided',
    ]);
    assert.deepEqual(await interestsOf(4), []);
  });

  it('tells a row about the wrong person from one with wrong values', async () => {
    await council.query(
      "insert into casework.section47_enquiry (enquiry_id, person_id, joint) values (50, $1, 'Y')",
      [idOf(5)],
    );
    await poll.changes();
    await council.query(
      'update casework.section47_enquiry set person_id = $1, updated_at = clock_timestamp() where enquiry_id = 50',
      [idOf(6)],
    );
    await poll.changes();
    assert.deepEqual(await saidOf(5), ['section47-enquiry.opened', 'section47-enquiry.voided']);
    assert.deepEqual(await saidOf(6), ['section47-enquiry.opened']);
    const [opened, voided] = await eventsOf(5);
    assert.equal(voided?.data.reason, 'wrong_person');
    assert.equal(voided?.event.corrects, opened?.event.id);
    assert.deepEqual(opened?.event.handling, ['do-not-tell-alleged-person']);
  });

  it('answers whoever made the contact, and corrects the answer', async () => {
    const origin = '/westshire-police/AAAAAAAAAAAAAAAAAAAAAA';
    await council.query(
      "insert into casework.referral (referral_id, person_id, source_code, need_code, accepted_at, origin_reference, outcome, outcome_at) values (60, $1, '6', 'N1', now(), $2, 'ASSESSMENT', now())",
      [idOf(7), origin],
    );
    await poll.changes();
    await council.query(
      "update casework.referral set outcome = 'NFA', updated_at = clock_timestamp() where referral_id = 60",
    );
    await poll.changes();
    await council.query("update casework.referral set outcome = 'S47' where referral_id = 60");
    await poll.sweep();
    assert.deepEqual(await saidOf(7), [
      'safeguarding-referral.accepted',
      'safeguarding-referral-outcome.recorded',
      'safeguarding-referral-outcome.corrected',
      'safeguarding-referral-outcome.corrected',
    ]);
    const [accepted, recorded, corrected, again] = await eventsOf(7);
    assert.equal(accepted?.event.inResponseTo, origin);
    assert.equal(recorded?.event.inResponseTo, origin);
    assert.equal(recorded?.data.respondsTo, 'AAAAAAAAAAAAAAAAAAAAAA');
    assert.equal(corrected?.event.corrects, recorded?.event.id);
    assert.equal(corrected?.data.outcome, 'no_further_action');
    assert.equal(again?.event.corrects, corrected?.event.id);
    assert.equal(again?.event.correlationId, accepted?.event.correlationId);
  });

  it('keeps the place of a restricted person, says so to everybody, and drops what is about nobody', async () => {
    await council.query(
      "insert into casework.care_episode (person_id, started_on, legal_status, placement_postcode) values ($1, '2026-01-05', 'C2', 'WE1 1AA'), (-1, '2026-01-05', 'C2', 'WE1 1AA'), ($2, '2026-01-05', 'C2', 'WE1 1AA')",
      [idOf(9), idOf(10)],
    );
    const count = (await outbox()).length;
    await poll.changes();
    assert.equal((await outbox()).length, count + 2);
    const [hidden] = await eventsOf(9);
    const [open] = await eventsOf(10);
    assert.equal(hidden?.data.person.address, null);
    assert.equal(hidden?.data.placementPostcode, null);
    assert.equal(open?.data.placementPostcode, 'WE1 1AA');
    assert.deepEqual(open?.data.person.address?.lines, [exampleChild(10).address.lines[0]]);
    assert.deepEqual(
      (await safeguards()).map((one) => one?.kind),
      ['shielded'],
    );
    await council.query("update casework.person set restricted = 'N' where person_id = $1", [idOf(9)]);
    await poll.sweep();
    assert.equal((await safeguards()).at(-1), null);
  });

  it('keeps a row that it cannot read, and publishes it when it is mended', async () => {
    await addPlan(80, 11, '2026-03-02', 'XXX');
    await addPlan(81, 12);
    await poll.changes();
    await poll.sweep();
    assert.deepEqual(await saidOf(12), [BEGUN]);
    const [kept] = await deadLetters();
    assert.equal(kept?.reason, 'unknown-code');
    assert.equal(kept?.letter.row_id, '80');
    assert.match(kept?.letter.why, /initial_category/);
    assert.equal(await poll.again(PLANS, '80'), 'unknown-code');
    await assert.rejects(() => poll.again(PLANS, '8000'), { code: 'row-gone' });
    await council.query(
      "update casework.child_protection_plan set initial_category = 'PHY' where plan_id = 80",
    );
    assert.equal(await poll.again(PLANS, '80'), null);
    await poll.sweep(PLANS);
    assert.deepEqual(await saidOf(11), [BEGUN]);
    assert.equal((await deadLetters()).length, 1);
  });

  it('waits for a person who is not in the index yet', async () => {
    await addPlan(90, 50);
    await poll.changes();
    assert.equal((await deadLetters()).at(-1)?.reason, 'no-person');
    await addChild(council, 50);
    await poll.changes();
    assert.deepEqual(await saidOf(50), [BEGUN]);
  });

  it('says an interest again when the number of its person was traced', async () => {
    await addChild(council, 51, { nhs_number_verified: 'N' });
    await addPlan(91, 51);
    await poll.changes();
    assert.deepEqual(
      (await interestsOf(51)).map(({ tokens }) => tokens.length),
      [2],
    );
    await council.query(
      "update casework.person set nhs_number_verified = 'Y', updated_at = clock_timestamp() where person_id = $1",
      [idOf(51)],
    );
    await poll.changes();
    assert.deepEqual(
      (await interestsOf(51)).map(({ tokens }) => tokens.length),
      [3],
    );
  });

  it('says the plan of an unborn child so that whoever meets the mother is known to', async () => {
    await council.query(
      "insert into casework.person (person_id, family_name, expected_date_of_birth) values (77, 'Exampleton', '2027-01-20')",
    );
    await council.query(
      "insert into casework.child_protection_plan (plan_id, person_id, mother_person_id, kind, started_on, initial_category) values (92, 77, $1, 'UCP', '2026-09-01', 'NEG')",
      [idOf(40)],
    );
    await poll.changes();
    const plan = (await outbox()).find(({ data }) => data.caseReference === 'CPP-92');
    assert.equal(plan?.data.personCategory, 'unborn');
    assert.equal(plan?.data.mother?.identifiers.nhsNumber, exampleChild(40).nhsNumber);
    const [interest] = await interestsOf(40);
    assert.equal(interest?.reason, 'unborn-child-protection-plan');
  });

  it('says what is planned once its day has come', async () => {
    await council.query(
      "insert into casework.child_protection_plan (plan_id, person_id, started_on, initial_category) values (93, $1, current_date + 3, 'NEG'), (94, $1, '2026-01-01', 'NEG')",
      [idOf(39)],
    );
    await editPlan(94, 'ended_on = current_date + 3');
    await poll.changes();
    const plans = (await eventsOf(39)).map(({ event, data }) => [
      event.type.split('.')[4],
      data.caseReference,
    ]);
    assert.deepEqual(plans, [['begun', 'CPP-94']]);
  });

  it('misses nothing of many rows with one time, whatever the size of its pages', async () => {
    const count = (await outbox()).length;
    await council.query(
      `insert into casework.child_protection_plan (plan_id, person_id, started_on, initial_category, updated_at)
       select 2000 + n, $1, '2026-03-02', 'NEG', now() from generate_series(1, 45) as n`,
      [idOf(38)],
    );
    await poll.changes();
    assert.equal((await outbox()).length, count + 45);
    // Behind the mark already, and with the time that the mark has.
    await council.query(
      `insert into casework.child_protection_plan (plan_id, person_id, started_on, initial_category, updated_at)
       select 100 + n, $1, '2026-03-02', 'NEG', (select max(updated_at) from casework.child_protection_plan) - (n - 1) * interval '1 second'
       from generate_series(1, 5) as n`,
      [idOf(38)],
    );
    await poll.changes();
    assert.equal((await outbox()).length, count + 50);
  });

  it('withdraws nothing where most of a view is gone, says so, and goes on when it is back', async () => {
    const count = (await outbox()).length;
    await council.query('create table casework.away as select * from casework.child_protection_plan');
    await council.query('delete from casework.child_protection_plan where plan_id > 20');
    await assert.rejects(() => poll.sweep(PLANS), { code: 'view-shrunk' });
    await council.query('delete from casework.child_protection_plan');
    await assert.rejects(() => poll.sweep(PLANS), { code: 'view-shrunk' });
    // Built anew under other keys.
    await council.query(
      "insert into casework.child_protection_plan select (jsonb_populate_record(away, jsonb_build_object('plan_id', plan_id + 50000, 'updated_at', clock_timestamp()))).* from casework.away",
    );
    await assert.rejects(() => poll.changes(PLANS), { code: 'view-shrunk' });
    await council.query('delete from casework.child_protection_plan');
    await council.query('insert into casework.child_protection_plan select * from casework.away');
    await poll.sweep(PLANS);
    assert.equal((await outbox()).length, count);
  });

  it('takes for history what a warehouse is filled with after the adapter first looked', async () => {
    await council.query(
      "insert into casework.missing_episode (person_id, started_at, updated_at) values ($1, now() - interval '9 days', now() - interval '9 days'), ($1, now(), now())",
      [idOf(37)],
    );
    await poll.changes('missing-episodes');
    assert.deepEqual((await eventsOf(37)).map(({ event }) => event.replay).sort(), [false, true]);
  });

  it('refuses a view with two rows of one id instead of taking turns between them', async () => {
    await council.query(
      'create view child_social.twice as select * from child_social.fact_cp_plan union all select * from child_social.fact_cp_plan',
    );
    await council.query(
      'alter view child_social.fact_cp_plan rename to once; alter view child_social.twice rename to fact_cp_plan',
    );
    await assert.rejects(() => poll.sweep(PLANS), { code: 'row-id-twice' });
    await council.query(
      'drop view child_social.fact_cp_plan; alter view child_social.once rename to fact_cp_plan',
    );
  });

  it('says nothing again when it is started again, and shows a view that it may not read any more', async () => {
    const [events, interests] = [
      (await outbox()).length,
      (await bus.records(topicsOf(organisation()).interests)).length,
    ];
    await council.query('alter view child_social.fact_care_episodes rename to gone');
    const running = await startAdapter(adapter);
    try {
      type Ready = { ready: boolean; checks: Record<string, { ok: boolean; code?: string } | undefined> };
      const readiness = async () => (await (await fetch(`${running.adminUrl}/ready`)).json()) as Ready;
      const told = await until(readiness, ({ checks }) => checks['reporting-views']?.ok === false);
      assert.equal(told.checks['reporting-views']?.code, 'view-missing');
      await council.query('alter view child_social.gone rename to fact_care_episodes');
      await until(readiness, ({ ready }) => ready);
      assert.equal((await outbox()).length, events);
      assert.equal((await bus.records(topicsOf(organisation()).interests)).length, interests);
    } finally {
      await running.stop();
    }
  });
});
