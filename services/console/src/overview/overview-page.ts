import express, { type Router } from 'express';
import type { Viewer } from '../access/viewer.ts';
import type { Guard } from '../sign-in/guard.ts';
import type { LiveStreams } from '../web/live.ts';
import type { Pages } from '../web/pages.ts';
import { timeInWords } from '../web/wording.ts';
import type { OverviewReaders } from './overview-view.ts';
import { overviewView } from './overview-view.ts';

const OVERVIEW_PAGE = '/now';

/** "Overview": what needs a phone call. */
export function overviewRoutes(parts: {
  guard: Guard;
  pages: Pages;
  stream: LiveStreams;
  readers: OverviewReaders;
  clock: () => number;
}): Router {
  const { guard, pages, stream, readers, clock } = parts;
  const context = (viewer: Viewer) => {
    const at = clock();
    return {
      view: overviewView(readers, viewer, at),
      state: { text: `Looked at ${timeInWords(at)}`, live: true },
    };
  };
  const router = express.Router();
  router.get(
    OVERVIEW_PAGE,
    guard.page((_req, res, session) =>
      pages.send(res, 200, 'overview.njk', { session, page: OVERVIEW_PAGE, ...context(session) }),
    ),
  );
  router.get(
    `${OVERVIEW_PAGE}/stream`,
    guard.stream((_req, res, session) =>
      stream(res, session, () => {
        const { view, state } = context(session);
        return { state, regions: { now: pages.render('overview-live.njk', { view }) } };
      }),
    ),
  );
  return router;
}
