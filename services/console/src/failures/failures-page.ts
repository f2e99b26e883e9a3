import type { Codec } from '@causeway/runtime/avro/codec';
import type { Producer } from '@causeway/runtime/kafka/producer';
import type { Reader } from '@causeway/runtime/kafka/reader';
import type { AuditLedger } from '@causeway/runtime/ledger/audit-ledger';
import type { Database } from '@causeway/runtime/postgres/database';
import { Problem } from '@causeway/runtime/service/http-server';
import type { Logger } from '@causeway/runtime/telemetry/log';
import express, { type Request, type Response, type Router } from 'express';
import {
  type BrowserSession,
  GOVERNANCE,
  hasOne,
  nameIn,
  type OrganisationReader,
  ownSide,
  type Viewer,
} from '../access/viewer.ts';
import { serveLivePage } from '../live/live-page.ts';
import type { LiveStreams } from '../live/live-streams.ts';
import type { Guard } from '../sign-in/guard.ts';
import type { Pages } from '../web/pages.ts';
import { timeInWords } from '../web/wording.ts';
import { deadLetterTotals, type Filter, listDeadLetters, oneDeadLetter } from './dead-letters.ts';
import { batchView, detailView, failuresView } from './failures-view.ts';
import { filterIn, pageAfter, pickedIn, queryOf, reasonIn } from './filter.ts';
import { createDeadLetterReader, inspect, type ReadDeadLetter } from './inspect.ts';
import { dryRun, redrive, redriveBatch, redrivesOf } from './redrive.ts';

export type FailureReaders = OrganisationReader & { store: Pick<Database, 'query' | 'transaction'> };

const FAILURES_PAGE = '/failures';
const PAGE_SIZE = 50;

/** Why nothing was redriven, by `nothing` in the address. */
const NOTICES: Record<string, string> = {
  selected: 'Nothing was selected. Tick the ones to redrive, or redrive all that are listed.',
  left: 'Nothing was left to redrive: these have been requested already.',
};

export type FailureParts = {
  guard: Guard;
  pages: Pages;
  stream: LiveStreams;
  readers: FailureReaders;
  clock: () => number;
  codec: Codec;
  reader: () => Reader;
  producer: Pick<Producer, 'send'>;
  ledger: Pick<AuditLedger, 'record'>;
  log: Pick<Logger, 'warn'>;
};

/** "Failures": dead letters of everybody in one list, a look at one, and their redrive. */
export function failuresRoutes(parts: FailureParts): Router {
  const { guard } = parts;
  const readDeadLetter = createDeadLetterReader(parts.reader);
  const router = express.Router();
  serveLivePage(router, parts, {
    path: FAILURES_PAGE,
    template: 'failures.njk',
    regions: { groups: 'failures-groups.njk' },
    context: (req, session) => listContext(parts, req, session),
  });
  router.post(
    `${FAILURES_PAGE}/redrive/check`,
    guard.form((req, res, session) => check(parts, req, res, session)),
  );
  router.post(
    `${FAILURES_PAGE}/redrive`,
    guard.form((req, res, session) => ask(parts, req, res, session)),
  );
  serveLivePage(router, parts, {
    path: `${FAILURES_PAGE}/redrives/:batch`,
    page: FAILURES_PAGE,
    template: 'redrive.njk',
    regions: { redrive: 'redrive-live.njk' },
    context: (req, session) => batchContext(parts, req, session),
    exists: ({ view }) => view.total > 0,
  });
  router.get(
    `${FAILURES_PAGE}/:organisation/:offset`,
    guard.page((req, res, session) => look({ ...parts, readDeadLetter }, req, res, session, undefined)),
  );
  router.post(
    `${FAILURES_PAGE}/:organisation/:offset`,
    guard.form(
      (req, res, session) => look({ ...parts, readDeadLetter }, req, res, session, req.body),
      GOVERNANCE,
    ),
  );
  return router;
}

async function listContext({ readers, clock }: FailureParts, req: Request, viewer: Viewer) {
  const own = ownSide(readers, viewer);
  const filter: Filter = { state: 'waiting', ...filterIn(req.query) };
  const { query } = readers.store;
  const [{ groups, count }, deadLetters] = await Promise.all([
    deadLetterTotals(query, own, filter),
    listDeadLetters(query, own, filter, { limit: PAGE_SIZE + 1, after: pageAfter(req.query) }),
  ]);
  return {
    view: failuresView({
      groups,
      deadLetters,
      count,
      filter,
      pageSize: PAGE_SIZE,
      nameOf: nameIn(readers),
      now: clock(),
    }),
    notice: NOTICES[String(req.query.nothing)] ?? '',
    state: { text: `Looked at ${timeInWords(clock())}`, live: true },
  };
}

/** What the form means: the ticked ones, or all that match. */
function meantIn(body: Record<string, unknown>): Filter {
  const filter: Filter = { state: 'waiting', ...filterIn(body) };
  return body.what === 'selected' ? { picked: pickedIn(body.pick) } : filter;
}

const below = (session: BrowserSession) => ({ session, page: FAILURES_PAGE, below: true });

async function check(
  { readers, pages, clock }: FailureParts,
  req: Request,
  res: Response,
  session: BrowserSession,
) {
  const filter = meantIn(req.body);
  const own = ownSide(readers, session);
  if (filter.picked?.length === 0) {
    const query = queryOf(filterIn(req.body));
    return res.redirect(303, `${FAILURES_PAGE}?${query}${query ? '&' : ''}nothing=selected`);
  }
  const found = await dryRun(readers.store.query, own, filter);
  pages.send(res, 200, 'redrive-check.njk', {
    ...below(session),
    ...checkContext(found, filter, readers, clock()),
  });
}

