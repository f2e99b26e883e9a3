import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { parseInterest } from '@causeway/runtime/interests';
import { createTestBus, type TestBus } from '@causeway/runtime/test-bus';
import { topicsOf } from '@causeway/runtime/topology';
import { exampleChild } from '@causeway/schemas/example-people';
import {
  adapterOf,
  createTestCouncil,
  outboxOf,
  shareEverything,
  shortType,
  startAdapter,
  type TestAdapter,
  type TestCouncil,
  until,
} from './testing.ts';

const addChild = (council: TestCouncil, n: number, columns: Record<string, unknown> = {}) => {
  const child = exampleChild(n);
  const row = {
    person_id: child.councilId,
    family_name: child.familyName,
    given_names: child.givenName,
    date_of_birth: child.dateOfBirth,
    sex: child.sex === 'male' ? 'M' : 'F',
    nhs_number: child.nhsNumber,
    nhs_number_verified: 'Y',
    upn: child.upn,
    address_line_1: child.address.lines[0],
    postcode: child.address.postcode,
    ...columns,
  };
  const names = Object.keys(row);
  return council.query(
    `insert into casework.person (${names.join(', ')}) values (${names.map((_, index) => `$${index + 1}`).join(', ')})`,
    Object.values(row),
  );
};

describe('a council database that is polled', { timeout: 60_000 }, () => {
  let bus: TestBus;
  let council: TestCouncil;
  let adapter: TestAdapter;
  let running: Awaited<ReturnType<typeof startAdapter>>;
  const organisation = () => bus.organisations[0] ?? '';
  const outbox = () => outboxOf(bus, organisation());
  const interests = async () => {
    const records = await bus.records(topicsOf(organisation()).interests);
    const latest = new Map(
      records.map(({ key, value, timestamp }) => [String(key), value && parseInterest(value, timestamp)]),
    );
    return [...latest.values()].filter((interest) => interest !== null);
  };

  before(async () => {
    [bus, council] = await Promise.all([createTestBus(1), createTestCouncil()]);
    await shareEverything(bus, organisation());
    adapter = adapterOf(bus, organisation(), council);
    await addChild(council, 1);
    await council.query(
      "insert into casework.child_protection_plan (plan_id, person_id, started_on, initial_category) values (7, $1, '2026-03-02', 'NEG')",
      [exampleChild(1).councilId],
    );
    running = await startAdapter(adapter);
  });
  after(async () => {
    await running?.stop();
    await Promise.all([council?.drop(), bus?.close()]);
  });

  it('publishes what was there before it as history, and the open case as an interest', async () => {
    const [plan] = await until(outbox, ({ length }) => length > 0);
    assert.equal(plan && shortType(plan), 'child-protection-plan.begun');
    assert.equal(plan?.event.replay, true);
    assert.equal(plan?.data.cppStartDate, '2026-03-02');
    assert.equal(plan?.event.tokens.length, 3);
    const [interest] = await until(interests, ({ length }) => length > 0);
    assert.equal(interest?.reason, 'child-protection-plan');
    assert.equal(interest?.since, '2026-03-02');
  });
});
