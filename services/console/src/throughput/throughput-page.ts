import express, { type Request, type Response, type Router } from 'express';
import type { BrowserSession } from '../access/viewer.ts';
import type { EventStreams } from '../live/live-streams.ts';
import type { Measurement } from '../measurement/measurement.ts';
import {
  historyOf,
  type Measured,
  measuredIds,
  STEP_MS,
  throughputReport,
  visibleTo,
} from '../measurement/report.ts';
import type { Guard } from '../sign-in/guard.ts';
import type { Pages } from '../web/pages.ts';
import { historyColumns, historyRows, throughputView } from './throughput-view.ts';

const THROUGHPUT_PAGE = '/throughput';

type Parts = {
  guard: Guard;
  pages: Pages;
  measurement: Pick<Measurement, 'now'>;
  openStream: EventStreams;
  clock: () => number;
};

/** "Throughput and lag": the page, its live stream, and the same figures as JSON. */
export function throughputRoutes(parts: Parts): Router {
  const { guard, measurement } = parts;
  const router = express.Router();
  router.get(
    THROUGHPUT_PAGE,
    guard.page((req, res, session) => showPage(parts, req, res, session)),
  );
  router.get(
    `${THROUGHPUT_PAGE}/stream`,
    guard.stream((req, res, session) => stream(parts, req, res, session)),
  );
  router.get(
    '/api/throughput',
    guard.api((_req, res, viewer) =>
      sendJson(res, throughputReport(visibleTo(measurement.now(), viewer.organisation))),
    ),
  );
  return router;
}

function sendJson(res: Response, body: object): void {
  res.set('cache-control', 'no-store').json(body);
}

function showPage(parts: Parts, req: Request, res: Response, session: BrowserSession): void {
  const measured = visibleTo(parts.measurement.now(), session.organisation);
  const chosenId = chosenIn(req);
  const view = throughputView(measured, chosenId, parts.clock());
  if (chosenId !== undefined && view.chosen === undefined) return void res.redirect(303, THROUGHPUT_PAGE);
  parts.pages.send(res, 200, 'throughput.njk', {
    session,
    page: THROUGHPUT_PAGE,
    view,
    history: historyRows(measured, idsShown(measured, chosenId)),
  });
}

function chosenIn(req: Request): string | undefined {
  const { organisation } = req.query;
  return typeof organisation === 'string' && organisation !== '' ? organisation : undefined;
}

function idsShown(measured: Measured, chosenId: string | undefined): string[] {
  return measuredIds(measured).filter((id) => chosenId === undefined || id === chosenId);
}

/** `figures` after every look at the broker, `history` at the beginning and whenever a step of the chart is complete. */
function stream(parts: Parts, req: Request, res: Response, session: BrowserSession): void {
  const { measurement, pages, clock, openStream } = parts;
  const chosenId = chosenIn(req);
  let lastStep = -1;
  openStream(res, session, (send) => () => {
    const measured = visibleTo(measurement.now(), session.organisation);
    const view = throughputView(measured, chosenId, clock());
    send('figures', { ...view, banners: pages.render('banners.njk', { banners: view.banners }) });
    const step = Math.floor((measured.samples.at(-1)?.at ?? 0) / STEP_MS);
    if (step !== lastStep) send('history', historyFor(measured, chosenId));
    lastStep = step;
  });
}

function historyFor(measured: Measured, chosenId: string | undefined) {
  const each = measuredIds(measured).map((id) => {
    const { at, published, released } = historyColumns(historyOf(measured, [id]));
    return [id, { at, published, released }] as const;
  });
  return {
    shown: historyColumns(historyOf(measured, idsShown(measured, chosenId))),
    organisations: Object.fromEntries(each),
    rows: historyRows(measured, idsShown(measured, chosenId)),
  };
}
