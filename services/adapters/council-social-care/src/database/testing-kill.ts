/** For tests: a council whose rows change while its adapter is killed again and again, and what must be on the bus at the end. */
import { setTimeout as delay } from 'node:timers/promises';
import { exampleChild } from '@causeway/schemas/identifiers/example-people';
import type { TestBus } from '@causeway/testing/bus';
import {
  adapterOf,
  addChild,
  councilProcess,
  createTestCouncil,
  outboxOf,
  type Published,
  shareEverything,
  shortType,
  until,
} from './testing.ts';

type Ordeal = {
  rows: number;
  /** Rows that change in one transaction, all with one time. */
  batch: number;
  /** Pause after each batch, so that rows change while others are read. */
  pauseMs: number;
  sweepSeconds: number;
  kills: number;
  /** How long the adapter lives before it is killed, at least and at most. */
  livesMs: [number, number];
};

type Verdict = {
  /** Facts that hold at the end in the council's database, and on the bus. */
  inTheDatabase: string[];
  onTheBus: string[];
  /** Event ids that lie in the outbox more than once, although the source and the exchange know them for repeats. */
  repeated: number;
  /** Ids with different content. */
  conflicting: number;
  events: number;
};

const CHILDREN = 50;

/** Makes rows, edits all of them in several ways and deletes every tenth, and kills the adapter meanwhile. */
export const goThrough = async (
  bus: TestBus,
  { rows, batch, pauseMs, sweepSeconds, kills, livesMs }: Ordeal,
): Promise<Verdict> => {
  const organisation = bus.organisations[0] ?? '';
  const council = await createTestCouncil();
  try {
    await shareEverything(bus, organisation);
    for (let n = 0; n < CHILDREN; n += 1) await addChild(council, n);
    const adapter = adapterOf(bus, organisation, council);
    const quick = { COUNCIL_SOCIAL_CARE_SWEEP_SECONDS: String(sweepSeconds) };
    let running = councilProcess(adapter, quick);
    const started = () =>
      council
        .query(
          `select 1 from pg_stat_activity where application_name like 'causeway%' and datname = current_database()`,
        )
        .then(({ length }) => length > 0);
    await until(started, Boolean, 60_000);

    const killing = (async () => {
      for (let kill = 0; kill < kills; kill += 1) {
        await delay(livesMs[0] + Math.random() * (livesMs[1] - livesMs[0]));
        await running.kill();
        running = councilProcess(adapter, quick);
      }
    })();
    await change(council, rows, batch, pauseMs);
    await killing;
    if (!running.running()) throw new Error('the adapter does not run');

    const inTheDatabase = await factsIn(council);
    const published = await until(
      () => outboxOf(bus, organisation),
      (all) => same(factsOf(all), inTheDatabase),
      Math.max(60_000, rows * 12),
      Math.max(1_000, rows / 5),
    ).catch(() => outboxOf(bus, organisation));
    await running.stop();
    return { inTheDatabase, onTheBus: factsOf(published), ...counted(published) };
  } finally {
    await council.drop();
  }
};

type Council = Awaited<ReturnType<typeof createTestCouncil>>;

/** Every statement is a transaction with one time for all its rows. Half of the edits leave the time as it was. */
const change = async (council: Council, rows: number, batch: number, pauseMs: number): Promise<void> => {
  for (let from = 1; from <= rows; from += batch) {
    const to = Math.min(rows, from + batch - 1);
    await council.query(
      `insert into casework.child_protection_plan (plan_id, person_id, started_on, initial_category, updated_at)
       select n, ($3::bigint + n % $4), '2026-03-02', 'NEG', now() from generate_series($1::int, $2::int) as n`,
      [from, to, exampleChild(0).councilId, CHILDREN],
    );
    await council.query(
      `update casework.child_protection_plan set ended_on = date '2026-04-01' + (plan_id % 20)::int, updated_at = now()
       where plan_id between $1 and $2 and plan_id % 3 = 0`,
      [from, to],
    );
    await council.query(
      `update casework.child_protection_plan set started_on = '2026-02-01', updated_at = case when plan_id % 2 = 0 then now() else updated_at end
       where plan_id between $1 and $2 and plan_id % 7 = 0`,
      [from - batch, to - batch],
    );
    await council.query(
      'delete from casework.child_protection_plan where plan_id between $1 and $2 and plan_id % 10 = 0',
      [from - batch, to - batch],
    );
    await delay(pauseMs);
  }
};

const factsIn = async (council: Council): Promise<string[]> => {
  const plans = await council.query(
    'select plan_id, started_on::text as began, ended_on::text as ended from casework.child_protection_plan',
  );
  return plans
    .flatMap(({ plan_id: id, began, ended }) => [
      `CPP-${id} begun ${began}`,
      ...(ended === null ? [] : [`CPP-${id} ended ${ended}`]),
    ])
    .sort();
};

/** What holds by the events, in their order: a withdrawal takes away the very event that it corrects. */
const factsOf = (published: readonly Published[]): string[] => {
  const holds = new Map<string, string>();
  for (const one of firsts(published)) {
    const { event, data } = one;
    const type = shortType(one);
    if (type === 'child-protection-plan.begun')
      holds.set(event.id, `${data.caseReference} begun ${data.cppStartDate}`);
    else if (type === 'child-protection-plan.ended')
      holds.set(event.id, `${data.caseReference} ended ${data.cppEndDate}`);
    else if (type === 'child-protection-plan.corrected') correct(holds, one);
    else if (event.corrects === undefined || !holds.delete(event.corrects))
      holds.set(event.id, `a withdrawal of nothing: ${type}`);
  }
  return [...holds.values()].sort();
};

/** It stands for the event that was wrong, and says the rest of the case again. */
const correct = (holds: Map<string, string>, { event, data }: Published): void => {
  const wrong = holds.get(event.corrects ?? '');
  if (wrong === undefined || event.corrects === undefined) {
    holds.set(event.id, 'a correction of nothing');
    return;
  }
  holds.delete(event.corrects);
  const began = `${data.caseReference} begun ${data.cppStartDate}`;
  const ended = `${data.caseReference} ended ${data.cppEndDate}`;
  holds.set(event.id, wrong.includes(' begun ') ? began : ended);
  for (const [id, fact] of holds)
    if (id !== event.id && fact.startsWith(`${data.caseReference} ended `)) holds.set(id, ended);
};

const firsts = (published: readonly Published[]): Published[] => {
  const seen = new Set<string>();
  return published.filter(({ event }) => !seen.has(event.id) && seen.add(event.id));
};

const counted = (published: readonly Published[]) => {
  const contents = new Map<string, string>();
  let [repeated, conflicting] = [0, 0];
  for (const { event, data } of published) {
    const content = JSON.stringify([event, data]);
    const other = contents.get(event.id);
    if (other === undefined) contents.set(event.id, content);
    else if (other === content) repeated += 1;
    else conflicting += 1;
  }
  return { repeated, conflicting, events: published.length };
};

const same = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((text, index) => text === other[index]);
