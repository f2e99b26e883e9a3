import express, { type Router } from 'express';
import type { Guard } from '../sign-in/guard.ts';
import type { Pages } from '../web/pages.ts';
import { countInWords, dayInWords } from '../web/wording.ts';
import type { RegisterReaders } from './register.ts';
import { publicRegister, registerCsv } from './register.ts';

const REGISTER_PAGE = '/register';

/** "1,204 releases in October 2026"; counts that are suppressed are words already. */
const usedInWords = (month: string, releases: string): string => {
  const count = Number(releases);
  const name = dayInWords(`${month}-01`).replace(/^1 /, '');
  return `${Number.isNaN(count) ? releases : countInWords(count)} releases in ${name}`;
};

type Parts = { guard: Guard; pages: Pages; readers: RegisterReaders };

/** "Register": public, without a log-in. And the accessibility statement, which is public as well. */
export function registerRoutes({ guard, pages, readers }: Parts): Router {
  const router = express.Router();
  router.get(
    REGISTER_PAGE,
    guard.anybody(async (_req, res, session) => {
      const { entries, countsKnown } = await publicRegister(readers);
      const inWords = entries.map((entry) => ({
        ...entry,
        inForce: `${dayInWords(entry.validFrom)} to ${dayInWords(entry.validUntil)}`,
        review: dayInWords(entry.reviewBy),
        used: entry.months.map(({ month, releases }) => usedInWords(month, releases)).join(' · '),
      }));
      pages.send(res, 200, 'register.njk', {
        session,
        offerSignIn: true,
        page: REGISTER_PAGE,
        entries: inWords,
        countsKnown,
      });
    }),
  );
  router.get(`${REGISTER_PAGE}.json`, async (_req, res) => {
    const { entries } = await publicRegister(readers);
    res
      .set('cache-control', 'public, max-age=300')
      .json({ licence: 'Open Government Licence v3.0', agreements: entries });
  });
  router.get(`${REGISTER_PAGE}.csv`, async (_req, res) => {
    const { entries } = await publicRegister(readers);
    res
      .set('cache-control', 'public, max-age=300')
      .attachment('register.csv')
      .type('csv')
      .send(registerCsv(entries));
  });
  router.get(
    '/accessibility',
    guard.anybody((_req, res, session) =>
      pages.send(res, 200, 'accessibility.njk', { session, offerSignIn: true, page: '/accessibility' }),
    ),
  );
  return router;
}
