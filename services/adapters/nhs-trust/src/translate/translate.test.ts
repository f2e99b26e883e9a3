import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { EventData, Person } from '@causeway/schemas/generated/types';
import { exampleChild } from '@causeway/schemas/identifiers/example-people';
import fc from 'fast-check';
import { parseMessage } from '../hl7/parser.ts';
import { fixtureMessages } from '../simulator/simulator.ts';
import { attendanceMessage, stayMessage } from '../simulator/synthetic.ts';
import { type Translation, type TranslationOutcome, translate } from './translate.ts';

const SETTINGS: Translation = {
  contact: { organisation: 'Westshire NHS Trust', telephone: '01632 960010' },
  nhsNumber: { withoutStatus: 'verified' },
  processingIds: new Set(['P']),
  shieldingMark: { segment: 'ZU8', field: 3 },
};

const translated = (raw: string | Buffer, settings: Partial<Translation> = {}): TranslationOutcome => {
  const parsed = parseMessage(Buffer.isBuffer(raw) ? raw : Buffer.from(raw, 'utf8'));
  assert.ok(parsed.kind === 'message');
  return translate(parsed.message, { ...SETTINGS, ...settings });
};

const factOf = (outcome: TranslationOutcome) => {
  assert.ok(outcome.kind === 'facts');
  const [fact] = outcome.facts;
  assert.ok(fact !== undefined);
  return fact;
};

const admissionOf = (outcome: TranslationOutcome) => {
  const fact = factOf(outcome);
  assert.equal(fact.type, 'uk.causeway.nhs.inpatient-admission.recorded.v1');
  return fact.data as EventData['uk.causeway.nhs.inpatient-admission.recorded.v1'];
};

type Parts = { msh?: string; trigger?: string; evn?: string; pid?: string; pv1?: string; more?: string[] };

const PV1 = 'PV1|1|I|Ward 7^^^WESTGEN|21||||||300||||19|||||V1^^^RWX|||||||||||||||||||||||||20240305101500';
const PID = 'PID|1||T1^^^RWX^HOSP~9434765919^^^NHS^NHS||Exampleton^Alda^May^^Mrs^^L||19410217|2';

const message = ({ trigger = 'A01', ...parts }: Parts): string =>
  [
    parts.msh ?? `MSH|^~\\&|PAS|RWX|TIE|RWX|20240305102000||ADT^${trigger}|C1|P|2.4`,
    parts.evn ?? `EVN|${trigger}|20240305101900||||20240305101500`,
    parts.pid ?? PID,
    parts.pv1 ?? PV1,
    ...(parts.more ?? []),
  ].join('\r');

/** Of lasting traits only the names of those that the message shows: what they mean is the same for all. */
const asApproved = (outcome: TranslationOutcome): unknown =>
  outcome.kind !== 'facts'
    ? outcome
    : {
        ...outcome,
        facts: outcome.facts.map(({ traits = [], ...fact }) => {
          const shown = traits.filter(({ seen }) => seen).map(({ name }) => name);
          return shown.length > 0 ? { ...fact, traits: shown } : fact;
        }),
      };

describe('translation of the sample messages', () => {
  for (const { name, raw } of [...fixtureMessages(), ...fixtureMessages('synthetic/')]) {
    it(`of ${name} is the approved one`, () => {
      const approved = new URL(`../../fixtures/${name}.approved.json`, import.meta.url);
      assert.equal(
        `${JSON.stringify(asApproved(translated(raw)), null, 2)}\n`,
        readFileSync(approved, 'utf8'),
      );
    });
  }

  it('works on copies that are unchanged byte for byte', () => {
    const sums = readFileSync(new URL('../../fixtures/SHA256SUMS', import.meta.url), 'utf8')
      .trim()
      .split('\n');
    const found = fixtureMessages().map(
      ({ name, raw }) => `${createHash('sha256').update(raw).digest('hex')}  ${name}.hl7`,
    );
    assert.deepEqual(found, sums);
  });
});

