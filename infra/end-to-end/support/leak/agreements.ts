import type { Agreement } from '@causeway/schemas/agreements/agreement';
import {
  type AgreementRecord,
  type AgreementsState,
  applyRecord,
  emptyState,
} from '@causeway/schemas/agreements/log';
import { expandAgreement } from '@causeway/schemas/agreements/release';
import { indexPaths, overlap } from '@causeway/schemas/avro/paths';
import { leavesOf } from '@causeway/schemas/avro/schema';
import type { EventType } from '@causeway/schemas/catalogue/catalogue';
import type { Generaliser } from '@causeway/schemas/disclosure/generalisers';
import type { Random } from './marked.ts';

export const SOURCE = 'the-source';
export const RECIPIENTS = ['west-council', 'north-police', 'east-trust'];

const some = <T>(random: Random, items: readonly T[], share: number): T[] =>
  items.filter(() => random() < share);

/** An agreement about one event type that names some of its paths, some of them in a general form. */
export const randomAgreement = (
  random: Random,
  id: string,
  version: number,
  eventType: EventType,
): Agreement => {
  const leaves = leavesOf(eventType.schema);
  const paths = [...indexPaths(leaves).keys()].filter((path) => !path.endsWith('[]'));
  const fields = some(random, paths, 0.25);
  const free = leaves.filter(
    ({ path, type }) => type === 'string' && !fields.some((one) => overlap(one, path)),
  );
  const forms = ['year', 'initials', 'outcode', 'month'] as const satisfies Generaliser[];
  const general = some(random, free, 0.2).map(({ path }) => {
    const form = forms[Math.floor(random() * forms.length)] ?? 'year';
    return [path, form] as const;
  });
  if (random() < 0.3) fields.push('correlationId');
  if (fields.length + general.length === 0) fields.push('contact');
  const to = some(random, RECIPIENTS, 0.7);
  return {
    id,
    version,
    from: SOURCE,
    to: to.length > 0 ? to : RECIPIENTS.slice(0, 1),
    valid: { from: '2026-01-01', until: '2026-12-31', review: '2026-12-31', graceDays: 0 },
    marking: { ceiling: random() < 0.9 ? 'OFFICIAL-SENSITIVE' : 'OFFICIAL', handling: [] },
    audience: random() < 0.85 ? 'all' : 'originator',
    matching: 'verified',
    where: {},
    history: random() < 0.5,
    feedback: true,
    release: { [eventType.type]: { fields, generalise: Object.fromEntries(general), necessity: {} } },
  } as unknown as Agreement;
};

/** What the agreement's own text grants, leaf by leaf: the second opinion that the test judges by. */
export const grantedBy = (agreement: Agreement, { type, schema }: EventType): ReadonlySet<string> => {
  const known = granted.get(agreement);
  if (known) return known;
  const always = schema.siblingOf?.length ? ['contact', 'corrects', 'reason'] : ['contact'];
  const exact = [...(agreement.release[type]?.fields ?? []), ...always].map(bare);
  const inside = (path: string) => exact.some((named) => path === named || path.startsWith(`${named}.`));
  const leaves = leavesOf(schema).flatMap(({ path }) => (inside(bare(path)) ? [path] : []));
  granted.set(agreement, new Set(leaves));
  return new Set(leaves);
};

const granted = new WeakMap<Agreement, ReadonlySet<string>>();
const bare = (path: string): string => path.replaceAll('[]', '');

/** The state of the log in which each of these is in force, pinned to the schema. */
export const stateOf = (
  agreements: readonly Agreement[],
  eventType: EventType,
  schemaId: number,
): AgreementsState => {
  const records = agreements.flatMap((agreement): AgreementRecord[] => {
    const { id, version } = agreement;
    const { release, problems } = expandAgreement(agreement, [eventType]);
    if (problems.length > 0) throw new Error(JSON.stringify(problems));
    const pinned = Object.fromEntries(
      Object.entries(release).map(([type, one]) => [type, { ...one, schemaId }]),
    );
    const common = { id, version, by: 'test', at: '2026-01-01T00:00:00Z' };
    return [
      { kind: 'version', ...common, agreement, release: pinned, digest: '' },
      { kind: 'status', ...common, status: 'active', reason: 'test' },
    ];
  });
  return records.reduce(applyRecord, emptyState());
};
