import { Problem } from '@causeway/runtime/service/http-server';
import type { AgreementStatus } from '@causeway/schemas/agreements/agreement';
import express, { type Request, type Response, type Router } from 'express';
import type { Guard } from '../sign-in/guard.ts';
import type { AgreementFamily, AgreementService } from './agreement-service.ts';

const BODY = {
  limit: '256kb',
  type: ['application/yaml', 'application/x-yaml', 'text/yaml', 'application/json'],
};

/** `GET /api/agreements[/{id}]`, `PUT /api/agreements/{id}`, `POST /api/agreements/{id}/status`. */
export function agreementsApi({ guard, agreements }: { guard: Guard; agreements: AgreementService }): Router {
  const router = express.Router();
  router.get(
    '/api/agreements',
    guard.api(async (_req, res, viewer) => {
      const families = await agreements.list(viewer);
      send(res, 200, { agreements: families.map(asJson) });
    }),
  );
  router.get(
    '/api/agreements/:id',
    guard.api(async (req, res, viewer) => sendFamily(res, 200, await agreements.get(viewer, idOf(req)))),
  );
  router.put(
    '/api/agreements/:id',
    express.text(BODY),
    guard.api(async (req, res, viewer) => {
      const expected = expectedVersion(req);
      const family = await agreements.load(viewer, idOf(req), bodyText(req), expected);
      sendFamily(res, 201, family);
    }),
  );
  router.post(
    '/api/agreements/:id/status',
    express.json({ limit: '16kb' }),
    guard.api(async (req, res, viewer) =>
      sendFamily(res, 200, await agreements.setStatus(viewer, idOf(req), wishOf(req))),
    ),
  );
  return router;
}

function idOf(req: Request): string {
  return String(req.params.id);
}

/**
 * Which version the author has seen: `If-Match: "3"` (the entity tag of the answer that they read), or
 * `If-None-Match: *` for an agreement that is to be new.
 */
function expectedVersion(req: Request): number {
  if (req.headers['if-none-match']?.trim() === '*') return 0;
  const given = /^(?:W\/)?"?(?:[a-z0-9-]+\/)?(\d{1,9})"?$/.exec(req.headers['if-match']?.trim() ?? '')?.[1];
  if (given !== undefined) return Number(given);
  const detail =
    'Send If-Match with the ETag of the latest version that you have seen, or If-None-Match: * for a new agreement.';
  if (req.headers['if-match'] === undefined)
    throw new Problem(428, 'precondition-required', 'If-Match is missing', detail);
  throw new Problem(412, 'stale', 'The agreement has changed', `That ETag is not one of ours. ${detail}`);
}

function bodyText(req: Request): string {
  if (typeof req.body === 'string') return req.body;
  const detail = 'Send the agreement as application/yaml or application/json.';
  throw new Problem(415, 'unsupported-media-type', 'Neither YAML nor JSON', detail);
}

const STATUSES: readonly AgreementStatus[] = ['active', 'suspended', 'ended'];
const LONGEST_REASON = 1_000;

function wishOf(req: Request) {
  const { status, reason, version } = (req.body ?? {}) as Record<string, unknown>;
  const wanted = STATUSES.find((known) => known === status);
  if (!wanted) throw invalid(`status must be one of ${STATUSES.join(', ')}`);
  if (typeof reason !== 'string' || reason.trim() === '' || reason.length > LONGEST_REASON)
    throw invalid(`reason must say why, in up to ${LONGEST_REASON} characters`);
  if (version !== undefined && !Number.isSafeInteger(version))
    throw invalid('version must be a whole number');
  return {
    status: wanted,
    reason: reason.trim(),
    ...(version === undefined ? {} : { version: version as number }),
  };
}

const invalid = (detail: string) => new Problem(422, 'invalid-request', 'The request is not valid', detail);

function sendFamily(res: Response, status: number, family: AgreementFamily): void {
  res.set('etag', etagOf(family));
  send(res, status, asJson(family));
}

function send(res: Response, status: number, body: object): void {
  res.status(status).set('cache-control', 'no-store').json(body);
}

const etagOf = ({ latest }: AgreementFamily) => `"${latest}"`;

function asJson(family: AgreementFamily) {
  const { id, current, versions } = family;
  const { record, status } = current;
  const { title, from, to, purpose, valid } = record.agreement;
  return {
    id,
    version: record.version,
    status,
    etag: etagOf(family),
    title,
    from,
    to,
    purpose,
    valid,
    agreement: record.agreement,
    release: record.release,
    versions: versions.map((one) => ({
      version: one.record.version,
      status: one.status,
      digest: one.record.digest,
      loadedBy: one.record.by,
      loadedAt: one.record.at,
    })),
  };
}
