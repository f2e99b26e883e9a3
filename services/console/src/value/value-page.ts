import express, { type Router } from 'express';
import type { Guard } from '../sign-in/guard.ts';
import type { Pages } from '../web/pages.ts';
import type { World } from '../web/world.ts';
import { durations, valueRows } from './value.ts';

export const VALUE_PAGE = '/value';

/** "Value": how much sooner the recipient knows. */
export function valueRoutes({ guard, pages, world }: { guard: Guard; pages: Pages; world: World }): Router {
  const router = express.Router();
  router.get(
    VALUE_PAGE,
    guard.page(async (_req, res, session) =>
      pages.send(res, 200, 'value.njk', {
        session,
        page: VALUE_PAGE,
        rows: valueRows(world, session, await durations(world.store.query)),
      }),
    ),
  );
  return router;
}
