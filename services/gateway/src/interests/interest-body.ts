import { MOST_TOKENS } from '@causeway/runtime/bus/person-record';
import type { Tokeniser } from '@causeway/runtime/bus/pseudonyms';
import { type Interest, MAX_INTEREST_DAYS } from '@causeway/runtime/reference-data/interests';
import { CODE_LISTS } from '@causeway/schemas/agreements/code-lists';
import type { Checked } from '@causeway/schemas/identifiers/checked';
import { checkNhsNumber } from '@causeway/schemas/identifiers/nhs-number';
import { checkCro, checkPncId } from '@causeway/schemas/identifiers/police';
import { checkUpn } from '@causeway/schemas/identifiers/upn';
import { z } from 'zod';
import { checked, invalidBody } from '../http/body.ts';

/** The body of PUT /v1/interests/{reference}: the person, the reason and the period. */

export const REFERENCE_PATTERN = '^[A-Za-z0-9._:/-]{1,200}$';
const LOCAL_PATTERN = '^[a-z0-9][a-z0-9-]{0,39}:[^\\p{C}]{1,100}$';
const TOKEN_PATTERN = '^[A-Za-z0-9_-]{22}$';
export const REASONS: readonly string[] = CODE_LISTS.interests.codes.map(({ code }) => code);

const date = (description: string) => z.iso.date('must be a date, YYYY-MM-DD').describe(description);
const identifier = (description: string, check: (text: string) => Checked) =>
  z
    .string()
    .max(40)
    .refine((text) => check(text).valid, 'does not pass the check of its scheme')
    .describe(description)
    .optional();
const line = (description: string) => z.string().min(1).max(100).describe(description);

const form = z
  .strictObject({
    reason: z.enum(REASONS, `must be one of ${REASONS.join(', ')}`),
    since: date('First day; today where it is left out').optional(),
    until: date('Last day, where the case has closed').optional(),
    expires: date(`At most ${MAX_INTEREST_DAYS} days ahead`),
    tokens: z
      .array(
        z
          .string()
          .regex(new RegExp(TOKEN_PATTERN), 'must be 22 characters')
          .describe('A pseudonym that you made'),
      )
      .max(MOST_TOKENS)
      .meta({ minItems: 1 })
      .optional(),
    localid: z
      .string()
      .regex(new RegExp(LOCAL_PATTERN, 'u'), 'must be <scheme>:<id>')
      .describe('<scheme>:<your own number of the person>')
      .optional(),
    identifiers: z
      .strictObject({
        nhsNumber: identifier('NHS number', checkNhsNumber),
        upn: identifier('Unique Pupil Number', checkUpn),
        pncId: identifier('Police National Computer id', checkPncId),
        cro: identifier('Criminal Records Office number', checkCro),
      })
      .refine((given) => Object.keys(given).length > 0, 'must have at least one')
      .meta({ minProperties: 1 })
      .optional(),
    person: z
      .strictObject({
        familyName: line('Family name'),
        firstName: line('First given name'),
        dateOfBirth: date('Full date of birth'),
      })
      .describe('For possible matches by name and date of birth')
      .optional(),
  })
  .refine(({ until, since }) => until === undefined || since === undefined || until >= since, {
    path: ['until'],
    message: 'must not be before since',
  });

export const interestBody = form.meta({
  description: 'Name a person by identifiers, localid, person or tokens',
  anyOf: ['identifiers', 'localid', 'person', 'tokens'].map((name) => ({ required: [name] })),
});

/** @throws Problem 400 `invalid-body` */
export const interestIn = (
  body: unknown,
  { organisation, reference, today, tokeniser }: InterestContext,
): Interest => {
  const latest = new Date(Date.parse(`${today}T00:00:00Z`) + MAX_INTEREST_DAYS * 86_400_000);
  const bounded = form.refine(({ expires }) => expires <= latest.toISOString().slice(0, 10), {
    path: ['expires'],
    message: `must be at most ${MAX_INTEREST_DAYS} days ahead`,
  });
  const { reason, since = today, until, expires, ...person } = checked(bounded, body);
  if (until !== undefined && until < since)
    throw invalidBody({
      path: 'until',
      problem: 'must not be before since, which is today by default',
    });
  const { tokens, demographic } = tokensIn(person, organisation, tokeniser);
  if (tokens.length === 0 && demographic === undefined)
    throw invalidBody({
      path: 'identifiers',
      problem: 'name a person: identifiers, localid, person or tokens',
    });
  if (tokens.length > MOST_TOKENS)
    throw invalidBody({
      path: 'tokens',
      problem: `must be at most ${MOST_TOKENS}, including those made from identifiers and localid`,
    });
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

type InterestContext = {
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
    throw invalidBody({ path: 'person', problem: 'is not a name and a full date of birth' });
  }
};
