import { type AgreementsState, currentVersions } from '@causeway/schemas/agreements/log';
import { maySee, nameIn, type OrganisationReader, type Viewer } from '../access/viewer.ts';
import type { PairCount } from '../measurement/releases.ts';
import type { Measured } from '../measurement/report.ts';
import { perSecond, type Sample } from '../measurement/throughput.ts';
import { eventTitle } from '../web/event-titles.ts';
import {
  codeInWords,
  countInWords,
  perSecondInWords,
  shareInWords,
  shortRateInWords,
} from '../web/wording.ts';
import type { FlowTotal } from './flow-totals.ts';

export type FlowReaders = OrganisationReader & { measured(): Measured; agreements(): AgreementsState };

/** What flows from one organisation to another. */
export type Arrow = {
  source: string;
  recipient: string;
  rate: number | null;
  /** Of the last quarter of an hour. */
  released: number;
  withheld: number;
};
export type Place = { id: string; name: string; kind: string; published: number | null };
export type FlowRow = {
  key: string;
  from: string;
  /** Which of its systems. */
  system: string;
  to: string;
  type: string;
  released: string;
  withheld: string;
  share: string;
  reasons: string;
};
type Strip = {
  from: string;
  to: string;
  rate: string;
  share: string;
  withheld: number;
  state: 'flowing' | 'quiet';
};
type FlowView = {
  places: Place[];
  arrows: Arrow[];
  rows: FlowRow[];
  summary: string;
  /** The arrows as a list, for a window too narrow for the picture. */
  strips: Strip[];
  totals: { label: string; value: string; unit: string }[];
};

const RATE_WINDOW_MS = 60_000;

/** Who sends what to whom: one arrow for each pair that an agreement joins, or that anything was decided for. */
export function flowView(
  readers: FlowReaders,
  totals: readonly FlowTotal[] | undefined,
  viewer: Viewer,
): FlowView {
  const { samples, organisations } = readers.measured();
  const nameOf = nameIn(readers);
  const own = (source: string, recipient: string) => maySee(viewer, source) || maySee(viewer, recipient);
  const arrows = new Map<string, Arrow>();
  const add = (source: string, recipient: string) => {
    const key = `${source} ${recipient}`;
    if (!own(source, recipient) || arrows.has(key)) return;
    arrows.set(key, { source, recipient, ...arrowFigures(samples, key, viewer) });
  };
  for (const { agreement } of currentVersions(readers.agreements()))
    for (const recipient of agreement.to) add(agreement.from, recipient);
  for (const pair of samples.at(-1)?.pairs?.values() ?? []) add(pair.source, pair.recipient);

  const kinds = new Map(readers.organisations().map(({ id, kind }) => [id, kind]));
  const shown = organisations.filter(
    ({ id }) => maySee(viewer, id) || [...arrows.values()].some((a) => a.source === id || a.recipient === id),
  );
  const places = shown.map(({ id, name }) => ({
    id,
    name,
    kind: KINDS[kinds.get(id) ?? 'other'] ?? 'Partner',
    published: maySee(viewer, id) ? perSecond(samples, [id], 'published', RATE_WINDOW_MS) : null,
  }));
  const all = [...arrows.values()];
  return {
    places,
    arrows: all,
    rows: rowsOf(totals ?? [], viewer, nameOf),
    summary: summaryOf(all, nameOf),
    strips: all.map((arrow) => stripOf(arrow, nameOf)),
    totals: totalsOf(all),
  };
}

const KINDS: Record<string, string> = {
  council: 'Council',
  nhs: 'NHS',
  police: 'Police',
  school: 'School',
  housing: 'Housing',
  charity: 'Charity',
  other: 'Partner',
};