function checkContext(
  found: Awaited<ReturnType<typeof dryRun>>,
  filter: Filter,
  readers: FailureReaders,
  now: number,
) {
  const { groups, count } = found;
  const view = failuresView({
    groups,
    deadLetters: [],
    count,
    filter,
    pageSize: PAGE_SIZE,
    nameOf: nameIn(readers),
    now,
  });
  return { view, found, filter, what: filter.picked ? 'selected' : 'matching' };
}

async function ask(parts: FailureParts, req: Request, res: Response, session: BrowserSession) {
  const { readers, pages, clock } = parts;
  const own = ownSide(readers, session);
  const filter = meantIn(req.body);
  const reason = reasonIn(req.body);
  if (reason === undefined) {
    const found = await dryRun(readers.store.query, own, filter);
    const context = checkContext(found, filter, readers, clock());
    return pages.send(res, 422, 'redrive-check.njk', { ...below(session), ...context, missing: true });
  }
  const { batch, count } = await redrive({ ...parts, store: readers.store }, own, filter, {
    viewer: session,
    reason,
    at: new Date(clock()),
  });
  res.redirect(303, count > 0 ? `${FAILURES_PAGE}/redrives/${batch}` : `${FAILURES_PAGE}?nothing=left`);
}

async function batchContext({ readers, clock }: FailureParts, req: Request, viewer: Viewer) {
  const found = await redriveBatch(readers.store.query, ownSide(readers, viewer), String(req.params.batch));
  return {
    batch: String(req.params.batch),
    view: batchView(found, nameIn(readers), clock()),
    state: { text: `Looked at ${timeInWords(clock())}`, live: true },
  };
}

/** Shown is only what was recorded first; `body` is the form of somebody who asks for everything. */
async function look(
  parts: FailureParts & { readDeadLetter: ReadDeadLetter },
  req: Request,
  res: Response,
  session: BrowserSession,
  body: Record<string, unknown> | undefined,
) {
  const { readers, pages, clock, codec, ledger } = parts;
  const [organisation, offset] = [String(req.params.organisation), Number(req.params.offset)];
  const own = ownSide(readers, session);
  const known = Number.isSafeInteger(offset)
    ? await oneDeadLetter(readers.store.query, own, organisation, offset)
    : undefined;
  const record = known ? await parts.readDeadLetter(organisation, offset) : undefined;
  if (!known || !record) return pages.send(res, 404, 'failure-gone.njk', { ...below(session) });
  const reason = body === undefined ? undefined : reasonIn(body);
  const everything = reason !== undefined;
  const seen = await inspect(record, codec, everything);
  await ledger.record([
    {
      kind: 'look',
      by: session.subject,
      organisation: session.organisation,
      what: everything ? 'dead letter' : 'dead letter, redacted',
      position: `dead-letter.${organisation}/0/${offset}`,
      reason: reason ?? 'opened the failure',
      ...(everything && seen.tokens.length > 0 ? { tokens: seen.tokens } : {}),
    },
  ]);
  pages.send(res, body !== undefined && !everything ? 422 : 200, 'failure.njk', {
    ...below(session),
    view: detailView(
      known,
      seen,
      await redrivesOf(readers.store.query, organisation, offset),
      nameIn(readers),
      clock(),
    ),
    everything,
    mayAsk: hasOne(session, GOVERNANCE),
    missing: body !== undefined && !everything,
  });
}

/** The same over the API. */
export function failuresApi(parts: FailureParts): Router {
  const { guard, readers } = parts;
  const router = express.Router();
  router.get(
    '/api/dead-letters',
    guard.api(async (req, res, viewer) => {
      const own = ownSide(readers, viewer);
      const filter = filterIn(req.query);
      const { query } = readers.store;
      const [{ groups, count: total }, deadLetters] = await Promise.all([
        deadLetterTotals(query, own, filter),
        listDeadLetters(query, own, filter, { limit: 200, after: pageAfter(req.query) }),
      ]);
      res.set('cache-control', 'no-store').json({ total, groups, deadLetters });
    }),
  );
  router.post(
    '/api/dead-letters/redrive',
    express.json({ limit: '512kb' }),
    guard.api(async (req, res, viewer) => {
      const body = (req.body ?? {}) as Record<string, unknown>;
      const own = ownSide(readers, viewer);
      const given =
        typeof body.filter === 'object' && body.filter !== null
          ? (body.filter as Record<string, unknown>)
          : {};
      const picked = pickedIn(given.picked ?? given.offsets);
      const filter: Filter = picked.length > 0 ? { picked } : { state: 'waiting', ...filterIn(given) };
      const { count, groups } = await dryRun(readers.store.query, own, filter);
      if (body.dryRun === true) return void res.json({ dryRun: true, count, groups });
      const reason = reasonIn(body);
      if (reason === undefined)
        throw new Problem(
          422,
          'invalid-request',
          'The request is not valid',
          'reason must say why, in up to 500 characters',
        );
      const at = new Date(parts.clock());
      const done = await redrive({ ...parts, store: readers.store }, own, filter, { viewer, reason, at });
      res.status(202).json({ dryRun: false, ...done });
    }),
  );
  router.get(
    '/api/dead-letters/redrives/:batch',
    guard.api(async (req, res, viewer) => {
      const found = await redriveBatch(
        readers.store.query,
        ownSide(readers, viewer),
        String(req.params.batch),
      );
      if (found.summary.length === 0) throw new Problem(404, 'not-found', 'There is no such redrive');
      res.set('cache-control', 'no-store').json(found);
    }),
  );
  return router;
}
