import { MOST_TOKENS } from '@causeway/runtime/bus/person-record';
import type { Tokeniser } from '@causeway/runtime/bus/pseudonyms';
import { type Interest, MAX_INTEREST_DAYS } from '@causeway/runtime/reference-data/interests';
import { Problem } from '@causeway/runtime/service/http-server';
import { CODE_LISTS } from '@causeway/schemas/agreements/code-lists';
import type { Checked } from '@causeway/schemas/identifiers/checked';
import { checkNhsNumber } from '@causeway/schemas/identifiers/nhs-number';
import { checkCro, checkPncId } from '@causeway/schemas/identifiers/police';
import { checkUpn } from '@causeway/schemas/identifiers/upn';
import { z } from 'zod';

/** The body of PUT /v1/interests/{reference}: who is known, why, and for how long. */

export const REFERENCE_PATTERN = '^[A-Za-z0-9._:/-]{1,200}$';
export const LOCAL_PATTERN = '^[a-z0-9][a-z0-9-]{0,39}:[^\\p{C}]{1,100}$';
export const TOKEN_PATTERN = '^[A-Za-z0-9_-]{22}$';
export const REASONS: readonly string[] = CODE_LISTS.interests.codes.map(({ code }) => code);

const date = z.iso.date('must be a date, YYYY-MM-DD');
const identifier = (check: (text: string) => Checked) =>
  z
    .string()
    .max(40)
    .refine((text) => check(text).valid, 'does not pass the check of its scheme')
    .optional();
const line = z.string().min(1).max(100);

const form = z
  .strictObject({
    reason: z.enum(REASONS, `must be one of ${REASONS.join(', ')}`),
    since: date.optional(),
    until: date.optional(),
    expires: date,
    tokens: z
      .array(z.string().regex(new RegExp(TOKEN_PATTERN), 'must be 22 characters'))
      .max(MOST_TOKENS)
      .optional(),
    localid: z.string().regex(new RegExp(LOCAL_PATTERN, 'u'), 'must be <scheme>:<id>').optional(),
    identifiers: z
      .strictObject({
        nhsNumber: identifier(checkNhsNumber),
        upn: identifier(checkUpn),
        pncId: identifier(checkPncId),
        cro: identifier(checkCro),
      })
      .refine((given) => Object.keys(given).length > 0, 'must have at least one')
      .optional(),
    person: z.strictObject({ familyName: line, firstName: line, dateOfBirth: date }).optional(),
  })
  .refine(({ until, since }) => until === undefined || since === undefined || until >= since, {
    path: ['until'],
    message: 'must not be before since',
  });

/** @throws Problem 400 `invalid-body` that names every fault and no value */
export const interestIn = (
  body: unknown,
  { organisation, reference, today, tokeniser }: InterestContext,
): Interest => {
  const latest = new Date(Date.parse(`${today}T00:00:00Z`) + MAX_INTEREST_DAYS * 86_400_000);
  const bounded = form.refine(({ expires }) => expires <= latest.toISOString().slice(0, 10), {
    path: ['expires'],
    message: `must be at most ${MAX_INTEREST_DAYS} days ahead`,
  });
  const result = bounded.safeParse(body);
  if (!result.success) {
    throw refused(
      result.error.issues.map(({ path, message, code }) => ({
        path: path.map(String).join('.'),
        problem: code === 'unrecognized_keys' ? 'has members that are not read here' : message,
      })),
    );
  }
  const { reason, since = today, until, expires, ...person } = result.data;
  if (until !== undefined && until < since)
    throw refused([
      { path: 'until', problem: 'must not be before since, which is today where it is left out' },
    ]);
  const { tokens, demographic } = tokensIn(person, organisation, tokeniser);
  if (tokens.length === 0 && demographic === undefined)
    throw refused([
      { path: 'identifiers', problem: 'name somebody: identifiers, localid, person or tokens' },
    ]);
  if (tokens.length > MOST_TOKENS)
    throw refused([
      {
        path: 'tokens',
        problem: `must be at most ${MOST_TOKENS} with those that identifiers and localid become`,
      },
    ]);
  return {
    writer: 'gateway',
    reference,
    reason,
    tokens,
    ...(demographic !== undefined && { demographic }),
    since,
    ...(until !== undefined && { until }),
    expires,
  };
};

export type InterestContext = {
  organisation: string;
  reference: string;
  /** `YYYY-MM-DD` in the United Kingdom. */
  today: string;
  tokeniser: Tokeniser;
};

type Named = Pick<z.infer<typeof form>, 'tokens' | 'localid' | 'identifiers' | 'person'>;

const tokensIn = (
  { tokens = [], localid, identifiers = {}, person }: Named,
  organisation: string,
  tokeniser: Tokeniser,
) => {
  const { nhsNumber, upn, pncId, cro } = identifiers;
  const colon = localid?.indexOf(':') ?? -1;
  const madeBy = (maker: Tokeniser) =>
    [
      nhsNumber && maker.nhs(nhsNumber),
      upn && maker.upn(upn),
      pncId && maker.pnc(pncId),
      cro && maker.cro(cro),
      localid && maker.local(organisation, localid.slice(0, colon), localid.slice(colon + 1)),
    ].filter((token): token is string => typeof token === 'string' && token !== '');
  const made = [...madeBy(tokeniser), ...(tokeniser.former ? madeBy(tokeniser.former) : [])];
  return {
    tokens: [...new Set([...tokens, ...made])],
    demographic: person && demographicOf(tokeniser, person),
  };
};

const demographicOf = (tokeniser: Tokeniser, person: NonNullable<Named['person']>): string => {
  try {
    return tokeniser.demographic(person);
  } catch {
    throw refused([{ path: 'person', problem: 'is not a name and a full date of birth' }]);
  }
};

const refused = (faults: { path: string; problem: string }[]): Problem =>
  new Problem(
    400,
    'invalid-body',
    'The interest cannot be read as it is',
    'Correct what the member faults names.',
    { faults },
  );
