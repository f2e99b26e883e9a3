import { maySee, nameIn, type OrganisationReader, type Viewer } from '../access/viewer.ts';
import { lagReport, type Measured, visibleTo } from '../measurement/report.ts';
import { eventTitle } from '../web/event-titles.ts';
import {
  ageInWords,
  countInWords,
  durationInWords,
  momentInWords,
  NOT_MEASURED,
  STANDING_IN_WORDS,
  timeInWords,
} from '../web/wording.ts';
import { type LagPoint, RANGES, type Range } from './lag-history.ts';
import type { LagLook, ReaderLag } from './lag-samples.ts';

export type LagReaders = OrganisationReader & { measured(): Measured; lag(): LagLook | undefined };

type Tag = { text: string; tag: string };
type LagRow = {
  key: string;
  organisation: string;
  name: string;
  href: string;
  tag: Tag;
  events: string;
  oldest: string;
  more: string;
};
type LagView = {
  exchange: LagRow[];
  readers: LagRow[];
  types: LagRow[];
  /** What the database adds is not there yet, or not any more. */
  deliveriesKnown: boolean;
};

type ReaderStanding = 'up-to-date' | 'behind' | 'retrying' | 'not-moving';
const PROMPT_SECONDS = 30;
const STILL_MS = 60_000;

/** What an operator should think of a subscription, a sink or a pulling client. */
export function standingOfReader(reader: ReaderLag, now: number): ReaderStanding {
  if (reader.events === 0 || reader.seconds < PROMPT_SECONDS) return 'up-to-date';
  if (now - reader.lastAt > STILL_MS) return 'not-moving';
  return reader.retrying > 0 ? 'retrying' : 'behind';
}

const READER_TAGS: Record<ReaderStanding, Tag> = {
  'up-to-date': { text: 'Up to date', tag: 'green' },
  behind: { text: 'Behind', tag: 'orange' },
  retrying: { text: 'Being tried again', tag: 'yellow' },
  'not-moving': { text: 'Not moving', tag: 'red' },
};

export function readerTitle({ name, pulls }: Pick<ReaderLag, 'name' | 'pulls'>): string {
  return pulls ? `client ${name}` : name;
}

export function lagView(readers: LagReaders, viewer: Viewer, now: number): LagView {
  const nameOf = nameIn(readers);
  const measured = visibleTo(readers.measured(), viewer.organisation);
  const look = readers.lag();
  const own = <T extends { organisation: string }>(rows: readonly T[] | undefined) =>
    (rows ?? []).filter(({ organisation }) => maySee(viewer, organisation));
  const known = measured.samples.length > 0;
  return {
    exchange: lagReport(measured).organisations.map(({ organisation, name, events, seconds, standing }) => ({
      key: organisation,
      organisation: name,
      name: '',
      href: hrefOf('exchange', organisation, ''),
      tag: STANDING_IN_WORDS[standing],
      events: known ? countInWords(events) : NOT_MEASURED,
      oldest: known ? ageInWords(seconds) : NOT_MEASURED,
      more: '',
    })),
    readers: own(look?.readers).map((reader) => ({
      key: `${reader.organisation}.${reader.name}`,
      organisation: nameOf(reader.organisation),
      name: readerTitle(reader),
      href: hrefOf('reader', reader.organisation, reader.name),
      tag: READER_TAGS[standingOfReader(reader, now)],
      events: countInWords(reader.events),
      oldest: ageInWords(reader.seconds),
      more: momentInWords(reader.lastAt, now),
    })),
    types: own(look?.inboxes).map(({ organisation, type, events, seconds }) => ({
      key: `${organisation}.${type}`,
      organisation: nameOf(organisation),
      name: eventTitle(type),
      href: hrefOf('inbox', organisation, ''),
      tag:
        seconds < PROMPT_SECONDS ? { text: 'On its way', tag: 'blue' } : { text: 'Waiting', tag: 'orange' },
      events: countInWords(events),
      oldest: ageInWords(seconds),
      more: '',
    })),
    deliveriesKnown: look !== undefined,
  };
}

function hrefOf(kind: string, organisation: string, name: string): string {
  const query = new URLSearchParams({ of: kind, organisation, ...(name ? { name } : {}) });
  return `/lag?${query}#history`;
}

export function lagCharts(points: readonly LagPoint[]) {
  const at = points.map((point) => point.at / 1000);
  return {
    events: { at, series: [{ name: 'waiting', values: points.map(({ events }) => events) }] },
    seconds: { at, series: [{ name: 'oldest', values: points.map(({ seconds }) => seconds) }] },
  };
}

const TABLE_ROWS = 24;

/** The history in words, newest first, few enough rows to be read out; each the worst of its time. */
export function lagTable(points: readonly LagPoint[], range: Range, now: number) {
  const each = Math.ceil(points.length / TABLE_ROWS);
  const rows = [];
  for (let end = points.length; end > 0; end -= each) {
    const part = points.slice(Math.max(0, end - each), end).filter(({ events }) => events !== null);
    const last = points[end - 1];
    if (!last || part.length === 0) continue;
    rows.push({
      time: range === 'hour' ? timeInWords(last.at) : momentInWords(last.at, now),
      events: countInWords(Math.max(...part.map(({ events }) => events ?? 0))),
      oldest: ageInWords(Math.max(...part.map(({ seconds }) => seconds ?? 0))),
    });
  }
  return { rows, step: durationInWords((each * RANGES[range].stepMs) / 1000) };
}
