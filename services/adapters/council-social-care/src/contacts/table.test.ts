import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Attempt } from '@causeway/runtime/delivery/subscription';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { type AnswerParts, passOnAnswers } from './answers.ts';
import { createDeliver } from './deliver.ts';
import { type ContactTable, createContactTable } from './table.ts';
import { createTestCouncil, type TestCouncil } from './testing/council-database.ts';

const MISSING = 'uk.causeway.police.missing-person.reported.v1';
const VOIDED = 'uk.causeway.police.missing-person-report.voided.v1';

let council: TestCouncil;
let table: ContactTable;
let deliver: ReturnType<typeof createDeliver>;

before(async () => {
  council = await createTestCouncil();
  table = createContactTable(council.adapter, { schema: council.schema, table: 'inbound_contact' });
  deliver = createDeliver(table);
});
after(() => council?.close());

const attempt = (type: string, change: Partial<Attempt['event']> = {}, data: object = {}): Attempt => {
  const example = loadCatalogue().find((one) => one.type === type)?.example;
  assert.ok(example);
  const { data: own, corrects: _, ...event } = example;
  return {
    event: {
      ...event,
      id: randomBytes(16).toString('base64url'),
      tokens: [],
      otherTokens: [],
      exclude: [],
      replay: false,
      agreement: [],
      ...change,
    },
    data: { ...own, ...data },
    schemaId: 1,
    agreements: [],
    position: '0-1',
    since: 0,
    number: 1,
    redriven: false,
    signal: new AbortController().signal,
  };
};

type Row = Record<'contact_id' | 'corrects' | 'corrected_by', number | null> &
  Record<'standing' | 'note' | 'told_state', string | null>;
const rowOf = async (id: string): Promise<Row> => {
  const rows = await council.dba.query<Row>('select * from inbound_contact where event_id = $1', [id]);
  assert.equal(rows.length, 1);
  return rows[0] as Row;
};

describe('the staging table', { timeout: 30_000 }, () => {
  it('is as its file makes it, and the documented rights are enough', async () => {
    assert.deepEqual(await table.problems(), []);
  });

  it('has one row for an event, also when two instances put it in at once, and one more for the same id from somebody else', async () => {
    const one = attempt(MISSING);
    const outcomes = await Promise.all([deliver(one), deliver(one), deliver(one)]);
    assert.deepEqual(outcomes, Array(3).fill({ outcome: 'delivered' }));
    await rowOf(one.event.id);
    await deliver(attempt(MISSING, { id: one.event.id, source: '/a-trust/nhs-trust' }));
    const rows = await council.dba.query('select 1 from inbound_contact where event_id = $1', [one.event.id]);
    assert.equal(rows.length, 2);
  });

  it('shows a contact as withdrawn once its source takes it back, whichever comes first', async () => {
    const [first, second] = [attempt(MISSING), attempt(MISSING)];
    const taken = (of: Attempt) => attempt(VOIDED, { corrects: of.event.id });
    const [back, early] = [taken(first), taken(second)];
    for (const each of [first, back, early, second]) await deliver(each);
    for (const [earlier, later] of [
      [first, back],
      [second, early],
    ] as const) {
      const [was, is] = [await rowOf(earlier.event.id), await rowOf(later.event.id)];
      assert.equal(was.standing, 'withdrawn');
      assert.equal(was.corrected_by, is.contact_id);
      assert.equal(is.corrects, was.contact_id);
      assert.equal(is.standing, 'current');
    }
  });

  it('finds what is withdrawn by its case where the source does not know the event', async () => {
    const caseReference = `CASE-${randomBytes(4).toString('hex')}`;
    const one = attempt(MISSING, {}, { caseReference });
    await deliver(one);
    await deliver(attempt(VOIDED, {}, { voids: { caseReference, fact: 'missing-person-report' } }));
    assert.equal((await rowOf(one.event.id)).standing, 'withdrawn');
  });

  it('lets nobody take back what another organisation has sent', async () => {
    const one = attempt(MISSING);
    await deliver(one);
    await deliver(attempt(VOIDED, { corrects: one.event.id, source: '/another-force/police-records' }));
    assert.equal((await rowOf(one.event.id)).standing, 'current');
  });

  it('refuses for ever what breaks a constraint of the council, by name and without a value', async () => {
    await council.dba.query(
      "alter table inbound_contact add constraint no_mockford check (person_name not like 'Mockford%')",
    );
    const person = { name: { familyName: 'Mockford', givenNames: ['Jun'] } };
    assert.deepEqual(await deliver(attempt(MISSING, {}, { person })), {
      outcome: 'refused',
      code: 'row-refused',
      status: 'database-23514',
    });
    await council.dba.query('alter table inbound_contact drop constraint no_mockford');
  });

  it('keeps events waiting while the table is not as it must be, and says what is wrong', async () => {
    const { dba, schema } = council;
    const faults: [breaking: string, mending: string, problem: RegExp][] = [
      [
        'alter table inbound_contact rename to gone',
        'alter table gone rename to inbound_contact',
        /is not there/,
      ],
      [
        'alter table inbound_contact rename column ring to call',
        'alter table inbound_contact rename column call to ring',
        /the column ring is missing/,
      ],
      [
        `revoke insert on inbound_contact from ${schema}`,
        `grant insert on inbound_contact to ${schema}`,
        /the right to insert summary is missing/,
      ],
      [
        `revoke usage on schema ${schema} from ${schema}`,
        `grant usage on schema ${schema} to ${schema}`,
        /its schema may not be used/,
      ],
      [
        'alter table inbound_contact add column area text default null; alter table inbound_contact alter area drop default',
        'alter table inbound_contact drop column area',
        /^$/,
      ],
      [
        "alter table inbound_contact add column area text not null default ''; alter table inbound_contact alter area drop default",
        'alter table inbound_contact drop column area',
        /the column area must be null or have a default/,
      ],
    ];
    for (const [breaking, mending, problem] of faults) {
      await dba.query(breaking);
      const outcome = await deliver(attempt(MISSING));
      const problems = (await table.problems()).join('; ');
      await dba.query(mending);
      assert.match(problems, problem);
      assert.deepEqual(
        outcome,
        problems === '' ? { outcome: 'delivered' } : { outcome: 'unreachable', code: 'contact-table' },
      );
    }
    assert.deepEqual(await table.problems(), []);
  });
});

