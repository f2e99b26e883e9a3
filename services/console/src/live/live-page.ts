import type { Request, Router } from 'express';
import type { BrowserSession } from '../access/viewer.ts';
import type { Guard } from '../sign-in/guard.ts';
import type { Pages } from '../web/pages.ts';
import type { LiveState, LiveStreams } from './live-streams.ts';

type LivePage<Context> = {
  path: string;
  template: string;
  /** Templates of the parts that update themselves, by region. */
  regions: Record<string, string>;
  context(req: Request, session: BrowserSession): Promise<Context> | Context;
  /** Entry of the navigation; by default the path. */
  page?: string;
  /** Says whether there is such a page; by default there is. */
  exists?(context: Context): boolean;
};

/** Serves a page and, below `<path>/stream`, the live updates of its regions. */
export function serveLivePage<Context extends { state: LiveState }>(
  router: Router,
  { guard, pages, stream }: { guard: Guard; pages: Pages; stream: LiveStreams },
  { path, template, regions, context, page = path, exists = () => true }: LivePage<Context>,
): void {
  const below = page !== path;
  router.get(
    path,
    guard.page(async (req, res, session) => {
      const found = await context(req, session);
      if (!exists(found)) return pages.send(res, 404, 'not-found.njk', { session });
      pages.send(res, 200, template, { session, page, below, ...found });
    }),
  );
  router.get(
    `${path}/stream`,
    guard.stream((req, res, session) =>
      stream(res, session, async () => {
        const found = await context(req, session);
        const html = Object.entries(regions).map(([id, part]) => [id, pages.render(part, found)]);
        return { state: found.state, regions: Object.fromEntries(html) };
      }),
    ),
  );
}
