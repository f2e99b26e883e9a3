/** Whole life stories of visits, framed as sent, and the facts that they tell. Own synthetic input: `fixtures/cases`. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parseMessage } from '../hl7/parser.ts';
import { translate } from './translate.ts';

const messagesOf = (name: string): Buffer[] =>
  readFileSync(new URL(`../../fixtures/cases/${name}.mllp`, import.meta.url), 'latin1')
    .split('\x1c\r')
    .filter((frame) => frame.startsWith('\x0b'))
    .map((frame) => Buffer.from(frame.slice(1), 'latin1'));

/** Each fact as its type with those of its data that the case is about. */
const told = (name: string, keys: string[]): string[] =>
  messagesOf(name).flatMap((raw) => {
    const parsed = parseMessage(raw);
    assert.ok(parsed.kind === 'message');
    const outcome = translate(parsed.message, {
      contact: { organisation: 'Westshire NHS Trust', telephone: '01632 960010' },
      nhsNumber: { withoutStatus: 'verified' },
      processingIds: new Set(['P']),
      shieldingMark: { segment: 'ZU8', field: 3 },
    });
    if (outcome.kind !== 'facts') return [outcome.reason];
    return outcome.facts.map(({ type, data }) => {
      const values = keys.flatMap((key) => Object.entries(data).find(([own]) => own === key)?.[1] ?? []);
      return [type.replace(/^uk\.causeway\.nhs\.|\.v1$/g, ''), ...values].join(' ');
    });
  });

const CASES: [name: string, keys: string[], right: string[]][] = [
  [
    'D02',
    ['status'],
    ['demographics.amended', 'death.notified informal', 'demographics.amended', 'death.notified removed'],
  ],
  ['D05', ['status'], ['emergency-attendance.registered', 'end-of-emergency-attendance']],
  ['H01', ['plannedAt'], ['inpatient-admission.planned 2026-12-15T16:00:00+00:00']],
  ['M01', ['admissionMethod', 'careContext'], ['inpatient-admission.recorded emergency general']],
  [
    'M06',
    ['admissionMethod', 'careContext'],
    [
      'inpatient-admission.recorded emergency general',
      'inpatient-transfer.recorded emergency general',
      'patient-discharge.recorded emergency general',
    ],
  ],
];

describe('the messages of real feeds', () => {
  for (const [name, keys, right] of CASES) {
    it(`of case ${name} tell what happened and nothing else`, () => {
      assert.deepEqual(told(name, keys), right);
    });
  }
});
