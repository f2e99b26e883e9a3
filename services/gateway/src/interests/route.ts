import type { Tokeniser } from '@causeway/runtime/bus/pseudonyms';
import { ukDate } from '@causeway/runtime/disclosure/release-decision';
import type { Producer } from '@causeway/runtime/kafka/producer';
import { sendInTime } from '@causeway/runtime/kafka/producer';
import {
  type Interest,
  type Interests,
  interestRecord,
  withdrawnInterestRecord,
} from '@causeway/runtime/reference-data/interests';
import { Problem } from '@causeway/runtime/service/http-server';
import type { Express, RequestHandler } from 'express';
import { auditOf } from '../http/audit.ts';
import { parsed } from '../http/body.ts';
import { callerOf, type Guard } from '../http/guard.ts';
import { parametersOf, whole } from '../http/query.ts';
import { bodyless, bodyOf, MAX_SMALL_BODY, route } from '../http/route.ts';
import { interestIn, REFERENCE_PATTERN } from './interest-body.ts';

export type InterestParts = {
  interests: Pick<Interests, 'of'>;
  producer: Pick<Producer, 'send'>;
  tokeniser: Tokeniser;
  now(): number;
};

type Handler = RequestHandler<{ reference: string }>;

/** Of the member next. */
export const LONGEST_KEY = 300;
export const INTERESTS_LIMIT = { minimum: 1, maximum: 1000, default: 100 };

export const interestRoutes = (app: Express, guard: Guard, parts: InterestParts): void => {
  const [reading, writing] = [guard('events:read'), guard('events:write')];
  route(app, '/v1/interests', { get: [bodyless, ...reading, getInterests(parts)] });
  route(app, '/v1/interests/:reference', {
    get: [bodyless, ...reading, getInterest(parts)],
    put: [...writing, bodyOf(MAX_SMALL_BODY), putInterest(parts)],
    delete: [bodyless, ...writing, deleteInterest(parts)],
  });
};

/** PUT /v1/interests/:reference: publishes an interest, or replaces the one of that reference. */
const putInterest =
  ({ producer, tokeniser, now }: InterestParts): Handler =>
  async (request, response) => {
    const { organisation } = callerOf(response);
    const reference = referenceOf(request.params.reference);
    const today = ukDate(new Date(now()));
    const interest = interestIn(parsed(request.body), { organisation, reference, today, tokeniser });
    await sendInTime(producer, [interestRecord(organisation, interest, today)]);
    response.json(shown(interest));
  };

/** DELETE /v1/interests/:reference: as if it had never been; also where it never was. */
const deleteInterest =
  ({ producer }: InterestParts): Handler =>
  async (request, response) => {
    const { organisation } = callerOf(response);
    const reference = referenceOf(request.params.reference);
    await sendInTime(producer, [withdrawnInterestRecord(organisation, { writer: 'gateway', reference })]);
    response.status(204).end();
  };

/** GET /v1/interests/:reference: what was published here under that reference. */
const getInterest =
  ({ interests }: InterestParts): Handler =>
  (request, response) => {
    const reference = referenceOf(request.params.reference);
    const own = interests.of(callerOf(response).organisation);
    const found = own.find((one) => one.writer === 'gateway' && one.reference === reference);
    if (found === undefined) throw noInterest();
    response.json(shown(found));
  };

/** GET /v1/interests: all of the caller's organisation, by writer and reference, those of its adapters too. */
const getInterests =
  ({ interests }: InterestParts): RequestHandler =>
  (request, response) => {
    const query = parametersOf(request.url, ['after', 'limit']);
    const given = query.get('after');
    if ((given?.length ?? 0) > LONGEST_KEY) query.fault('after', 'Give the member `next` of the last page.');
    const { after = '', limit } = query.checked({
      after: given,
      limit: whole(query, 'limit', INTERESTS_LIMIT),
    });
    const all = interests
      .of(callerOf(response).organisation)
      .map((interest) => ({ key: `${interest.writer} ${interest.reference}`, interest }))
      .filter(({ key }) => key > after)
      .sort((a, b) => (a.key < b.key ? -1 : 1));
    const page = all.slice(0, limit);
    auditOf(response).listed = page.length;
    response.json({
      interests: page.map(({ interest }) => shown(interest)),
      next: all.length > limit ? (page.at(-1)?.key ?? null) : null,
    });
  };

/** Without the tokens: the organisation knows which person it named. */
const shown = ({ writer, reference, reason, since, until, expires }: Interest) => ({
  reference,
  writer,
  reason,
  since,
  until: until ?? null,
  expires,
});

const referenceOf = (given: string): string => {
  if (!new RegExp(REFERENCE_PATTERN).test(given)) throw noInterest();
  return given;
};

const noInterest = () =>
  new Problem(
    404,
    'not-found',
    'Interest not found',
    'A reference has at most 200 letters, digits and . _ : / -',
  );
