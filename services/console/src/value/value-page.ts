import type { Database } from '@causeway/runtime/postgres/database';
import express, { type Router } from 'express';
import type { Guard } from '../sign-in/guard.ts';
import type { Pages } from '../web/pages.ts';
import type { ValueReaders } from './value.ts';
import { durations, valueRows } from './value.ts';

const VALUE_PAGE = '/value';

/** "Value": how much sooner the recipient knows. */
export function valueRoutes({
  guard,
  pages,
  readers,
}: {
  guard: Guard;
  pages: Pages;
  readers: ValueReaders & { store: Pick<Database, 'query'> };
}): Router {
  const router = express.Router();
  router.get(
    VALUE_PAGE,
    guard.page(async (_req, res, session) =>
      pages.send(res, 200, 'value.njk', {
        session,
        page: VALUE_PAGE,
        rows: valueRows(readers, session, await durations(readers.store.query)),
      }),
    ),
  );
  return router;
}
