import { Problem } from '@causeway/runtime/service/http-server';
import type { AgreementStatus } from '@causeway/schemas/agreements/agreement';
import express, { type Request, type Response, type Router } from 'express';
import {
  type BrowserSession,
  GOVERNANCE,
  hasOne,
  nameIn,
  type OrganisationReader,
} from '../access/viewer.ts';
import type { Guard } from '../sign-in/guard.ts';
import type { Pages } from '../web/pages.ts';
import type { AgreementFamily, AgreementService } from './agreement-service.ts';
import { agreementRows, agreementView } from './agreement-view.ts';

const AGREEMENTS_PAGE = '/agreements';
const STATUSES: readonly AgreementStatus[] = ['active', 'suspended', 'ended'];

type Parts = {
  guard: Guard;
  pages: Pages;
  agreements: AgreementService;
  readers: OrganisationReader;
  clock: () => number;
};

/** "Agreements": what may be shared with whom, its versions, and its activation, suspension and end. */
export function agreementsRoutes(parts: Parts): Router {
  const { guard, pages, agreements, readers, clock } = parts;
  const router = express.Router();
  router.get(
    AGREEMENTS_PAGE,
    guard.page(async (_req, res, session) =>
      pages.send(res, 200, 'agreements.njk', {
        session,
        page: AGREEMENTS_PAGE,
        rows: agreementRows(await agreements.list(session), nameIn(readers), clock()),
      }),
    ),
  );
  router.get(
    `${AGREEMENTS_PAGE}/:id`,
    guard.page((req, res, session) => show(parts, req, res, session)),
  );
  router.post(
    `${AGREEMENTS_PAGE}/:id`,
    guard.form((req, res, session) => change(parts, req, res, session)),
  );
  return router;
}

async function show(
  parts: Parts,
  req: Request,
  res: Response,
  session: BrowserSession,
  problem?: Problem,
): Promise<void> {
  const { pages, agreements, readers, clock } = parts;
  const family = await agreements
    .get(session, String(req.params.id))
    .catch((error: unknown): AgreementFamily | undefined => {
      if (error instanceof Problem && error.status === 404) return undefined;
      throw error;
    });
  if (!family) return pages.send(res, 404, 'not-found.njk', { session });
  const version = (name: string) => Number(req.query[name]) || undefined;
  pages.send(res, problem ? problem.status : 200, 'agreement.njk', {
    session,
    page: AGREEMENTS_PAGE,
    below: true,
    view: agreementView(
      family,
      { shown: version('version'), against: version('against') },
      nameIn(readers),
      clock(),
    ),
    governs: hasOne(session, GOVERNANCE),
    isSource:
      session.organisation === undefined || session.organisation === family.current.record.agreement.from,
    problem: problem && { detail: problem.detail ?? problem.title, problems: problem.extras.problems ?? [] },
  });
}

async function change(parts: Parts, req: Request, res: Response, session: BrowserSession): Promise<void> {
  const { status, reason, version } = (req.body ?? {}) as Record<string, unknown>;
  const wanted = STATUSES.find((known) => known === status);
  const id = String(req.params.id);
  try {
    if (!wanted || typeof reason !== 'string' || reason.trim().length < 3 || reason.length > 1_000)
      throw new Problem(422, 'invalid-request', 'The form is incomplete', 'Give a reason in your own words.');
    await parts.agreements.setStatus(session, id, {
      status: wanted,
      reason: reason.trim(),
      ...(Number(version) ? { version: Number(version) } : {}),
    });
    res.redirect(303, `${AGREEMENTS_PAGE}/${encodeURIComponent(id)}`);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    // Of an agreement that is not theirs it says what the page itself would say.
    await show(parts, req, res, session, error);
  }
}