describe('translation of ADT messages', () => {
  it('makes an admission of A01, a discharge of A03 and their withdrawals of A11 and A13', () => {
    const types = ['A01', 'A03', 'A11', 'A13'].map(
      (trigger) => factOf(translated(message({ trigger }))).type,
    );
    assert.deepEqual(types, [
      'uk.causeway.nhs.inpatient-admission.recorded.v1',
      'uk.causeway.nhs.patient-discharge.recorded.v1',
      'uk.causeway.nhs.inpatient-admission.voided.v1',
      'uk.causeway.nhs.patient-discharge.voided.v1',
    ]);
  });

  it('says with each trigger and class of patient what a hospital means by it', () => {
    const said = (trigger: string, patientClass: string, more: Parts = {}) => {
      const pv1 = PV1.replace('|I|', `|${patientClass}|`);
      const outcome = translated(message({ trigger, pv1, ...more }));
      if (outcome.kind !== 'facts') return outcome.reason;
      return outcome.facts.map(({ type, voids }) => {
        const fact = type.replace(/^uk\.causeway\.nhs\.|\.v1$/g, '');
        return voids?.onlyIfKnown ? `${fact} if known` : fact;
      });
    };
    const expected: [trigger: string, patientClass: string, said: string | string[]][] = [
      ['A01', 'I', ['inpatient-admission.recorded']],
      ['A01', 'D', ['inpatient-admission.recorded']],
      ['A01', '', ['inpatient-admission.recorded']],
      ['A01', 'E', ['emergency-attendance.registered']],
      ['A01', 'O', 'not-a-stay'],
      ['A02', 'I', ['inpatient-transfer.recorded']],
      ['A02', 'E', 'not-a-stay'],
      ['A03', 'I', ['patient-discharge.recorded']],
      ['A03', 'E', 'end-of-emergency-attendance'],
      ['A03', 'O', ['outpatient-appointment.recorded']],
      ['A04', 'E', ['emergency-attendance.registered']],
      ['A04', 'O', ['outpatient-appointment.recorded']],
      ['A04', 'I', 'not-an-attendance'],
      ['A05', 'O', ['outpatient-appointment.recorded']],
      ['A05', 'P', ['inpatient-admission.planned']],
      ['A08', 'I', ['demographics.amended']],
      ['A11', 'I', ['inpatient-admission.voided']],
      ['A11', 'E', ['emergency-attendance.voided']],
      ['A11', 'O', ['outpatient-appointment.voided']],
      ['A12', 'I', ['inpatient-transfer.voided']],
      ['A12', '', ['inpatient-transfer.voided if known']],
      ['A06', 'I', ['inpatient-admission.recorded']],
      ['A06', 'O', 'not-a-stay'],
      ['A13', 'E', ['death.notified']],
      ['A14', 'P', ['inpatient-admission.planned']],
      ['A16', 'I', ['discharge.planned']],
      ['A21', 'I', ['inpatient-leave.begun']],
      ['A22', 'I', ['inpatient-leave.ended']],
      ['A25', 'I', ['discharge-plan.voided']],
      ['A26', 'I', 'trigger-not-translated'],
      ['A27', 'P', ['inpatient-admission-plan.voided']],
      ['A28', 'U', ['demographics.amended']],
      ['A31', 'U', ['demographics.amended']],
      ['A38', 'O', ['outpatient-appointment.voided']],
      ['A38', '', ['outpatient-appointment.voided if known', 'inpatient-admission-plan.voided if known']],
      ['A40', 'I', 'no-second-identity'],
      ['A52', 'I', ['inpatient-leave.voided']],
      ['A53', 'I', ['inpatient-leave-end.voided']],
    ];
    for (const [trigger, patientClass, what] of expected) {
      assert.deepEqual(said(trigger, patientClass), what, `${trigger} of class "${patientClass}"`);
    }
    const withdrawn = ['inpatient-admission', 'emergency-attendance', 'outpatient-appointment'];
    assert.deepEqual(
      said('A11', ''),
      withdrawn.map((fact) => `${fact}.voided if known`),
    );
    assert.deepEqual(said('A13', 'I'), ['patient-discharge.voided', 'death.notified']);
  });

  it('finds an emergency attendance where PV1-2 calls it something else', () => {
    const said = (pv1: string) => {
      const outcome = translated(message({ trigger: 'A04', pv1 }));
      return outcome.kind === 'facts' ? outcome.facts[0]?.type : outcome.reason;
    };
    const type = 'uk.causeway.nhs.emergency-attendance.registered.v1';
    assert.equal(said('PV1|1|I|Somewhere|||||||||||||||EMERGENCY|V1'), type);
    assert.equal(said('PV1|1|I|WGH A&E^^^WESTGEN||||||||||||||||V1'), type);
    assert.equal(said('PV1|1|O|Main^^^WESTGEN^^^^^Emergency Department||||||||||||||||V1'), type);
    assert.equal(said('PV1|1|""|Main|||||||180|||||||||V1'), type);
    assert.equal(said('PV1|1|I|Resus^^^WESTGEN||||||||||||||||V1'), type);
    assert.equal(said('PV1|1|I|Somewhere|||||||||||||||ED ATTENDANCE|V1'), type);
    assert.equal(said('PV1|1|I|Emergency Assessment Unit||||||||||||||||V1'), 'not-an-attendance');
    assert.equal(said('PV1|1|I|BLED CLINIC||||||||||||||||V1'), 'not-an-attendance');
  });

  it('calls a stay one of maternity or birth by any sign of it, however it was booked', () => {
    const methods = (fields: Record<number, string>, trigger = 'A01') => {
      const given: Record<number, string> = { 2: 'I', 3: 'Ward 7', 4: '21', 10: '300', 19: 'V1', ...fields };
      const pv1 = ['PV1', ...Array.from({ length: 44 }, (_, index) => given[index + 1] ?? '')].join('|');
      const data = factOf(translated(message({ trigger, pv1 }))).data as {
        admissionMethod: string;
        careContext: string;
      };
      return [data.admissionMethod, data.careContext];
    };
    const maternity = ['maternity', 'maternity'];
    const birth = ['birth', 'newborn'];
    assert.deepEqual(methods({}), ['emergency', 'general']);
    assert.deepEqual(methods({ 2: 'B' }), maternity);
    assert.deepEqual(methods({ 3: 'LABOUR WARD' }), maternity);
    assert.deepEqual(methods({ 3: 'Delivery Suite' }, 'A03'), maternity);
    assert.deepEqual(methods({ 6: 'Labour Ward' }, 'A02'), maternity);
    assert.deepEqual(methods({ 4: 'L' }), maternity);
    assert.deepEqual(methods({ 10: 'MIDWIFERY' }), maternity);
    assert.deepEqual(methods({ 10: 'X1^Obstetrics' }), maternity);
    assert.deepEqual(methods({ 18: 'Maternity Inpatient' }), maternity);
    assert.deepEqual(methods({ 2: 'NEWBORN' }), birth);
    assert.deepEqual(methods({ 3: 'SCBU' }), birth);
    assert.deepEqual(methods({ 4: 'N' }), birth);
    assert.deepEqual(methods({ 14: '79' }), birth);
    assert.deepEqual(methods({ 36: '5' }, 'A03'), birth);
    assert.deepEqual(methods({ 4: 'E' }), ['emergency', 'general']);
  });

  it('knows the destinations of today and of the older list, and calls no other code anything', () => {
    const destinationOf = (code: string) => {
      const fields = [...PV1.split('|').slice(0, 37), code, ...PV1.split('|').slice(38)];
      const { data } = factOf(translated(message({ trigger: 'A03', pv1: fields.join('|') })));
      return (data as EventData['uk.causeway.nhs.patient-discharge.recorded.v1']).dischargeDestination;
    };
    assert.deepEqual(['38', '40', '42'].map(destinationOf), Array(3).fill('penal_establishment_or_police'));
    assert.deepEqual(['55', '56', '85'].map(destinationOf), Array(3).fill('other_care'));
    assert.deepEqual(['98', '89', 'X'].map(destinationOf), Array(3).fill('UNKNOWN'));
  });

  it('takes a digit beside a check digit scheme for no tracing status', () => {
    const verified = (cx: string) =>
      factOf(translated(message({ pid: `PID|1||T1^^^RWX^HOSP~${cx}||A^B||1941|2` }))).verified;
    assert.deepEqual(verified('9434765919^3^M11^NHS^NHS'), { nhs: '9434765919' });
    assert.deepEqual(verified('9434765919^NSTS03^M11^NHS^NHS'), {});
    assert.deepEqual(verified('9434765919^3^^NHS^NHS'), {});
  });

  it('takes PV1-44 of a planned admission for its planned time where nothing else says it', () => {
    const planned = (more: string[]) => {
      const pv1 = PV1.replace('20240305101500', '20240401160000');
      const evn = 'EVN|A05|20240305101900';
      return factOf(translated(message({ trigger: 'A05', evn, pv1, more }))).data as { plannedAt?: string };
    };
    assert.match(planned([]).plannedAt ?? '', /^2024-04-01T16:00:00/);
    assert.match(planned([`PV2|${'|'.repeat(7)}20240402090000`]).plannedAt ?? '', /^2024-04-02T09:00:00/);
  });

  it('takes a part of a word in the name of a ward for no birth', () => {
    const methodOn = (ward: string) =>
      admissionOf(translated(message({ pv1: PV1.replace('Ward 7', ward) }))).admissionMethod;
    assert.deepEqual(
      ['CATH LABORATORY', 'BIRTHWAITE WARD', 'LABOUR WARD', 'BIRTHING SUITE', 'BIRTH CENTRE'].map(methodOn),
      ['emergency', 'emergency', 'maternity', 'maternity', 'maternity'],
    );
  });

  it('tells a death at the end of an emergency attendance, and one that only PID-30 of a discharge says', () => {
    const types = (parts: Parts) => {
      const outcome = translated(message({ trigger: 'A03', ...parts }));
      return outcome.kind === 'facts' ? outcome.facts.map(({ type }) => type.slice(16)) : outcome.reason;
    };
    const ended = (patientClass: string, method: string) => {
      const fields = PV1.split('|');
      return [...fields.with(2, patientClass).slice(0, 36), method, ...fields.slice(37)].join('|');
    };
    const dead = `${PID}${'|'.repeat(22)}Y`;
    assert.deepEqual(types({ pv1: ended('E', '4') }), ['death.notified.v1']);
    assert.equal(types({ pv1: ended('E', '1') }), 'end-of-emergency-attendance');
    const alive = `${PID}${'|'.repeat(22)}N`;
    assert.equal(types({ pid: alive, pv1: ended('E', '4') }), 'end-of-emergency-attendance');
    assert.deepEqual(types({ pid: dead }), ['patient-discharge.recorded.v1', 'death.notified.v1']);
    assert.deepEqual(types({ pid: dead, pv1: ended('I', '4') }), [
      'patient-discharge.recorded.v1',
      'death.notified.v1',
    ]);
  });

  it('tells a death once, by the record or by how the stay ended, and takes it back the same way', () => {
    const deathOf = (parts: Parts) => {
      const outcome = translated(message(parts));
      assert.ok(outcome.kind === 'facts');
      const found = outcome.facts.find(({ type }) => type === 'uk.causeway.nhs.death.notified.v1');
      const data = found?.data as EventData['uk.causeway.nhs.death.notified.v1'] | undefined;
      return [data?.status, data?.dateOfDeath?.value, found?.remember?.fact, found?.remember?.onlyIf];
    };
    const pid = (date: string, indicator: string) =>
      `PID|1||T1^^^RWX^HOSP||A^B||1941|2${'|'.repeat(21)}${date}|${indicator}`;
    assert.deepEqual(deathOf({ trigger: 'A31', pid: pid('20240304', 'Y') }), [
      'informal',
      '2024-03-04',
      'death',
      'not-known',
    ]);
    assert.deepEqual(deathOf({ trigger: 'A31', pid: pid('""', '""') }), [
      'removed',
      undefined,
      'death',
      'known',
    ]);
    assert.deepEqual(deathOf({ trigger: 'A08', pid: pid('""', '') }), [
      'removed',
      undefined,
      'death',
      'known',
    ]);
    assert.equal(deathOf({ trigger: 'A08', pid: pid('""', 'Y') })[0], 'informal');
    assert.deepEqual(deathOf({ trigger: 'A31', pid: pid('', '') }), Array(4).fill(undefined));
    const died = `PV1|1|I|W||||||||||||||||V1${'|'.repeat(17)}4|79|||||||20240301|20240305101000`;
    assert.deepEqual(deathOf({ trigger: 'A03', pv1: died }), [
      'informal',
      '2024-03-05',
      'death-at-discharge',
      'not-known',
    ]);
    assert.deepEqual(deathOf({ trigger: 'A13' }), ['removed', undefined, 'death-at-discharge', 'known']);
  });

  it('links each record of a merge to the one that goes on, and names nobody in the event', () => {
    const one = 'PID|1||T1^^^RWX^HOSP~9434765919^^^NHS||Exampleton^Alda||19410217|2';
    const two = 'PID|2||T3^^^RWX^HOSP||Sampleson^Cerys||19500101|2';
    const more = ['MRG|T2^^^RWX^HOSP', two, 'MRG|T3^^^RWX^HOSP~T4^^^RWX^HOSP'];
    const outcome = translated(message({ trigger: 'A40', pid: one, pv1: 'ZZZ|', more }));
    assert.ok(outcome.kind === 'facts');
    const links = outcome.facts.map(({ subject, others }) => [
      subject[0]?.id,
      others?.[0]?.local?.map(({ id }) => id),
    ]);
    assert.deepEqual(links, [
      ['T1', ['T2']],
      ['T3', ['T4']],
    ]);
    assert.doesNotMatch(JSON.stringify(outcome.facts.map(({ data }) => data)), /"T\d"|Exampleton|943/);
  });

  it('says what a message deletes, which is not the same as what it leaves out', () => {
    const amended = (pid: string) => {
      const { data } = factOf(translated(message({ trigger: 'A31', pid })));
      return (data as EventData['uk.causeway.nhs.demographics.amended.v1']).amended;
    };
    assert.equal(amended('PID|1||T1||A^B||19410217|2|||'), null);
    assert.deepEqual(amended('PID|1||T1||A^B||""|2|||""'), ['person.dateOfBirth', 'person.address']);
  });

  it('says when an appointment was made and when it is, whichever field has which', () => {
    const booking = (evn: string, pv2: string) => {
      const pv1 = 'PV1|1|O|Clinic||||||||||||||||V1';
      const fact = factOf(translated(message({ trigger: 'A05', evn, pv1, more: [pv2] })));
      const data = fact.data as EventData['uk.causeway.nhs.outpatient-appointment.recorded.v1'];
      return [fact.occurredAt.slice(0, 16), data.appointmentAt?.slice(0, 16)];
    };
    const both = ['2024-03-05T10:00', '2024-03-09T09:00'];
    assert.deepEqual(booking('EVN|A05|20240305100000||||20240309090000', 'PV2|'), both);
    assert.deepEqual(booking('EVN|A05|20240305100500||||20240305100000', 'PV2||||||||202403090900'), both);
    assert.deepEqual(booking('EVN|A05|20240305100000|20240309090000', 'PV2|'), both);
    const late = booking('EVN|A05|20240305100000||||20240301090000', 'PV2||||||||202403010900');
    assert.deepEqual(late, ['2024-03-05T10:00', '2024-03-01T09:00']);
  });

  it('marks what belongs to history, and carries the order of the feed', () => {
    const msh = 'MSH|^~\\&|PAS|RWX|TIE|RWX|20240305102000||ADT^A01|C1|P^A|2.4|42';
    const { replay, sequence } = factOf(translated(message({ msh })));
    assert.deepEqual([replay, sequence], [true, '00000000000000000042']);
    assert.equal(factOf(translated(message({}))).replay, undefined);
  });

  it('ignores what it does not translate, and says which kind that is', () => {
    const reasonOf = (outcome: TranslationOutcome) =>
      outcome.kind === 'ignored' ? outcome.reason : outcome.kind;
    const adt = (trigger: string) => translated(message({ trigger }));
    assert.equal(reasonOf(adt('Z99')), 'trigger-not-translated');
    assert.equal(reasonOf(adt('constructor')), 'trigger-not-translated');
    for (const type of ['SIU^S12', 'ORU^R01', 'MFN^M02', 'ORM^O01', 'MDM^T02'])
      assert.equal(reasonOf(translated(`MSH|^~\\&|A|B|||20240305||${type}|1|P|2.4`)), 'not-adt');
    assert.equal(
      reasonOf(translated('MSH|^~\\&|A|B|||20240305||ADT^A01|1|T|2.4')),
      'processing-id-not-accepted',
    );
  });

  it('calls a message undecodable where it cannot know what was meant', () => {
    const reasonOf = (outcome: TranslationOutcome) =>
      outcome.kind === 'undecodable' ? outcome.reason : outcome.kind;
    assert.equal(reasonOf(translated('MSH|^~\\&|A|B|||20240305||||P|2.4')), 'no-message-type');
    assert.equal(reasonOf(translated('MSH|^~\\&|A|B|||20240305||ADT^A01|1|P|2.4')), 'no-patient-segment');
    assert.equal(reasonOf(translated(message({ pv1: 'ZZZ|' }))), 'no-visit-segment');
    assert.equal(reasonOf(translated(message({ pv1: 'PV1|1|I' }))), 'no-visit-number');
    const dateless = { msh: 'MSH|^~\\&|A|B|||||ADT^A01|1|P|2.4', evn: 'EVN|A01', pv1: PV1.slice(0, -14) };
    assert.equal(reasonOf(translated(message(dateless))), 'no-event-time');
  });

  it('takes the trigger from EVN where the header leaves it out', () => {
    const msh = 'MSH|^~\\&|A|B|||20240305||ADT|1|P|2.2';
    assert.equal(
      factOf(translated(message({ msh }))).type,
      'uk.causeway.nhs.inpatient-admission.recorded.v1',
    );
  });

  it('accepts a cancellation that does not repeat the class, for the source to check against its memory', () => {
    const fact = factOf(translated(message({ trigger: 'A11', pv1: PV1.replace('|I|', '||') })));
    assert.deepEqual(fact.voids, { visit: 'V1', fact: 'inpatient-admission', onlyIfKnown: true });
  });

  it('prefers the time of the visit, then of the event, then of its recording', () => {
    const at = (parts: Parts) => admissionOf(translated(message(parts))).admittedAt;
    const none = PV1.slice(0, -14);
    assert.equal(at({}), '2024-03-05T10:15:00+00:00');
    assert.equal(
      at({ pv1: none, evn: 'EVN|A01|20240305101900||||20240305101000' }),
      '2024-03-05T10:10:00+00:00',
    );
    assert.equal(at({ pv1: none, evn: 'EVN|A01|20240305101900' }), '2024-03-05T10:19:00+00:00');
    assert.equal(at({ pv1: none, evn: 'EVN|A01' }), '2024-03-05T10:20:00+00:00');
  });

  it('takes the time of day of the event where the visit has only its date, unless that is another day', () => {
    const at = (date: string) =>
      admissionOf(translated(message({ pv1: PV1.slice(0, -14) + date }))).admittedAt;
    assert.equal(at('20240305'), '2024-03-05T10:15:00+00:00');
    assert.equal(at('20240301'), '2024-03-01T00:00:00+00:00');
  });

  it('gives births and maternity as such, also where the stay was booked under another method', () => {
    const method = (code: string, specialty: string, type: string) => {
      const pv1 = `PV1|1|I|W|${code}||||||${specialty}||||||||${type}|V1`;
      return admissionOf(translated(message({ pv1 }))).admissionMethod;
    };
    assert.equal(method('31', '300', ''), 'maternity');
    assert.equal(method('82', '424', 'NEWBORN'), 'birth');
    assert.equal(method('22', '501', ''), 'maternity');
    assert.equal(method('22', '300', 'MATERNITY'), 'maternity');
    assert.equal(method('2A', '300', ''), 'emergency');
    assert.equal(method('99', '300', ''), 'UNKNOWN');
  });
});

