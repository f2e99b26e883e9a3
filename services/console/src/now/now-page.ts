import express, { type Router } from 'express';
import type { Guard, Viewer } from '../sign-in/guard.ts';
import type { LiveStreams } from '../web/live.ts';
import type { Pages } from '../web/pages.ts';
import { timeInWords } from '../web/wording.ts';
import type { World } from '../web/world.ts';
import { nowView } from './now-view.ts';

export const NOW_PAGE = '/now';

/** "Now": what needs a phone call. */
export function nowRoutes(parts: {
  guard: Guard;
  pages: Pages;
  stream: LiveStreams;
  world: World;
  clock: () => number;
}): Router {
  const { guard, pages, stream, world, clock } = parts;
  const context = (viewer: Viewer) => {
    const at = clock();
    return { view: nowView(world, viewer, at), state: { text: `Looked at ${timeInWords(at)}`, live: true } };
  };
  const router = express.Router();
  router.get(
    NOW_PAGE,
    guard.page((_req, res, session) =>
      pages.send(res, 200, 'now.njk', { session, page: NOW_PAGE, ...context(session) }),
    ),
  );
  router.get(
    `${NOW_PAGE}/stream`,
    guard.stream((req, res, session) =>
      stream(req, res, session, () => {
        const { view, state } = context(session);
        return { state, regions: { now: pages.render('now-live.njk', { view }) } };
      }),
    ),
  );
  return router;
}
