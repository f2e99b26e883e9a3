import { createHmac, createSecretKey } from 'node:crypto';
import { PermanentError } from './errors.ts';

/**
 * Pseudonyms of persons. The same identifier gives the same token at every organisation that holds the
 * partnership key, whatever way its system writes the identifier; without the key nothing can be computed.
 */
export type Tokeniser = {
  /** Of an NHS number: ten digits, spaces and hyphens ignored. Whether it is valid is the caller's to know. */
  nhs(number: string): string;
  /** Of a unique pupil number. */
  upn(id: string): string;
  /** Of a Police National Computer id; the long and the short form give the same token. */
  pnc(id: string): string;
  /** Of family name, first given name and full date of birth (`YYYY-MM-DD`). A possible match, never a certain one. */
  demographic(person: { familyName: string; firstName: string; dateOfBirth: string }): string;
  /** Of an identifier that only one organisation uses, exactly as that organisation writes it. */
  local(organisation: string, scheme: string, id: string): string;
};

const TOKEN_BYTES = 16;
const MIN_KEY_BYTES = 16;

/**
 * Tokens are the first 16 bytes of HMAC-SHA256 (RFC 2104) under `key`, in base64url: 22 characters.
 * @throws PermanentError `weak-key` for a key under 16 bytes; the functions throw `invalid-identifier` for what
 * cannot be one, without repeating it
 */
export function createTokeniser(key: Buffer): Tokeniser {
  if (key.length < MIN_KEY_BYTES)
    throw new PermanentError('weak-key', 'the partnership key needs 16 bytes or more');
  // Made once: handing over the bytes each time costs five times the hash itself.
  const secret = createSecretKey(key);
  const token = (text: string) => {
    const digest = createHmac('sha256', secret).update(text, 'utf8').digest();
    return digest.subarray(0, TOKEN_BYTES).toString('base64url');
  };
  return {
    nhs: (number) => token(`nhs:${canonicalNhsNumber(number)}`),
    upn: (id) => token(`upn:${canonicalUpn(id)}`),
    pnc: (id) => token(`pnc:${canonicalPnc(id)}`),
    demographic: (person) => token(`demographic:${canonicalDemographic(person)}`),
    local: (organisation, scheme, id) =>
      token(`local:${name(organisation)}:${name(scheme)}:${present(id, 'a local identifier')}`),
  };
}

/** Upper-case letters and digits of any script; accents, punctuation and spaces are gone. */
export function normaliseName(text: string): string {
  const upper = text.normalize('NFKD').toUpperCase().normalize('NFKD');
  return upper.replace(/[^\p{L}\p{N}]/gu, '');
}

function canonicalNhsNumber(number: string): string {
  const digits = compact(number);
  if (!/^\d{10}$/.test(digits)) throw invalid('an NHS number has ten digits');
  return digits;
}

function canonicalUpn(id: string): string {
  const upn = compact(id);
  if (!/^[A-Z]\d{11}[0-9A-Z]$/.test(upn))
    throw invalid('a UPN is a letter, eleven digits and a letter or digit');
  return upn;
}

/**
 * `YYYY/NNNNNNNL`. The short form drops the century, the slash and leading zeros of the serial. Records go back
 * to people convicted well before the computer, none of them to before 1950.
 */
function canonicalPnc(id: string): string {
  const pnc = compact(id);
  const parts =
    /^(\d{4}|\d{2})\/(\d{1,7})([A-Z])$/.exec(pnc) ??
    /^(\d{4})(\d{7})([A-Z])$/.exec(pnc) ??
    /^(\d{2})(\d{1,7})([A-Z])$/.exec(pnc);
  if (!parts) throw invalid('a PNC id is a year, a serial of up to seven digits and a letter');
  const [, year = '', serial = '', letter = ''] = parts;
  const century = Number(year) < 50 ? '20' : '19';
  return `${year.length === 2 ? century + year : year}/${serial.padStart(7, '0')}${letter}`;
}

function canonicalDemographic(person: {
  familyName: string;
  firstName: string;
  dateOfBirth: string;
}): string {
  const { dateOfBirth } = person;
  const familyName = present(normaliseName(person.familyName), 'a family name');
  const firstName = present(normaliseName(person.firstName), 'a first name');
  if (!isFullDate(dateOfBirth)) throw invalid('a date of birth is a full date, YYYY-MM-DD');
  return `${familyName}:${firstName}:${dateOfBirth}`;
}

function isFullDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

function compact(id: string): string {
  return id.replace(/[\s-]/g, '').toUpperCase();
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
