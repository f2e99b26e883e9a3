import type { Database } from '@causeway/runtime/postgres/database';
import express, { type Request, type Router } from 'express';
import { maySee, nameIn, ownSide, type Viewer } from '../access/viewer.ts';
import { serveLivePage } from '../live/live-page.ts';
import type { LiveStreams } from '../live/live-streams.ts';
import { lagReport, visibleTo } from '../measurement/report.ts';
import type { Guard } from '../sign-in/guard.ts';
import type { Pages } from '../web/pages.ts';
import { timeInWords } from '../web/wording.ts';
import { type LagOf, type LagPoint, lagHistory, RANGES, type Range } from './lag-history.ts';
import type { LagReaders } from './lag-view.ts';
import { lagCharts, lagTable, lagView } from './lag-view.ts';

const LAG_PAGE = '/lag';

type Parts = {
  guard: Guard;
  pages: Pages;
  stream: LiveStreams;
  readers: LagReaders & { store: Pick<Database, 'query'> };
  clock: () => number;
};

/** "Lag": how far everybody is behind, in events and seconds, now and over seven days. */
export function lagRoutes(parts: Parts): Router {
  const { guard, readers } = parts;
  const router = express.Router();
  serveLivePage(router, parts, {
    path: LAG_PAGE,
    template: 'lag.njk',
    regions: { lag: 'lag-live.njk', history: 'lag-history.njk' },
    context: (req, session) => contextOf(parts, req, session),
  });
  router.get(
    '/api/lag',
    guard.api((_req, res, viewer) => {
      res.set('cache-control', 'no-store').json(lagAnswer(readers, viewer));
    }),
  );
  return router;
}

/** The exchange's lag over outboxes, and what deliveries are behind by subscription and by type. */
function lagAnswer(readers: LagReaders, viewer: Viewer) {
  const own = <T extends { organisation: string }>(rows: readonly T[] | undefined) =>
    (rows ?? []).filter(({ organisation }) => maySee(viewer, organisation));
  const look = readers.lag();
  return {
    ...lagReport(visibleTo(readers.measured(), viewer.organisation)),
    deliveriesMeasuredAt: look ? new Date(look.at).toISOString() : null,
    subscriptions: own(look?.readers).map(({ lastAt, lastCode, pulls, ...reader }) => ({
      ...reader,
      kind: pulls ? 'pull' : 'push',
      lastAt: new Date(lastAt).toISOString(),
      lastCode,
    })),
    types: own(look?.inboxes),
  };
}

async function contextOf({ readers, clock }: Parts, req: Request, viewer: Viewer) {
  const now = clock();
  const { of, range } = askedFor(req, readers, viewer);
  const { connection } = readers.measured();
  // The database may be away; what the broker says is shown all the same.
  const points = await lagHistory(readers.store.query, of, range, now).catch((): LagPoint[] => []);
  return {
    view: lagView(readers, viewer, now),
    state: {
      text:
        connection.status === 'live'
          ? `Live, figures of ${timeInWords(now)}`
          : 'Kafka does not answer: these figures are not updating',
      live: connection.status === 'live',
    },
    history: {
      title: titleOf(of, nameIn(readers)),
      range,
      ranges: Object.entries(RANGES).map(([id, { title }]) => ({ id, title, href: hrefOf(of, id) })),
      charts: lagCharts(points),
      empty: points.every(({ events }) => events === null),
      ...lagTable(points, range, now),
    },
  };
}

function askedFor(req: Request, readers: LagReaders, viewer: Viewer): { of: LagOf; range: Range } {
  const text = (name: string) => (typeof req.query[name] === 'string' ? String(req.query[name]) : '');
  const range = text('range') in RANGES ? (text('range') as Range) : 'hour';
  const own = ownSide(readers, viewer);
  const organisation = text('organisation');
  const kind = text('of') === 'reader' || text('of') === 'inbox' ? (text('of') as LagOf['kind']) : 'exchange';
  const organisations = own.includes(organisation) ? [organisation] : own;
  return { of: { kind, organisations, name: kind === 'reader' ? text('name') : '' }, range };
}

function titleOf({ kind, organisations, name }: LagOf, nameOf: (id: string) => string): string {
  const [only] = organisations;
  const whose = organisations.length === 1 && only ? nameOf(only) : 'all organisations';
  if (kind === 'reader') return `${name} of ${whose}`;
  return kind === 'inbox' ? `the inbox of ${whose}` : `the exchange, over the outbox of ${whose}`;
}

function hrefOf({ kind, organisations, name }: LagOf, range: string): string {
  const [only] = organisations;
  const organisation = organisations.length === 1 && only ? { organisation: only } : {};
  return `${LAG_PAGE}?${new URLSearchParams({ of: kind, ...organisation, ...(name ? { name } : {}), range })}#history`;
}
