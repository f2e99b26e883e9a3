/**
 * What an event says, in a sentence or two for whoever is on duty. Only what was released can be there; what is missing is left out.
 * A type without words of its own is told by its title and its fields.
 */
import { birthOf, day, inBrief, isRecord, isText, localTime, nameOf, words } from './wording.ts';

type Facts = {
  data: Record<string, unknown>;
  /** A code in words; undefined where it was not released, is not known, or says no more than that. */
  code(name: string): string | undefined;
  text(name: string): string | undefined;
  time(name: string): string | undefined;
  yes(name: string): boolean | undefined;
};

type Said = string | undefined | false;

const factsOf = (data: Record<string, unknown>): Facts => {
  const text = (name: string) => (isText(data[name]) ? inBrief(String(data[name])) : undefined);
  return {
    data,
    text,
    code: (name) =>
      text(name) === undefined || data[name] === 'UNKNOWN' ? undefined : words(String(data[name])),
    time: (name) => (isText(data[name]) ? localTime(String(data[name])) : undefined),
    yes: (name) => (typeof data[name] === 'boolean' ? data[name] : undefined),
  };
};

const label = (before: string, value: string | undefined, after = ''): Said =>
  value === undefined ? undefined : `${before}${value}${after}`;

const childrenOf = ({ data }: Facts): Said => {
  const children = Array.isArray(data.children) ? data.children.filter(isRecord) : [];
  if (children.length === 0) return undefined;
  const each = children.map((child) => {
    const one = factsOf(child);
    const more = [
      `born ${birthOf(child.person)}`,
      one.code('presence'),
      one.yes('seenByOfficer') === true && 'seen by an officer',
      label('school: ', one.text('school')),
      label('said: ', one.text('voice')),
    ];
    return `${nameOf(child.person)} (${more.filter(Boolean).join('; ')})`;
  });
  return `Children: ${each.join(', ')}`;
};

const concernsOf = ({ data }: Facts): Said =>
  Array.isArray(data.concerns) && data.concerns.length > 0
    ? `Concerns: ${data.concerns.filter(isText).map(words).join(', ')}`
    : undefined;

const whoOf = (facts: Facts): string => facts.code('personCategory') ?? 'person';

