import type { Standing } from '../measurement/lag.ts';
import {
  historyOf,
  lagReport,
  type Measured,
  measuredIds,
  type OrganisationLag,
  type OrganisationThroughput,
  throughputReport,
} from '../measurement/report.ts';
import type { HistoryPoint } from '../measurement/throughput.ts';
import {
  ageInWords,
  countInWords,
  momentInWords,
  NOT_MEASURED,
  perSecondInWords,
  STANDING_IN_WORDS,
  timeInWords,
} from '../web/wording.ts';

/** Words for the figures of one organisation or of all, the same on the page and in the live stream. */
export type Figures = {
  published: string;
  released: string;
  waiting: string;
  oldest: string;
};
export type Row = Figures & {
  id: string;
  name: string;
  lastEvent: string;
  standing: Standing;
  tag: { text: string; tag: string };
};
export type Banner = { kind: 'stopped' | 'warning' | 'waiting'; title: string; text: string; todo: string };

type ThroughputView = {
  measuredAt: string | null;
  live: boolean;
  banners: Banner[];
  total: Figures;
  rows: Row[];
  /** The organisation whose history is shown, or undefined for all of them together. */
  chosen: { id: string; name: string } | undefined;
};

/** Everything on the page but the history, in words. */
export function throughputView(
  measured: Measured,
  chosenId: string | undefined,
  now: number,
): ThroughputView {
  const throughput = throughputReport(measured);
  const lag = lagReport(measured);
  const known = new Set(measuredIds(measured));
  const { measuredAt } = throughput;
  const rows = throughput.organisations.map((organisation, i) =>
    rowOf(organisation, lag.organisations[i], known.has(organisation.organisation), now),
  );
  return {
    measuredAt: measuredAt === null ? null : timeInWords(Date.parse(measuredAt)),
    live: measured.connection.status === 'live',
    banners: bannersOf(measured, lag.organisations, now),
    total: {
      published: perSecondInWords(throughput.total.publishedPerSecond),
      released: perSecondInWords(throughput.total.releasedPerSecond),
      ...waitingInWords(known.size > 0 ? lag.total : undefined),
    },
    rows,
    chosen: measured.organisations.find(({ id }) => id === chosenId),
  };
}

function rowOf(
  throughput: OrganisationThroughput,
  lag: OrganisationLag | undefined,
  known: boolean,
  now: number,
): Row {
  const standing = lag?.standing ?? 'not-known';
  return {
    id: throughput.organisation,
    name: throughput.name,
    published: perSecondInWords(throughput.publishedPerSecond),
    released: perSecondInWords(throughput.releasedPerSecond),
    ...waitingInWords(known ? lag : undefined),
    lastEvent: known
      ? momentInWords(throughput.lastEventAt === null ? null : Date.parse(throughput.lastEventAt), now)
      : NOT_MEASURED,
    standing,
    tag: STANDING_IN_WORDS[standing],
  };
}

function waitingInWords(lag: { events: number; seconds: number } | undefined) {
  if (lag === undefined) return { waiting: NOT_MEASURED, oldest: NOT_MEASURED };
  return { waiting: countInWords(lag.events), oldest: ageInWords(lag.seconds) };
}

/** What to know before reading a figure, worst first, each with what to do. */
function bannersOf(measured: Measured, lags: OrganisationLag[], now: number): Banner[] {
  const { connection, organisations } = measured;
  if (connection.status === 'away') return [awayBanner(connection.since, now)];
  if (connection.status === 'starting') {
    const text = 'The console has just started. The first figures appear within a few seconds.';
    return [{ kind: 'waiting', title: 'Measuring has begun', text, todo: '' }];
  }
  if (organisations.length === 0) return [];
  const notMoving = lags.filter(({ standing }) => standing === 'not-moving');
  const behind = lags.filter(({ standing }) => standing === 'falling-behind');
  return [
    ...(notMoving.length > 0 ? [notMovingBanner(notMoving)] : []),
    ...(behind.length > 0 ? [behindBanner(behind)] : []),
  ];
}

function awayBanner(since: number, now: number): Banner {
  return {
    kind: 'stopped',
    title: 'Kafka does not answer',
    text:
      `The broker has not answered since ${momentInWords(since, now)}. ` +
      'The figures on this page are from before that and stand still.',
    todo: 'Check that the broker is running and that this console can reach it. This page recovers by itself.',
  };
}

function notMovingBanner(lags: OrganisationLag[]): Banner {
  const oldest = Math.max(...lags.map(({ seconds }) => seconds));
  return {
    kind: 'stopped',
    title: 'Events are waiting and nothing moves',
    text:
      `No events from ${namesOf(lags)} are being released. The oldest has waited for ${ageInWords(oldest)}. ` +
      'They are safe in the outbox and go out when the exchange takes them up again.',
    todo: 'Check that the exchange is running and what its log says. Ring the recipients of anything urgent.',
  };
}

function behindBanner(lags: OrganisationLag[]): Banner {
  return {
    kind: 'warning',
    title: 'Events arrive faster than they are released',
    text: `Events from ${namesOf(lags)} wait longer and longer for the exchange.`,
    todo: 'If this continues for more than a few minutes, start another instance of the exchange.',
  };
}

function namesOf(lags: OrganisationLag[]): string {
  return new Intl.ListFormat('en-GB').format(lags.map(({ name }) => name));
}

/** One row of the table under the charts. */
type HistoryRow = Figures & { time: string };

/** The history in words, newest first, one row per minute: enough to read, and few enough to be read out. */
export function historyRows(measured: Measured, ids: readonly string[]): HistoryRow[] {
  const eachMinute = historyOf(measured, ids).filter(({ at }) => at % 60_000 === 0);
  return eachMinute.reverse().map((point) => ({
    time: timeInWords(point.at),
    published: perSecondInWords(point.published),
    released: perSecondInWords(point.released),
    waiting: point.waiting === null ? NOT_MEASURED : countInWords(point.waiting),
    oldest: point.oldestSeconds === null ? NOT_MEASURED : ageInWords(point.oldestSeconds),
  }));
}

/** The history as columns, which is how uPlot wants it; times in seconds. */
export function historyColumns(points: HistoryPoint[]) {
  return {
    at: points.map(({ at }) => at / 1000),
    published: points.map(({ published }) => published),
    released: points.map(({ released }) => released),
    waiting: points.map(({ waiting }) => waiting),
    oldestSeconds: points.map(({ oldestSeconds }) => oldestSeconds),
  };
}