describe('the patient of a message', () => {
  const patient = (pid: string, settings: Partial<Translation> = {}) => {
    const { subject, verified, data } = factOf(translated(message({ pid }), settings));
    return { subject, verified, person: (data as { person: Person }).person };
  };

  it('is known by the hospital number first, and by the traced NHS number for certain', () => {
    const { subject, verified } = patient(`${PID}||||||||||||||||||||||||NSTS01`);
    assert.deepEqual(subject, [
      { scheme: 'rwx', id: 'T1' },
      { scheme: 'nhs-number', id: '9434765919' },
    ]);
    assert.deepEqual(verified, { nhs: '9434765919' });
  });

  it('is not certain where the number was not traced', () => {
    const untraced = patient(`${PID}||||||||||||||||||||||||NSTS03`);
    assert.deepEqual(untraced.verified, {});
    assert.equal(untraced.person.identifiers.nhsNumberStatus, 'trace_required');
    assert.deepEqual(patient(PID, { nhsNumber: { withoutStatus: 'unverified' } }).verified, {});
  });

  it('has no NHS number where it is wrong, a placeholder, or not the only one', () => {
    const number = (list: string) => patient(`PID|1||${list}||A^B||19410217|2`).person.identifiers.nhsNumber;
    assert.equal(number('1234567890^^^NHS'), null);
    assert.equal(number('9999999999^^^NHS'), null);
    assert.equal(number('9434765919^^^NHS~9434765919^^^NHS'), '9434765919');
    assert.equal(number('9434765919^^^NHS~4010232137^^^NHS'), null);
  });

  it('is found in PID-2 where PID-3 has nothing', () => {
    assert.deepEqual(patient('PID|1|D1^^^RAJ12^HOSP|||A^B').subject, [{ scheme: 'raj12', id: 'D1' }]);
  });

  it('has a deleted value as not known', () => {
    const { person } = patient('PID|1||T1||""^""||""|""|||""^""^""');
    assert.deepEqual(person.name, null);
    assert.deepEqual(person.dateOfBirth, null);
    assert.equal(person.sex, 'UNKNOWN');
    assert.equal(person.address, null);
  });

  it('has the usual name and the home address of several', () => {
    const names = 'Former^Name^^^^^M~Exampleton^Alda^^^^^L';
    const addresses = '1 Office Row^^^^WE1 1AA^^B~2 Home Lane^^Fictionham^^we45ts^^H';
    const { person } = patient(`PID|1||T1||${names}||1941|2|||${addresses}`);
    assert.equal(person.name?.familyName, 'Exampleton');
    assert.deepEqual(person.address?.lines, ['2 Home Lane', 'Fictionham']);
    assert.equal(person.address?.postcode, 'WE4 5TS');
    assert.deepEqual(person.dateOfBirth, { value: '1941', precision: 'year' });
  });

  it('is a child until the eighteenth birthday, and neither where the date does not tell', () => {
    const category = (born: string) =>
      admissionOf(translated(message({ pid: `PID|1||T1||A^B||${born}|2` }))).personCategory;
    assert.deepEqual(['20060306', '20060305', '2006', '2005', '200603', ''].map(category), [
      'child',
      'adult',
      'UNKNOWN',
      'adult',
      'UNKNOWN',
      'UNKNOWN',
    ]);
  });

  it('is nowhere to be found in an event where the feed marked a shielded address, or may have', () => {
    const pid = `${PID}|||1 Hidden Lane^^^^WE4 5TS^^H`;
    const shielded = (...more: string[]) => {
      const outcome = translated(message({ pid, more: ['PD1|||Surgery^^Y99999', ...more] }));
      const found = /Hidden|WE4|Y99999|WESTGEN|Ward/.test(JSON.stringify(factOf(outcome).data));
      return [!found, outcome.kind === 'facts' ? outcome.mark?.shielding : undefined];
    };
    assert.deepEqual(shielded('ZU8|U|1|Yes'), [true, 'yes']);
    assert.deepEqual(shielded('ZU8|Z|1|No'), [false, 'no']);
    assert.deepEqual(shielded('ZU8|Y'), [true, undefined]);
    assert.deepEqual(shielded('ZU8|""'), [false, undefined]);
    assert.deepEqual(shielded(), [false, undefined]);
    assert.deepEqual(shielded('PD1|||Surgery^^Y99999|||||||||R'), [false, undefined]);
    const pd1 = 'PD1|||Surgery^^Y99999|||||||||R';
    const restricted = translated(message({ pid, more: [pd1] }));
    assert.doesNotMatch(JSON.stringify(factOf(restricted).data), /Hidden|WE4|Y99999|WESTGEN|Ward/);
    const typed = translated(message({ pid: pid.replace('^^H', '^^SHIELDED') }));
    assert.doesNotMatch(JSON.stringify(factOf(typed).data), /Hidden|WE4/);
  });
});

