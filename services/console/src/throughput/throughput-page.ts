import { Problem } from '@causeway/runtime/service/http-server';
import express, { type Request, type Response, type Router } from 'express';
import type { BrowserSession } from '../access/viewer.ts';
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

export const THROUGHPUT_PAGE = '/throughput';

type Parts = {
  guard: Guard;
  pages: Pages;
  measurement: Pick<Measurement, 'now' | 'onLook'>;
  clock: () => number;
  /** Aborted when the console stops: open streams end then. */
  signal: AbortSignal;
};

const MAX_STREAMS = 200;
/** A browser that takes nothing for this long is not watching. */
const MAX_UNREAD_BYTES = 1_048_576;

/** "Throughput and lag": the page, its live stream, and the same figures as JSON. */
export function throughputRoutes(parts: Parts): Router {
  const { guard, measurement } = parts;
  const streams = { open: 0 };
  const router = express.Router();
  router.get(
    THROUGHPUT_PAGE,
    guard.page((req, res, session) => showPage(parts, req, res, session)),
  );
  router.get(
    `${THROUGHPUT_PAGE}/stream`,
    guard.stream((req, res, session) => stream(parts, streams, req, res, session)),
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

/**
 * Server-Sent Events: `figures` after every look at the broker, `history` at the beginning and whenever a step
 * of the chart is complete. It ends with the session, so no page is updated after it.
 */
function stream(
  parts: Parts,
  streams: { open: number },
  req: Request,
  res: Response,
  session: BrowserSession,
): void {
  // Gone while the session was read: its close is over, and a watcher added now would never be removed.
  if (res.destroyed) return;
  if (streams.open >= MAX_STREAMS) {
    throw new Problem(
      503,
      'too-many-streams',
      'Too many open live pages',
      'Read the page without live updates.',
    );
  }
  const { measurement, pages, clock, signal } = parts;
  const chosenId = chosenIn(req);
  let lastStep = -1;

  const send = (event: string, data: object) =>
    res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  const tell = () => {
    if (clock() >= session.expiresAt || res.writableLength > MAX_UNREAD_BYTES) return end();
    const measured = visibleTo(measurement.now(), session.organisation);
    const view = throughputView(measured, chosenId, clock());
    send('figures', { ...view, banners: pages.render('banners.njk', { banners: view.banners }) });
    const step = Math.floor((measured.samples.at(-1)?.at ?? 0) / STEP_MS);
    if (step !== lastStep) send('history', historyFor(measured, chosenId));
    lastStep = step;
  };
  const end = () => void res.end();
  const unsubscribe = measurement.onLook(tell);
  signal.addEventListener('abort', end);
  streams.open += 1;
  res.on('close', () => {
    streams.open -= 1;
    unsubscribe();
    signal.removeEventListener('abort', end);
  });

  res
    .status(200)
    .set({ 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
  res.flushHeaders();
  tell();
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
