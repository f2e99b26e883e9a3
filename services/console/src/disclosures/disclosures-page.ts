import { sealPack } from '@causeway/runtime/ledger/proof-pack';
import { Problem } from '@causeway/runtime/service/http-server';
import type { AgreementsState } from '@causeway/schemas/agreements/log';
import express, { type Request, type Response, type Router } from 'express';
import { type BrowserSession, GOVERNANCE, nameIn, type OrganisationReader } from '../access/viewer.ts';
import type { Checkpoints } from '../checkpoints/checkpoints-api.ts';
import type { Guard } from '../sign-in/guard.ts';
import { eventTitle } from '../web/event-titles.ts';
import type { Pages } from '../web/pages.ts';
import { codeInWords, dayInWords, momentInWords } from '../web/wording.ts';
import { proofPack, subjectCsv, subjectEntries, subjectPage } from './export.ts';
import { type Disclosure, type Disclosures, type Found, SCHEMES, type Scheme } from './search.ts';

type DisclosureReaders = OrganisationReader & { agreements(): AgreementsState };

const DISCLOSURES_PAGE = '/disclosures';

type Parts = {
  guard: Guard;
  pages: Pages;
  disclosures: Disclosures;
  checkpoints: Checkpoints;
  readers: DisclosureReaders;
  clock: () => number;
};

const SCHEME_WORDS: Record<Scheme, string> = {
  nhs: 'NHS number',
  upn: 'Unique pupil number',
  pnc: 'Police National Computer id',
  cro: 'Criminal Records Office number',
};
const FORMATS = ['page', 'json', 'csv', 'print', 'proof'] as const;
const LONGEST_REASON = 1_000;

/** "Disclosures": what was decided about one person. The identifier travels in forms only, never in an address. */
export function disclosuresRoutes(parts: Parts): Router {
  const { guard, pages } = parts;
  const router = express.Router();
  router.get(
    DISCLOSURES_PAGE,
    guard.page(
      (_req, res, session) => pages.send(res, 200, 'disclosures.njk', emptyForm(session)),
      GOVERNANCE,
    ),
  );
  router.post(
    DISCLOSURES_PAGE,
    guard.form((req, res, session) => search(parts, req, res, session), GOVERNANCE),
  );
  return router;
}

const schemes = Object.entries(SCHEME_WORDS).map(([id, text]) => ({ id, text }));
const emptyForm = (session: BrowserSession) => ({ session, page: DISCLOSURES_PAGE, schemes, given: {} });

async function search(parts: Parts, req: Request, res: Response, session: BrowserSession): Promise<void> {
  const { pages, disclosures } = parts;
  const body = (req.body ?? {}) as Record<string, unknown>;
  const text = (name: string) => (typeof body[name] === 'string' ? String(body[name]).trim() : '');
  const given = { scheme: text('scheme'), value: text('value'), reason: text('reason') };
  const refuse = (problem: string, field: string) =>
    pages.send(res, 422, 'disclosures.njk', { ...emptyForm(session), given, problem, field });
  const scheme = SCHEMES.find((known) => known === given.scheme);
  if (!scheme) return refuse('Choose the kind of number', 'scheme');
  if (given.value === '' || given.value.length > 100) return refuse('Enter the number', 'value');
  if (given.reason.length < 3 || given.reason.length > LONGEST_REASON)
    return refuse('Give a reason for the search', 'reason');
  try {
    const found = await disclosures.search(session, { ...given, scheme });
    answer(
      parts,
      res,
      session,
      { ...given, scheme },
      found,
      FORMATS.find((one) => one === text('format')) ?? 'page',
    );
  } catch (error) {
    if (error instanceof Problem && error.status === 422) return refuse(error.detail ?? error.title, 'value');
    throw error;
  }
}

type Given = { scheme: Scheme; value: string; reason: string };

function answer(
  { pages, readers, checkpoints, clock }: Parts,
  res: Response,
  session: BrowserSession,
  given: Given,
  found: Found,
  format: (typeof FORMATS)[number],
): void {
  const nameOf = nameIn(readers);
  const now = clock();
  const entries = () => subjectEntries(found.disclosures, readers.agreements(), nameOf);
  res.set('cache-control', 'no-store');
  if (format === 'json') return void res.attachment('disclosures.json').json({ disclosures: entries() });
  if (format === 'csv') return void res.attachment('disclosures.csv').type('csv').send(subjectCsv(entries()));
  if (format === 'print') {
    pages.send(res, 200, 'disclosures-print.njk', {
      entries: subjectPage(entries()),
      on: dayInWords(new Date(now).toISOString().slice(0, 10)),
      by: session.organisation ? nameOf(session.organisation) : 'all organisations',
    });
    return;
  }
  if (format === 'proof') {
    const made = { at: new Date(now).toISOString(), by: session.subject };
    const checkpoint = { verifierKey: checkpoints.keys().trim(), latest: checkpoints.latest() ?? null };
    const text = sealPack(proofPack(found.disclosures, checkpoint, made), checkpoints);
    return void res.attachment('proof-pack.json').type('json').send(text);
  }
  pages.send(res, 200, 'disclosures.njk', {
    ...emptyForm(session),
    given,
    found: {
      ...found,
      scheme: SCHEME_WORDS[given.scheme],
      rows: found.disclosures.map((one) => rowOf(one, nameOf, now)),
    },
  });
}

function rowOf(disclosure: Disclosure, nameOf: (id: string) => string, now: number) {
  const { type, source, decidedAt, occurredAt, other, recipients, ledger, eventId } = disclosure;
  return {
    what: eventTitle(type),
    from: nameOf(source),
    decided: momentInWords(Date.parse(decidedAt), now),
    occurred: occurredAt ? momentInWords(Date.parse(occurredAt), now) : '',
    other,
    eventId,
    place: `${ledger.topic}, partition ${ledger.partition}, record ${ledger.sequence}`,
    recipients: recipients.map(({ recipient, outcome, reason, agreements }) => ({
      name: nameOf(recipient),
      tag: outcome === 'released' ? { text: 'Released', tag: 'green' } : { text: 'Withheld', tag: 'orange' },
      why: reason ? codeInWords(reason) : '',
      agreements: agreements.map((reference) => {
        const [id, version] = reference.split('/');
        return { text: reference, href: `/agreements/${id}?version=${version}` };
      }),
    })),
  };
}