describe('what the council says of a contact', { timeout: 30_000 }, () => {
  type Said = Parameters<AnswerParts['acknowledge']>;
  const warnings: unknown[] = [];
  const log = { warn: (...said: unknown[]) => warnings.push(said) } as unknown as AnswerParts['log'];
  const turn = async (acknowledge: AnswerParts['acknowledge'] = async () => undefined) => {
    const said: Said[] = [];
    const keep: AnswerParts['acknowledge'] = async (...words) => {
      await acknowledge(...words);
      said.push(words);
    };
    await passOnAnswers({ table, acknowledge: keep, log, goOn: () => true }, left);
    return said.map(([{ id }, words]) => ({ id, ...words }));
  };
  const left = new Map<number, string>();
  const say = (id: string, state: string, team: string | null = null, reference: string | null = null) =>
    council.dba.query(
      'update inbound_contact set state = $2, team = $3, reference = $4 where event_id = $1',
      [id, state, team, reference],
    );
  const delivered = async () => {
    const one = attempt(MISSING);
    await deliver(one);
    return one.event.id;
  };

  it('is told once, and again when it says something else', async () => {
    const id = await delivered();
    assert.deepEqual(await turn(), []);
    await say(id, 'seen');
    assert.deepEqual(await turn(), [{ id, state: 'seen', team: null, reference: null }]);
    assert.deepEqual(await turn(), []);
    await say(id, 'Not ours', 'Front door', 'C/12');
    assert.deepEqual(await turn(), [{ id, state: 'not_ours', team: 'Front door', reference: 'C/12' }]);
    assert.deepEqual(await turn(), []);
  });

  it('is told of every row although all were changed at one instant and some are committed late', async () => {
    const ids = await Promise.all(Array.from({ length: 5 }, delivered));
    const [late = '', ...others] = ids;
    let committed: Promise<unknown> = Promise.resolve();
    await council.dba.transaction(async (query) => {
      await query("update inbound_contact set state = 'accepted' where event_id = $1", [late]);
      committed = turn();
      for (const id of others) await say(id, 'accepted');
      const first = await turn();
      const before = ((await committed) as typeof first).concat(first).map(({ id }) => id);
      assert.deepEqual(before.sort(), [...others].sort());
    });
    assert.deepEqual(
      (await turn()).map(({ id }) => id),
      [late],
    );
  });

  it('is told again where nobody could note that it was told', async () => {
    const id = await delivered();
    await say(id, 'accepted');
    const dying = async () => {
      throw new Error('the process ended here');
    };
    await assert.rejects(turn(dying));
    assert.deepEqual(
      (await turn()).map((one) => one.id),
      [id],
    );
  });

  it('is left where it is no word of the list, with a note for whoever wrote it, and does not hold up the rest', async () => {
    const [odd, good] = [await delivered(), await delivered()];
    await say(odd, 'pending');
    await say(good, 'unable');
    warnings.length = 0;
    assert.deepEqual(
      (await turn()).map(({ id }) => id),
      [good],
    );
    await turn();
    assert.equal(warnings.length, 1);
    assert.match(String((await rowOf(odd)).note), /seen, accepted, not-ours, unable/);
    await say(odd, 'accepted', 'Équipe', 'C/1');
    assert.deepEqual(await turn(), [{ id: odd, state: 'accepted', team: null, reference: 'C/1' }]);
    assert.match(String((await rowOf(odd)).note), /^Passed on without team/);
  });

  it('is passed on also where the adapter may write no notes', async () => {
    const { dba, schema } = council;
    await dba.query(`revoke update (note) on inbound_contact from ${schema}`);
    await table.problems();
    const [odd, good] = [await delivered(), await delivered()];
    await say(odd, 'pending');
    await say(good, 'seen');
    assert.deepEqual(
      (await turn()).map(({ id }) => id),
      [good],
    );
    assert.equal((await rowOf(odd)).note, null);
    await dba.query(`grant update (note) on inbound_contact to ${schema}`);
    await table.problems();
  });
});
