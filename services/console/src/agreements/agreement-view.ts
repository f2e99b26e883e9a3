import { agreementDifferences } from '@causeway/runtime/agreements/diff';
import { previewAgreement } from '@causeway/runtime/agreements/preview';
import type { Agreement } from '@causeway/schemas/agreements/agreement';
import type { VersionState } from '@causeway/schemas/agreements/log';
import { loadCatalogue } from '@causeway/schemas/catalogue/catalogue';
import { eventTitle } from '../web/event-titles.ts';
import { codeInWords, dayInWords, listedInWords, momentInWords, periodInWords } from '../web/wording.ts';
import type { AgreementFamily } from './agreement-service.ts';

type NameOf = (id: string) => string;

const STATUS_TAGS: Record<string, { text: string; tag: string }> = {
  draft: { text: 'Draft', tag: 'blue' },
  active: { text: 'Active', tag: 'green' },
  suspended: { text: 'Suspended', tag: 'red' },
  ended: { text: 'Ended', tag: 'grey' },
};

export function agreementRows(families: readonly AgreementFamily[], nameOf: NameOf, now: number) {
  const today = new Date(now).toISOString().slice(0, 10);
  return families.map(({ id, current, latest, versions }) => {
    const { agreement } = current.record;
    const draft = versions.find(({ status, record }) => status === 'draft' && record.version === latest);
    return {
      href: `/agreements/${id}`,
      title: agreement.title,
      from: nameOf(agreement.from),
      to: agreement.to.map(nameOf).join(', '),
      tag: STATUS_TAGS[current.status],
      version: current.record.version,
      draft: draft !== undefined && draft !== current,
      until: dayInWords(agreement.valid.until),
      review: dayInWords(agreement.valid.review),
      late: agreement.valid.review < today || agreement.valid.until < today,
    };
  });
}

/** One version in full, what it changes against another, and what it would show of the example. */
export function agreementView(
  family: AgreementFamily,
  asked: { shown: number | undefined; against: number | undefined },
  nameOf: NameOf,
  now: number,
) {
  const find = (version: number | undefined) =>
    family.versions.find(({ record }) => record.version === version);
  const shown = find(asked.shown) ?? family.current;
  const against =
    find(asked.against) ?? family.versions.findLast(({ record }) => record.version < shown.record.version);
  const { agreement } = shown.record;
  return {
    id: family.id,
    title: agreement.title,
    version: shown.record.version,
    tag: STATUS_TAGS[shown.status],
    status: shown.status,
    isCurrent: shown === family.current,
    facts: factsOf(agreement, nameOf),
    parties: Object.entries(agreement.parties).map(([id, party]) => ({
      name: nameOf(id),
      regime: party.regime === 'uk-gdpr' ? 'UK GDPR' : 'Data Protection Act 2018, part 3',
      basis: [party.article6, party.article9]
        .filter((one) => one !== undefined)
        .map(codeInWords)
        .join(' · '),
      approved:
        party.approvedBy && party.approvedAt ? `${party.approvedBy}, ${dayInWords(party.approvedAt)}` : '',
    })),
    released: releasedOf(agreement),
    preview: previewOf(agreement),
    differences: against ? differencesOf(against, shown) : [],
    against: against?.record.version,
    versions: family.versions.toReversed().map((one) => ({
      version: one.record.version,
      href: `/agreements/${family.id}?version=${one.record.version}`,
      tag: STATUS_TAGS[one.status],
      loaded: `${momentInWords(Date.parse(one.record.at), now)} by ${one.record.by}`,
      current: one === shown,
    })),
  };
}

function factsOf(agreement: Agreement, nameOf: NameOf) {
  const { valid, recipient, baseline, audience } = agreement;
  const audienceText =
    typeof audience === 'object'
      ? `Only about people known to the recipient as: ${audience.knownAs.map(codeInWords).join(', ')}`
      : audience === 'all'
        ? 'Everyone that the conditions let through'
        : 'Only the organisation that opened the case';
  const conditions = Object.entries(agreement.where).map(
    ([path, values]) => `${path} is ${values.join(' or ')}`,
  );
  return [
    { label: 'From', value: nameOf(agreement.from) },
    { label: 'To', value: agreement.to.map(nameOf).join(', ') },
    { label: 'Purpose', value: listedInWords('purpose', agreement.purpose) },
    {
      label: 'Legal gateways',
      value: agreement.gateways.map((code) => listedInWords('gateways', code)).join('; '),
    },
    { label: 'People', value: audienceText },
    { label: 'Conditions', value: conditions.length > 0 ? conditions.join('; ') : 'None' },
    { label: 'In force', value: `${dayInWords(valid.from)} to ${dayInWords(valid.until)}` },
    {
      label: 'Review by',
      value: `${dayInWords(valid.review)}, then ${valid.graceDays} days until it stops releasing`,
    },
    { label: 'Kept by the recipient', value: periodInWords(recipient.retention) },
    { label: 'Passed on', value: codeInWords(recipient.onward) },
    { label: 'Told to the person', value: codeInWords(agreement.disclosureToSubject) },
    {
      label: 'Impact assessment',
      value: agreement.dpia
        ? `${agreement.dpia.reference}, ${dayInWords(agreement.dpia.approvedAt)}`
        : 'None yet',
    },
    {
      label: 'Before Causeway',
      value: baseline ? `${baseline.hours} hours by ${baseline.method}` : 'Not said',
    },
    { label: 'Data protection', value: agreement.contacts.dataProtection },
    { label: 'Incidents', value: agreement.contacts.incident },
  ];
}

function releasedOf(agreement: Agreement) {
  return Object.entries(agreement.release).map(([type, { fields, generalise, necessity }]) => ({
    title: eventTitle(type),
    type,
    fields: [
      ...fields.map((path) => ({ path, form: 'as it is', why: necessity[path] ?? '' })),
      ...Object.entries(generalise).map(([path, form]) => ({
        path,
        form: `as ${form} only`,
        why: necessity[path] ?? '',
      })),
    ],
  }));
}

function previewOf(agreement: Agreement) {
  try {
    return previewAgreement(agreement, loadCatalogue())
      .filter(({ sibling }) => !sibling)
      .map(({ title, recipient, meetsConditions, seen, withheld }) => ({
        title,
        recipient,
        meetsConditions,
        seen: seen.map(({ path, value }) => ({ path, value: textOf(value) })),
        withheld: withheld.map(({ path }) => path),
      }));
  } catch {
    // A version of long ago may name what the catalogue has no more.
    return [];
  }
}

const textOf = (value: unknown): string =>
  value === null || value === undefined
    ? 'not known'
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value);

function differencesOf(before: VersionState, after: VersionState) {
  const expanded = ({ record }: VersionState) => ({ agreement: record.agreement, release: record.release });
  const tags = { wider: 'red', narrower: 'green', changed: 'grey' } as const;
  return agreementDifferences(expanded(before), expanded(after)).map(({ effect, what, before, after }) => ({
    what: changedInWords(what),
    before: formInWords(before),
    after: formInWords(after),
    tag: { text: codeInWords(effect), tag: tags[effect] },
  }));
}

/** A leaf comes as `<event type> <path>`. */
function changedInWords(what: string): string {
  const [type = '', path] = what.split(' ');
  return path === undefined ? what : `${eventTitle(type)}, ${path}`;
}

const formInWords = (form: string): string => (form === 'exact' ? 'as it is' : form);
