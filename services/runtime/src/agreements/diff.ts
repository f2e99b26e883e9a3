import { type Agreement, canonicalJson } from '@causeway/schemas/agreements/agreement';
import { formOf, type Release } from '@causeway/schemas/disclosure/view';

/** What a change of an agreement does to what its recipients get: more, less, or something else. */
export type Effect = 'wider' | 'narrower' | 'changed';
export type Difference = { effect: Effect; what: string; before: string; after: string };

/** An agreement with its paths expanded to leaves. */
export type Expanded = { agreement: Agreement; release: Readonly<Record<string, Release>> };

const WITHHELD = 'withheld';

/**
 * The differences of two versions of an agreement: first what is released to whom, then everything else. A leaf counts
 * as released in a form; a gate that was changed is `changed`, because which way it goes is for a person to judge.
 */
export const agreementDifferences = (before: Expanded, after: Expanded): Difference[] => [
  ...recipientDifferences(before.agreement, after.agreement),
  ...releaseDifferences(before.release, after.release),
  ...memberDifferences(before.agreement, after.agreement),
];

const recipientDifferences = (before: Agreement, after: Agreement): Difference[] => [
  ...after.to
    .filter((id) => !before.to.includes(id))
    .map((id): Difference => ({ effect: 'wider', what: 'to', before: '', after: id })),
  ...before.to
    .filter((id) => !after.to.includes(id))
    .map((id): Difference => ({ effect: 'narrower', what: 'to', before: id, after: '' })),
];

const releaseDifferences = (
  before: Readonly<Record<string, Release>>,
  after: Readonly<Record<string, Release>>,
): Difference[] => {
  const types = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return types.flatMap((type) => {
    const leaves = new Set([...(before[type]?.leaves ?? []), ...(after[type]?.leaves ?? [])]);
    return [...leaves].flatMap((leaf) => {
      const was = formIn(before[type], leaf);
      const is = formIn(after[type], leaf);
      return was === is
        ? []
        : [{ effect: effectOf(was, is), what: `${type} ${leaf}`, before: was, after: is }];
    });
  });
};

const formIn = (release: Release | undefined, leaf: string): string =>
  release?.leaves.includes(leaf) ? (formOf(release, leaf) ?? 'exact') : WITHHELD;

/** From what says least to what says most, of the forms that can be compared. */
const ORDER = [WITHHELD, 'year', 'month', 'exact'];

const effectOf = (before: string, after: string): Effect => {
  if (before === WITHHELD || after === 'exact') return 'wider';
  if (after === WITHHELD || before === 'exact') return 'narrower';
  const [was, is] = [ORDER.indexOf(before), ORDER.indexOf(after)];
  if (was < 0 || is < 0) return 'changed';
  return is > was ? 'wider' : 'narrower';
};

const OWN_RULES = new Set(['to', 'release', 'version', 'status']);

const memberDifferences = (before: Agreement, after: Agreement): Difference[] => {
  const members = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof Agreement>;
  return [...members]
    .filter((member) => !OWN_RULES.has(member))
    .map((member) => ({ member, was: textOf(before[member]), is: textOf(after[member]) }))
    .filter(({ was, is }) => was !== is)
    .map(({ member, was, is }) => ({ effect: 'changed', what: member, before: was, after: is }));
};

const textOf = (value: unknown): string =>
  value === undefined ? '' : typeof value === 'string' ? value : canonicalJson(value);
