import { Problem } from '@causeway/runtime/service/http-server';
import express, { type Request, type Router } from 'express';
import type { Viewer } from '../access/viewer.ts';
import type { Guard } from '../sign-in/guard.ts';
import { type Disclosures, SCHEMES } from './search.ts';

const LONGEST_REASON = 1_000;
const LONGEST_VALUE = 100;

/** `POST /api/disclosures/search` `{scheme, value, reason}`: the identifier is in the body, never in an address. */
export function disclosuresApi({ guard, disclosures }: { guard: Guard; disclosures: Disclosures }): Router {
  const router = express.Router();
  router.post(
    '/api/disclosures/search',
    express.json({ limit: '16kb' }),
    guard.api(async (req, res, viewer) => {
      mayLook(viewer);
      const found = await disclosures.search(viewer, personOf(req));
      res.set('cache-control', 'no-store').json(found);
    }),
  );
  return router;
}

/** Whoever keeps the bus running has no need to know whom it is about. @throws Problem 403 `insufficient-role` */
function mayLook({ roles }: Viewer): void {
  if (roles.includes('information-governance')) return;
  const role = 'information-governance';
  throw new Problem(403, 'insufficient-role', 'Role missing', `This needs the role ${role}.`, { role });
}

function personOf(req: Request) {
  const { scheme, value, reason } = (req.body ?? {}) as Record<string, unknown>;
  const known = SCHEMES.find((one) => one === scheme);
  if (!known) throw invalid(`scheme must be one of ${SCHEMES.join(', ')}`);
  if (typeof value !== 'string' || value.trim() === '' || value.length > LONGEST_VALUE)
    throw invalid('value must be the identifier');
  if (typeof reason !== 'string' || reason.trim() === '' || reason.length > LONGEST_REASON)
    throw invalid(`reason must say why, in up to ${LONGEST_REASON} characters: it is recorded`);
  return { scheme: known, value: value.trim(), reason: reason.trim() };
}

const invalid = (detail: string) => new Problem(422, 'invalid-request', 'The request is not valid', detail);
