import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isPermanent } from '@causeway/runtime/errors';
import fc from 'fast-check';
import { personIn } from './person.ts';
import { FUTURE, parseTime, type Row } from './row.ts';
import { VIEWS } from './views.ts';

/** What stands in such columns, and what never should. */
const anyCell = fc.oneof(
  fc.constantFrom(null, '2026-03-02', '02/03/2026', '2026-03-02 10:15:00.123456+01', '31/02/2026', FUTURE),
  fc.constantFrom(
    'Y',
    'N',
    'C2',
    'V9',
    'NEG',
    'CPP',
    'UCP',
    'S42',
    'NFA',
    'M',
    '6',
    'X1',
    '-1',
    '999 000 0018',
  ),
  fc.constantFrom('/westshire-police/AAAAAAAAAAAAAAAAAAAAAA', 'all', 'WE1 1AA', 'E10000014', '__proto__'),
  fc.string(),
);

describe('rows of reporting views', () => {
  for (const view of VIEWS)
    it(`of ${view.name} state something or are told apart as unreadable, whatever they hold`, () => {
      const columns = ['row_id', 'person_id', ...view.required, ...view.optional];
      const rows = fc.record(
        Object.fromEntries(columns.map((column) => [column, anyCell])),
      ) as fc.Arbitrary<Row>;
      fc.assert(
        fc.property(rows, (row) => {
          try {
            for (const { name, occurredAt } of view.state(row).facts) {
              assert.ok(Object.hasOwn(view.facts, name));
              assert.match(occurredAt, /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?[+-]\d{2}:\d{2}$/);
            }
          } catch (error) {
            assert.ok(isPermanent(error), String(error));
            assert.match(error.message, /^the column \w+ /);
          }
        }),
      );
    });
});

describe('people of the index', () => {
  const row = (columns: Row): Row => ({ person_id: '1', ...columns });
  const cases: [string, Row, unknown][] = [
    ['a traced number', { nhs_number: '9990000018', nhs_number_verified: 'Y' }, { nhs: '9990000018' }],
    [
      'a number with zeros behind the point',
      { nhs_number: '9990000018.0', nhs_number_verified: 'Y' },
      { nhs: '9990000018' },
    ],
    ['a number that nobody traced', { nhs_number: '9990000018', nhs_number_verified: 'N' }, {}],
    ['a number about which nothing is said', { nhs_number: '9990000018' }, {}],
    ['a number that is none', { nhs_number: '9990000019', nhs_number_verified: 'Y' }, {}],
    ['a temporary pupil number', { upn: 'A12345678912A' }, {}],
  ];
  for (const [what, columns, verified] of cases)
    it(`with ${what} are certain as far as that goes`, () => {
      assert.deepEqual(personIn(row(columns)).verified, verified);
    });

  for (const mark of ['Y', 'R', 'yes', '1', 'refuge'])
    it(`marked ${mark} have no address`, () => {
      const known = personIn(
        row({ restricted: mark, address_line_1: '1 Invented Lane', postcode: 'WE4 5TS' }),
      );
      assert.equal(known.person.address, null);
      assert.equal(known.shielded, true);
    });
});

describe('times as databases write them', () => {
  const times: [string, string | undefined][] = [
    ['2026-03-02 10:15:00.123456+00', '2026-03-02T10:15:00.123456+00:00'],
    ['2026-07-02 10:15:00+01', '2026-07-02T10:15:00+01:00'],
    ['2026-07-02 10:15:00', '2026-07-02T10:15:00+01:00'],
    ['2026-07-02T10:15:00.1Z', '2026-07-02T10:15:00.1+00:00'],
    ['2026-07-02', '2026-07-02T00:00:00+01:00'],
    ['02/07/2026', '2026-07-02T00:00:00+01:00'],
    ['2026-02-30', undefined],
    ['infinity', undefined],
    ['', undefined],
  ];
  for (const [written, time] of times)
    it(`reads ${JSON.stringify(written)} as ${time ?? 'no time'}`, () =>
      assert.equal(parseTime(written), time));
});