describe('translation of anything', () => {
  it('never throws and always says the same, whatever the fields hold', () => {
    const field = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.constantFrom('', '""', 'I', '20240305101500', '2024', '^^^NHS', '9434765919^^^NHS', '~~', '^&^'),
    );
    const line = (name: string) =>
      fc
        .array(field, { maxLength: 50 })
        .map((fields) => `${name}|${fields.join('|').replace(/[\r\n]/g, '')}`);
    const trigger = fc.constantFrom('A01', 'A03', 'A11', 'A13', 'A40');
    const any = fc.tuple(trigger, line('EVN'), line('PID'), line('PV1'), line('ZU8'));
    fc.assert(
      fc.property(any, ([event, evn, pid, pv1, zu8]) => {
        const raw = message({ trigger: event, evn, pid, pv1, more: [zu8] });
        assert.deepEqual(translated(raw), translated(raw));
      }),
      { numRuns: 500 },
    );
  });

  it('reads the messages that the simulator invents', () => {
    const at = new Date('2026-03-05T10:15:00Z');
    const fact = factOf(translated(stayMessage({ trigger: 'A03', stay: 12, controlId: 'X', at })));
    assert.equal(fact.occurredAt, '2026-03-05T10:15:00+00:00');
    assert.equal(Object.keys(fact.verified).length, 1);
  });

  it('reads the child in the emergency department whom the simulator plays', () => {
    const fact = factOf(
      translated(attendanceMessage({ attendance: 7, child: 3, controlId: 'A7', at: new Date(0) })),
    );
    assert.equal(fact.type, 'uk.causeway.nhs.emergency-attendance.registered.v1');
    assert.equal(fact.verified.nhs, exampleChild(3).nhsNumber);
  });
});

it('a stay that one message shows to be about a birth is marked for those that follow', () => {
  const labour = PV1.replace('Ward 7', 'Labour Ward');
  const marks = [labour, PV1].map((pv1) =>
    (factOf(translated(message({ pv1 }))).traits ?? []).map(({ visit, name, seen }) => [visit, name, seen]),
  );
  assert.deepEqual(marks, [
    [
      ['V1', 'maternity-stay', true],
      ['V1', 'birth-stay', false],
    ],
    [
      ['V1', 'maternity-stay', false],
      ['V1', 'birth-stay', false],
    ],
  ]);
});
