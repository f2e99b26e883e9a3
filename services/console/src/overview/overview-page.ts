import express, { type Router } from 'express';
import { serveLivePage } from '../live/live-page.ts';
import type { LiveStreams } from '../live/live-streams.ts';
import type { Guard } from '../sign-in/guard.ts';
import type { Pages } from '../web/pages.ts';
import { timeInWords } from '../web/wording.ts';
import type { OverviewReaders } from './overview-view.ts';
import { overviewView } from './overview-view.ts';

/** "Overview": what needs a phone call. */
export function overviewRoutes(parts: {
  guard: Guard;
  pages: Pages;
  stream: LiveStreams;
  readers: OverviewReaders;
  clock: () => number;
}): Router {
  const { readers, clock } = parts;
  const router = express.Router();
  serveLivePage(router, parts, {
    path: '/now',
    template: 'overview.njk',
    regions: { now: 'overview-live.njk' },
    context: (_req, session) => {
      const at = clock();
      return {
        view: overviewView(readers, session, at),
        state: { text: `Looked at ${timeInWords(at)}`, live: true },
      };
    },
  });
  return router;
}