const SENTENCES: Record<string, (facts: Facts) => Said[]> = {
  'uk.causeway.police.missing-person.reported.v1': (f) => [
    `Missing ${whoOf(f)}${label(', ', f.code('risk'), ' risk') || ''}`,
    label(
      'Last seen ',
      [f.time('lastSeenAt'), label('in ', f.text('lastSeenArea'))].filter(Boolean).join(' ') || undefined,
    ),
    f.yes('fromCare') === true &&
      `Missing from care${label(', placed by ', f.text('placingAuthority')) || ''}`,
    f.text('description'),
  ],
  'uk.causeway.police.missing-person.located.v1': (f) => [
    `Missing ${whoOf(f)} found${label(' ', f.time('locatedAt')) || ''}`,
    label('', f.code('outcome')),
    label('Found by ', f.code('foundBy')),
    label('Return interview due ', f.time('returnInterviewDueAt')),
  ],
  'uk.causeway.police.domestic-abuse-incident.attended.v1': (f) => [
    `Police attended domestic abuse${label(' ', f.time('attendedAt')) || ''}`,
    label('Risk: ', f.code('riskGrade')),
    f.yes('marac') === true && 'To be heard at MARAC',
    childrenOf(f),
  ],
  'uk.causeway.police.vulnerability-report.shared.v1': (f) => [
    `Vulnerability report${label(', graded ', f.code('grade')) || ''}`,
    concernsOf(f),
    label('Consent: ', f.code('consent')),
    label('Overridden because of ', f.code('consentOverriddenBecause')),
    label('Wishes: ', f.text('adultsWishes')),
    f.text('summary'),
    childrenOf(f),
  ],
  'uk.causeway.police.child-protection-power.used.v1': (f) => [
    `Child taken into police protection${label(' ', f.time('takenAt')) || ''}`,
    label('Ends ', f.time('expiresAt')),
    label('Accommodated: ', f.code('accommodation')),
  ],
  'uk.causeway.police.mental-health-detention.made.v1': (f) => [
    `Detained under the Mental Health Act${label(' ', f.time('detainedAt')) || ''}`,
    label('Power: ', f.code('powerUsed')),
    label('Place of safety: ', f.code('placeOfSafety')),
  ],
  'uk.causeway.nhs.emergency-attendance.registered.v1': (f) => [
    `${whoOf(f) === 'child' ? 'Child' : 'Person'} at an emergency department${label(' ', f.time('attendedAt')) || ''}`,
    label('Attendance: ', f.code('attendanceCategory')),
    label('Accompanied by ', f.code('accompaniedBy')),
    label('Visit ', f.text('visitId')),
  ],
  'uk.causeway.nhs.inpatient-admission.recorded.v1': (f) => [
    `Admitted to hospital${label(' ', f.time('admittedAt')) || ''}`,
    label('Admission: ', f.code('admissionMethod')),
    label('Expected to go home ', f.time('expectedDischargeAt')),
    label('Visit ', f.text('visitId')),
  ],
  'uk.causeway.nhs.inpatient-transfer.recorded.v1': (f) => [
    `Moved within hospital${label(' ', f.time('transferredAt')) || ''}`,
    f.yes('siteChanged') === true && 'To another site',
    label('Visit ', f.text('visitId')),
  ],
  'uk.causeway.nhs.discharge.planned.v1': (f) => [
    `Discharge from hospital planned${label(' for ', f.time('proposedDischargeAt')) || ''}`,
    f.yes('careNeedsIndicated') === true && 'Care needs indicated',
    label('Destination: ', f.code('plannedDestination')),
    label('Needs: ', f.text('careNeeds')),
    label('Visit ', f.text('visitId')),
  ],
  'uk.causeway.nhs.patient-discharge.recorded.v1': (f) => [
    `Left hospital${label(' ', f.time('dischargedAt')) || ''}`,
    label('Destination: ', f.code('dischargeDestination')),
    label('Visit ', f.text('visitId')),
  ],
  'uk.causeway.nhs.death.notified.v1': (f) => [
    f.data.status === 'removed' ? 'Notice of death withdrawn: the person is alive' : 'Death notified',
    label(
      'Died ',
      isRecord(f.data.dateOfDeath) && isText(f.data.dateOfDeath.value)
        ? day(f.data.dateOfDeath.value)
        : undefined,
    ),
    label('Status: ', f.code('status')),
  ],
};

/** Those that have their own columns, or that say nothing to a reader. */
const ELSEWHERE = new Set(['person', 'contact', 'corrects', 'voids']);
const LABELS_SPLIT = /([a-z0-9])([A-Z])/g;

const fieldLines = (data: Record<string, unknown>): Said[] =>
  Object.entries(data)
    .filter(([name]) => !ELSEWHERE.has(name))
    .map(([name, value]) => {
      const said = spoken(value);
      return said === undefined
        ? undefined
        : `${name.replaceAll(LABELS_SPLIT, '$1 $2').toLowerCase()}: ${said}`;
    });

const spoken = (value: unknown): string | undefined => {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return String(value);
  if (!isText(value) || value === 'UNKNOWN') return undefined;
  if (/^\d{4}-\d\d-\d\dT/.test(value)) return localTime(value);
  return /^[a-z]+(_[a-z0-9]+)+$/.test(value) ? words(value) : inBrief(value);
};

/** What is withdrawn or corrected, and why. */
const correction = (title: string, facts: Facts): Said[] => [
  `WITHDRAWN OR CORRECTED: ${title}`,
  label('Reason: ', facts.code('reason')),
  ...fieldLines(Object.fromEntries(Object.entries(facts.data).filter(([name]) => name !== 'reason'))),
];

/** One line. `title` is what the catalogue calls the type. */
export const summaryOf = (event: SummarisedEvent, title: string, data: unknown): string => {
  const facts = factsOf(isRecord(data) ? data : {});
  const said = event.isCorrection
    ? correction(title, facts)
    : (SENTENCES[event.type]?.(facts) ?? [title, ...fieldLines(facts.data)]);
  const sentences = said.filter((one): one is string => typeof one === 'string' && one !== '');
  const whole = sentences.map((one) => one.replace(/[.\s]+$/, '')).join('. ');
  return `${event.replay ? 'From the past: ' : ''}${whole}.`;
};

type SummarisedEvent = { type: string; isCorrection: boolean; replay: boolean };
