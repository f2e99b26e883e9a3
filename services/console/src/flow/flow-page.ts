import express, { type Router } from 'express';
import type { Viewer } from '../access/viewer.ts';
import { serveLivePage } from '../live/live-page.ts';
import type { LiveStreams } from '../live/live-streams.ts';
import type { Guard } from '../sign-in/guard.ts';
import type { Pages } from '../web/pages.ts';
import { timeInWords } from '../web/wording.ts';
import { flowGrid } from './flow-grid.ts';
import { flowMap } from './flow-map.ts';
import type { FlowTotal } from './flow-totals.ts';
import type { FlowReaders } from './flow-view.ts';
import { flowView } from './flow-view.ts';

const MOST_ON_A_MAP = 3;

/** "Flow": a picture of who sends what to whom, and its table. */
export function flowRoutes(parts: {
  guard: Guard;
  pages: Pages;
  stream: LiveStreams;
  readers: FlowReaders;
  flowTotals: () => FlowTotal[] | undefined;
  clock: () => number;
}): Router {
  const { readers, flowTotals, clock } = parts;
  const contextFor = (viewer: Viewer) => {
    const { connection } = readers.measured();
    const live = connection.status === 'live';
    const totals = flowTotals();
    const view = flowView(readers, totals, viewer);
    return {
      view,
      map: view.places.length <= MOST_ON_A_MAP ? flowMap(view.places, view.arrows) : undefined,
      grid: view.places.length > MOST_ON_A_MAP ? flowGrid(view.places, view.arrows) : undefined,
      totalsKnown: totals !== undefined,
      state: {
        text: live
          ? `Live, figures of ${timeInWords(clock())}`
          : 'Kafka does not answer: this picture is not updating',
        live,
      },
    };
  };
  const router = express.Router();
  serveLivePage(router, parts, {
    path: '/flow',
    template: 'flow.njk',
    regions: { flow: 'flow-live.njk' },
    context: (_req, session) => contextFor(session),
  });
  return router;
}
