import type { AuditLedger } from '@causeway/runtime/ledger/audit-ledger';
import type { Database } from '@causeway/runtime/postgres/database';
import express, { type Request, type Response, type Router } from 'express';
import {
  type BrowserSession,
  GOVERNANCE,
  nameIn,
  type OrganisationReader,
  ownSide,
  type Viewer,
} from '../access/viewer.ts';
import type { Guard } from '../sign-in/guard.ts';
import { CASES_PAGE } from '../web/navigation.ts';
import type { Pages } from '../web/pages.ts';
import {
  type CaseAfter,
  type CaseFilter,
  caseAfterIn,
  caseFilterIn,
  caseGroups,
  listCases,
} from './cases.ts';
import { casesView } from './cases-view.ts';

type CasesReaders = OrganisationReader & { store: Pick<Database, 'query'> };

const PAGE_SIZE = 100;
const MOST = 1_000;

export type CasesParts = { ledger: Pick<AuditLedger, 'record'> };
type Parts = CasesParts & { guard: Guard; pages: Pages; readers: CasesReaders; clock: () => number };

/** What one's own organisation says of people: interests and safeguards, by case and reason. Names and numbers are not there. */
export function casesRoutes(parts: Parts): Router {
  const { guard, readers } = parts;
  const router = express.Router();
  router.get(
    CASES_PAGE,
    guard.page(
      (req, res, session) => show(parts, res, session, caseFilterIn(req.query), caseAfterIn(req.query)),
      GOVERNANCE,
    ),
  );
  // A reference names a case, and so it travels in a form.
  router.post(
    CASES_PAGE,
    guard.form((req, res, session) => show(parts, res, session, caseFilterIn(req.body ?? {})), GOVERNANCE),
  );
  router.get(
    '/api/cases',
    guard.api(async (req: Request, res, viewer) => {
      const own = ownSide(readers, viewer);
      const { reference: _, ...filter } = caseFilterIn(req.query);
      const [groups, cases] = await Promise.all([
        caseGroups(readers.store.query, own, filter),
        listCases(readers.store.query, own, filter, { limit: MOST, after: caseAfterIn(req.query) }),
      ]);
      await recordLook(parts, viewer, cases.length, 'asked over the API');
      res.set('cache-control', 'no-store').json({ groups, cases });
    }, GOVERNANCE),
  );
  return router;
}

async function show(
  parts: Parts,
  res: Response,
  session: BrowserSession,
  filter: CaseFilter,
  after?: CaseAfter,
): Promise<void> {
  const { readers, pages, clock } = parts;
  const own = ownSide(readers, session);
  const [groups, cases] = await Promise.all([
    caseGroups(readers.store.query, own, filter),
    listCases(readers.store.query, own, filter, { limit: PAGE_SIZE + 1, after }),
  ]);
  await recordLook(parts, session, Math.min(cases.length, PAGE_SIZE), 'opened the list of cases');
  const view = casesView({
    groups,
    cases,
    filter,
    pageSize: PAGE_SIZE,
    nameOf: nameIn(readers),
    now: clock(),
  });
  pages.send(res, 200, 'cases.njk', { session, page: '/disclosures', below: true, view });
}

/** Cases are about people: shown is only what was recorded first. */
async function recordLook({ ledger }: Parts, viewer: Viewer, found: number, reason: string): Promise<void> {
  const { subject: by, organisation } = viewer;
  await ledger.record([{ kind: 'look', what: 'interests and safeguards', by, organisation, reason, found }]);
}
