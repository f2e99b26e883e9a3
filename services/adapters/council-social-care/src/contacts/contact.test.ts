import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import fc from 'fast-check';
import { contactRow, correctsOf, type Received } from './contact.ts';
import { localTime } from './wording.ts';

const catalogue = loadCatalogue();
const MISSING = 'uk.causeway.police.missing-person.reported.v1';

const entryOf = (type: string) => {
  const entry = catalogue.find((one) => one.type === type);
  assert.ok(entry);
  return entry;
};

const received = (type: string, data?: unknown): Received => {
  const { example } = entryOf(type);
  const { data: own, ...event } = example;
  return {
    event: {
      ...event,
      id: 'abcdefghijklmnopqrstuv',
      tokens: [],
      otherTokens: [],
      exclude: [],
      replay: false,
      agreement: ['an-agreement/1'],
    },
    data: data ?? own,
    position: '3-17',
  };
};

const rowOf = (type: string, data?: unknown) => contactRow(received(type, data), entryOf(type));

describe('a contact', () => {
  it('says on one line who, what, how urgent, by when, and whom to ring', () => {
    const row = rowOf(MISSING);
    assert.deepEqual(
      [row.person_name, row.date_of_birth, row.priority, row.act_by, row.ring, row.received_from, row.match],
      [
        'Fakenham-Smith, Ella Rose',
        '14 March 2011',
        'immediate',
        'Mon 9 Nov 2026, 20:00 GMT',
        'Westshire Police, Multi-agency safeguarding hub desk: 01632 960030, out of hours 01632 960031, quote WP-EX-1001',
        'Westshire Police',
        'not-compared',
      ],
    );
    assert.equal(
      row.summary,
      'Missing child, high risk. Last seen Mon 9 Nov 2026, 16:10 GMT in WE6. Missing from care, placed by E10999999. Green coat, school uniform, red rucksack.',
    );
  });

  it('tells what was withheld from what the source does not know', () => {
    const withheld = rowOf(MISSING, { personCategory: 'child' });
    assert.equal(withheld.person_name, 'not released');
    assert.equal(withheld.date_of_birth, 'not released');
    assert.equal(withheld.ring, 'not released');
    const unknown = rowOf(MISSING, { person: { name: null, dateOfBirth: null } });
    assert.equal(unknown.person_name, 'not known');
    assert.equal(unknown.date_of_birth, 'not known');
  });

  it('says less of a date of which less was released', () => {
    const born = (value: string) => rowOf(MISSING, { person: { dateOfBirth: { value } } }).date_of_birth;
    assert.deepEqual([born('2011-03'), born('2011')], ['March 2011', '2011']);
  });

  it('gives times as the clock on the wall shows them, also in the hour that October repeats', () => {
    assert.equal(localTime('2026-07-01T12:00:00Z'), 'Wed 1 Jul 2026, 13:00 BST');
    assert.equal(localTime('2026-10-25T00:30:00Z'), 'Sun 25 Oct 2026, 01:30 BST');
    assert.equal(localTime('2026-10-25T01:30:00Z'), 'Sun 25 Oct 2026, 01:30 GMT');
  });

  it('names each child of a domestic abuse incident, and the condition not to tell', () => {
    const row = rowOf('uk.causeway.police.domestic-abuse-incident.attended.v1');
    assert.match(row.summary, /O'Placeholder, Finn \(born 2 November 2013; in the home; seen by an officer;/);
    assert.equal(row.handling, 'do not tell alleged person');
  });

  it('shows what a correction is about, and what it takes back', () => {
    const type = 'uk.causeway.police.missing-person-report.voided.v1';
    assert.match(
      rowOf(type).summary,
      /^WITHDRAWN OR CORRECTED: Missing person report voided\. Reason: wrong person\./,
    );
    assert.deepEqual(correctsOf(received(type), entryOf(type)), {
      organisation: 'westshire-police',
      types: [MISSING],
      standing: 'withdrawn',
      eventId: 'exampleMissingEvent-00',
      named: { field: 'caseReference', value: 'WP-MIS-26-0001' },
    });
  });

  for (const { type } of catalogue)
    it(`has words for ${type}`, () => {
      const { summary } = rowOf(type);
      assert.match(summary, /^[A-Z][^\p{Cc}]*\.$/u);
      assert.doesNotMatch(summary, /undefined|null|\[object|UNKNOWN|\.\./);
    });

  it('can be kept whatever a partner writes', () => {
    const types = catalogue.map(({ type }) => type);
    fc.assert(
      fc.property(
        fc.constantFrom(...types),
        fc.jsonValue(),
        fc.string({ unit: 'binary' }),
        (type, data, text) => {
          const known = entryOf(type).example.data;
          for (const each of [
            data,
            { ...known, person: data, children: data, concerns: data },
            withText(known, text),
          ]) {
            const { event, ...columns } = rowOf(type, each);
            assert.doesNotMatch(event, /(?<!\\)(\\\\)*\\u(0000|d[89a-f])/i);
            for (const column of Object.values(columns)) assert.doesNotMatch(column ?? '', /\p{Cc}|\p{Cs}/u);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

const withText = (value: unknown, text: string): unknown => {
  if (typeof value === 'string') return text;
  if (Array.isArray(value)) return value.map((one) => withText(one, text));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withText(one, text)]));
};
