import { createHmac, createSecretKey } from 'node:crypto';
import type { Checked } from '@causeway/schemas/identifiers/checked';
import { type DemographicPerson, demographicKey } from '@causeway/schemas/identifiers/names';
import { checkNhsNumber } from '@causeway/schemas/identifiers/nhs-number';
import { checkCro, checkPncId } from '@causeway/schemas/identifiers/police';
import { checkUpn } from '@causeway/schemas/identifiers/upn';
import { PermanentError } from '../errors.ts';

/**
 * Pseudonyms of persons. The same identifier gives the same token at every organisation that holds the
 * partnership key, whatever way its system writes the identifier; without the key nothing can be computed.
 */
export type Tokeniser = {
  /** Of an NHS number; whether it was traced is the caller's to know. */
  nhs(number: string): string;
  /** Of a unique pupil number. */
  upn(id: string): string;
  /** Of a Police National Computer id; the long and the short form give the same token. */
  pnc(id: string): string;
  /** Of a Criminal Records Office number. */
  cro(id: string): string;
  /** Of family name, first given name and full date of birth (`YYYY-MM-DD`). A possible match, never a certain one. */
  demographic(person: DemographicPerson): string;
  /** Of an identifier that only one organisation uses, exactly as that organisation writes it. */
  local(organisation: string, scheme: string, id: string): string;
  /** By the partnership key of before, while what was made with it still counts. */
  former?: Tokeniser;
};

const TOKEN_BYTES = 16;
const MIN_KEY_BYTES = 16;

/**
 * Tokens are the first 16 bytes of HMAC-SHA256 (RFC 2104) under `key`, in base64url: 22 characters.
 * @throws PermanentError `weak-key` for a key under 16 bytes; the functions throw `invalid-identifier` for what
 * is none by its form or check character, without repeating it
 */
export function createTokeniser(key: Buffer, former?: Buffer): Tokeniser {
  if (key.length < MIN_KEY_BYTES)
    throw new PermanentError('weak-key', 'the partnership key needs 16 bytes or more');
  // Made once: handing over the bytes each time costs five times the hash itself.
  const secret = createSecretKey(key);
  const token = (text: string) => {
    const digest = createHmac('sha256', secret).update(text, 'utf8').digest();
    return digest.subarray(0, TOKEN_BYTES).toString('base64url');
  };
  return {
    nhs: (number) => token(`nhs:${canonical(checkNhsNumber(number), 'NHS number')}`),
    upn: (id) => token(`upn:${canonical(checkUpn(id), 'UPN')}`),
    pnc: (id) => token(`pnc:${canonical(checkPncId(id), 'PNC id')}`),
    cro: (id) => token(`cro:${canonical(checkCro(id), 'CRO number')}`),
    demographic: (person) => token(`demographic:${demographic(person)}`),
    local: (organisation, scheme, id) =>
      token(`local:${name(organisation)}:${name(scheme)}:${present(id, 'a local identifier')}`),
    ...(former && { former: createTokeniser(former) }),
  };
}

/** The tokeniser of `partnershipSettings`; the UTF-8 bytes of a key are used. */
export function tokeniserOf(config: {
  PARTNERSHIP_KEY: string;
  PARTNERSHIP_KEY_PREVIOUS?: string | undefined;
}): Tokeniser {
  const { PARTNERSHIP_KEY: key, PARTNERSHIP_KEY_PREVIOUS: former } = config;
  return createTokeniser(
    Buffer.from(key, 'utf8'),
    former === undefined ? undefined : Buffer.from(former, 'utf8'),
  );
}

function canonical(checked: Checked, what: string): string {
  if (checked.valid) return checked.value;
  throw invalid(`this is no ${what}: ${checked.reason}`);
}

function demographic(person: DemographicPerson): string {
  const key = demographicKey(person);
  if (key === undefined) throw invalid('a family name, a first name and a full date of birth are needed');
  return key;
}

/** Without a colon, so that two different identifiers never read the same. */
function name(text: string): string {
  if (!/^[a-z0-9][a-z0-9-]*$/.test(text)) throw invalid('organisation and scheme are lower-case words');
  return text;
}

function present(text: string, what: string): string {
  if (text === '') throw invalid(`${what} is empty`);
  return text;
}

function invalid(message: string): PermanentError {
  return new PermanentError('invalid-identifier', message);
}