function arrowFigures(samples: readonly Sample[], key: string, viewer: Viewer) {
  const latest = samples.at(-1);
  const pairAt = (sample: Sample | undefined) => sample?.pairs?.get(key);
  const recent =
    samples.findLast(({ at }) => latest !== undefined && at <= latest.at - RATE_WINDOW_MS) ?? samples[0];
  const [now, then, first] = [pairAt(latest), pairAt(recent), pairAt(samples[0])];
  const seconds = latest && recent ? (latest.at - recent.at) / 1000 : 0;
  // A refusal does not exist for who was refused: it is the source's to know.
  const withheldIn = (pair: PairCount | undefined) =>
    pair && maySee(viewer, pair.source) ? pair.withheld + pair.restricted : 0;
  return {
    rate: seconds > 0 ? ((now?.released ?? 0) - (then?.released ?? 0)) / seconds : null,
    released: (now?.released ?? 0) - (first?.released ?? 0),
    withheld: withheldIn(now) - withheldIn(first),
  };
}

function totalsOf(arrows: readonly Arrow[]) {
  const released = arrows.reduce((sum, arrow) => sum + arrow.released, 0);
  const withheld = arrows.reduce((sum, arrow) => sum + arrow.withheld, 0);
  const rates = arrows.flatMap(({ rate }) => rate ?? []);
  const rate = rates.length > 0 ? rates.reduce((sum, one) => sum + one, 0) : null;
  return [
    { label: 'Released now', value: perSecondInWords(rate), unit: 'a second, over the last minute' },
    { label: 'Released', value: countInWords(released), unit: 'in the last 15 minutes' },
    { label: 'Withheld', value: countInWords(withheld), unit: 'in the last 15 minutes' },
    {
      label: 'Withheld share',
      value: shareInWords(withheld, released + withheld),
      unit: 'of what an agreement names',
    },
  ];
}

function stripOf(
  { source, recipient, rate, released, withheld }: Arrow,
  nameOf: (id: string) => string,
): Strip {
  const all = released + withheld;
  return {
    from: nameOf(source),
    to: nameOf(recipient),
    rate: shortRateInWords(rate),
    share: all === 0 ? 'nothing in the last 15 minutes' : `${shareInWords(withheld, all)} withheld`,
    withheld: all === 0 ? 0 : Math.round((100 * withheld) / all),
    state: all === 0 ? 'quiet' : 'flowing',
  };
}

/** What a person who cannot see the picture is told of it. */
function summaryOf(arrows: readonly Arrow[], nameOf: (id: string) => string): string {
  if (arrows.length === 0) return 'No agreement joins any organisations yet.';
  return arrows
    .map(
      ({ source, recipient, rate, released, withheld }) =>
        `${nameOf(source)} to ${nameOf(recipient)}: ${perSecondInWords(rate)} a second, ${shareInWords(withheld, released + withheld)} withheld.`,
    )
    .join(' ');
}

function rowsOf(totals: readonly FlowTotal[], viewer: Viewer, nameOf: (id: string) => string): FlowRow[] {
  const groups = new Map<string, FlowTotal[]>();
  for (const total of totals) {
    if (!maySee(viewer, total.source) && !maySee(viewer, total.recipient)) continue;
    if (total.outcome !== 'released' && !maySee(viewer, total.source)) continue;
    const key = `${total.source} ${total.system} ${total.recipient} ${total.type}`;
    groups.set(key, [...(groups.get(key) ?? []), total]);
  }
  return [...groups].flatMap(([key, group]) => {
    const [first] = group;
    if (!first) return [];
    const released = group.find(({ outcome }) => outcome === 'released')?.day ?? 0;
    const refused = group.filter(({ outcome }) => outcome !== 'released');
    const withheld = refused.reduce((sum, { day }) => sum + day, 0);
    return {
      key,
      from: nameOf(first.source),
      system: first.system,
      to: nameOf(first.recipient),
      type: eventTitle(first.type),
      released: countInWords(released),
      withheld: countInWords(withheld),
      share: shareInWords(withheld, released + withheld),
      reasons: refused.map(({ outcome, day }) => `${codeInWords(outcome)} (${countInWords(day)})`).join(', '),
    };
  });
}
